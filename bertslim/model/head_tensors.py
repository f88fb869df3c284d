"""Which tensors a head consists of, and which head a checkpoint has by its tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bertslim.model.families import Family
from bertslim.model.stored_tensors import StoredTensor

_POOLER = "pooler.dense"
_CHOICE = "MultipleChoice"


@dataclass(frozen=True)
class HeadTensors:
    """The modules of a head.

    Attributes:
        modules: All that must be there; a module that ends in a dot stands for those within.
        output: The linear map with a row for each label; None where labels play no part.
    """

    modules: tuple[str, ...]
    output: str | None = None

    def lacking(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the modules that no tensor belongs to."""
        there = tuple(names)
        return tuple(
            module for module in self.modules if not any(_belongs(name, module) for name in there)
        )

    def left_over(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the tensors that belong to none of the modules."""
        modules = (*self.modules, _POOLER)
        return tuple(
            name for name in names if not any(_belongs(name, module) for module in modules)
        )


_TOKENS = HeadTensors(("classifier",), "classifier")
_ANSWERS = HeadTensors(("qa_outputs",), "qa_outputs")
_POOLED = HeadTensors((_POOLER, "classifier"), "classifier")
_TWO_MAPS = HeadTensors(("classifier.dense", "classifier.out_proj"), "classifier.out_proj")
_POOLED_CHOICE = HeadTensors((_POOLER, "classifier"))
_WORDS_BY_CLS = HeadTensors(("cls.predictions.",))
_WORDS_BY_LM_HEAD = HeadTensors(("lm_head.",))
_ENCODER = HeadTensors(())
_OF_TOKENS = {"": _ENCODER, "TokenClassification": _TOKENS, "QuestionAnswering": _ANSWERS}
_DEBERTA = _OF_TOKENS | {
    "SequenceClassification": _POOLED,
    _CHOICE: _POOLED_CHOICE,
    "MaskedLM": _WORDS_BY_CLS,
}
_BERT = _DEBERTA | {
    "NextSentencePrediction": HeadTensors((_POOLER, "cls.seq_relationship")),
    "PreTraining": HeadTensors((_POOLER, "cls.predictions.", "cls.seq_relationship")),
}
_ROBERTA = _OF_TOKENS | {
    "SequenceClassification": _TWO_MAPS,
    _CHOICE: _POOLED_CHOICE,
    "MaskedLM": _WORDS_BY_LM_HEAD,
}
_ELECTRA = _OF_TOKENS | {
    "SequenceClassification": _TWO_MAPS,
    _CHOICE: HeadTensors(("sequence_summary.summary", "classifier")),
    "MaskedLM": HeadTensors(("generator_predictions.", "generator_lm_head")),
    "PreTraining": HeadTensors(("discriminator_predictions.",)),
}
_DISTILBERT = _OF_TOKENS | {
    "SequenceClassification": HeadTensors(("pre_classifier", "classifier"), "classifier"),
    _CHOICE: HeadTensors(("pre_classifier", "classifier")),
    "MaskedLM": HeadTensors(("vocab_transform", "vocab_layer_norm", "vocab_projector")),
}
_ROFORMER = _ROBERTA | {
    _CHOICE: HeadTensors(("classifier",)),
    "MaskedLM": _WORDS_BY_CLS,
}
_GTE = {
    "": _ENCODER,
    "SequenceClassification": _POOLED,
    "TokenClassification": _TOKENS,
    "MaskedLM": _WORDS_BY_LM_HEAD,
}
_MODERNBERT_CLASSIFIER = HeadTensors(("head.dense", "head.norm", "classifier"), "classifier")
_MODERNBERT = {
    "": _ENCODER,
    "SequenceClassification": _MODERNBERT_CLASSIFIER,
    "TokenClassification": _MODERNBERT_CLASSIFIER,
    "QuestionAnswering": _MODERNBERT_CLASSIFIER,
    _CHOICE: HeadTensors(("head.dense", "head.norm", "classifier")),
    "MaskedLM": HeadTensors(("head.dense", "head.norm", "decoder")),
}
_EUROBERT = {
    "": _ENCODER,
    "SequenceClassification": HeadTensors(("dense", "classifier"), "classifier"),
    "TokenClassification": _TOKENS,
    "MaskedLM": HeadTensors(("lm_head",)),
}
_ALBERT = _DEBERTA | {
    "MaskedLM": HeadTensors(("predictions.",)),
    "PreTraining": HeadTensors((_POOLER, "predictions.", "sop_classifier.classifier")),
}
HEADS: Mapping[str, Mapping[str, HeadTensors]] = {
    "bert": _BERT,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "mpnet": _ROBERTA,
    "electra": _ELECTRA,
    "albert": _ALBERT,
    "roberta-prelayernorm": _ROBERTA,
    "bert-generation": {"": _ENCODER},
    "rembert": _DEBERTA,
    "eurobert": _EUROBERT,
    "distilbert": _DISTILBERT,
    "data2vec-text": _ROBERTA,
    "ernie": _BERT,
    "layoutlm": _GTE
    | {
        "TokenClassification": _POOLED,
        "MaskedLM": HeadTensors((_POOLER, "cls.predictions.")),
    },
    "roformer": _ROFORMER,
    "deberta-v2": _DEBERTA,
    "modernbert": _MODERNBERT,
    "megatron-bert": _BERT,
    "xlm-roberta-xl": _ROBERTA,
    "nomic_bert": _GTE | {"MaskedLM": _WORDS_BY_CLS},
    "gte": _GTE,
}


def tensors_of_head(family: Family, head: str) -> HeadTensors:
    """Return the modules of a head that the family knows."""
    return HEADS[family.model_type][head]


def output_rows(family: Family, head: str, tensors: Mapping[str, StoredTensor]) -> int | None:
    """Return the labels that the head on disk tells apart; None where none are, or no head is."""
    output = tensors.get(f"{tensors_of_head(family, head).output}.weight")
    return output.shape[0] if output is not None and output.shape else None


def fitting_heads(family: Family, tensors: Mapping[str, StoredTensor]) -> tuple[str, ...]:
    """Return the heads that the tensors make up; several where they fit equally well.

    A head fits best that leaves the fewest tensors over. Of those, one of more modules comes before
    one of fewer, but a choice among several, with its one row, is told from no other.

    Returns:
        None at all where each head leaves tensors over that no head of the family has.
    """
    names = _outside_encoder(family, tensors)
    fits = {
        head: made_of
        for head, made_of in HEADS[family.model_type].items()
        if not made_of.lacking(names) and (head != _CHOICE or _has_one_row(tensors))
    }
    best = min(len(made_of.left_over(names)) for made_of in fits.values())
    nearest = {
        head: len(made_of.modules)
        for head, made_of in fits.items()
        if len(made_of.left_over(names)) == best
    }
    if best and "" in nearest:
        return ()
    most = max(nearest.values())
    return tuple(head for head, modules in nearest.items() if modules == most)


def _outside_encoder(family: Family, tensors: Iterable[str]) -> tuple[str, ...]:
    """Return the names outside the encoder, and those of a pooler without the model's name."""
    modules = [family.embeddings_module, family.layers]
    modules += [norm.module for norm in family.shared_norms]
    modules += [family.projection.module] if family.projection else []
    inside = {module.partition(".")[0] for module in modules}.union(family.stored_under)
    names = []
    for name in tensors:
        parts = name.split(".")
        if parts[0] in inside or (len(parts) > 1 and parts[1] in inside):
            continue
        names.append(f"{_POOLER}.{parts[-1]}" if "pooler" in parts[:2] else name)
    return tuple(names)


def _has_one_row(tensors: Mapping[str, StoredTensor]) -> bool:
    output = tensors.get("classifier.weight")
    return output is not None and output.shape[:1] == (1,)


def _belongs(name: str, module: str) -> bool:
    return name.startswith(module) if module.endswith(".") else name.rpartition(".")[0] == module
