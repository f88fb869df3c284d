"""What stands on the encoder: parameters and multiply-accumulates of every pooler and task head."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from bertslim.model.families import Family

MASKED_LM, MASKED_LM_ONE_BIAS, DECODER = "masked LM", "masked LM, one bias", "decoder"
MASKED_LM_OWN_WIDTH = "masked LM of a width of its own"
_WORDS = frozenset({MASKED_LM, MASKED_LM_ONE_BIAS, DECODER, MASKED_LM_OWN_WIDTH})


@dataclass(frozen=True)
class Dimensions:
    """What a head is built from.

    Attributes:
        hidden_size: Width of the hidden states.
        embedding_size: Width of the embeddings.
        output_embedding_size: Width of the states that words are chosen from, where it is another.
        vocab_size: Words.
        labels: Labels.
        tied: Whether words are chosen by their embeddings.
        pools_late: Whether a classifier reads each token, and the mean is that of its answers.
        norm_rows: Parameters of a norm for each channel.
        classifier_bias: Whether the map that a head begins with has a bias.
        decoder_bias: The same of the map from which a masked word is chosen.
    """

    hidden_size: int
    embedding_size: int
    output_embedding_size: int
    vocab_size: int
    labels: int
    tied: bool = True
    pools_late: bool = False
    norm_rows: int = 2
    classifier_bias: bool = True
    decoder_bias: bool = True


@dataclass(frozen=True)
class HeadPart:
    """One part of a head: its parameters, and its multiply-accumulates.

    Attributes:
        parameters: Parameters, those tied to the embeddings left out.
        macs: Multiply-accumulates for each position that it is applied to.
        every_token: Whether it is applied to every token, or once a sequence.
    """

    parameters: int
    macs: int
    every_token: bool = False


_OF_TOKENS = {"TokenClassification": ("token labels",), "QuestionAnswering": ("token labels",)}
_POOLED_HEADS = {
    "": ("pooler",),
    "SequenceClassification": ("pooler", "labels"),
    **_OF_TOKENS,
    "MultipleChoice": ("pooler", "choice"),
}
_DENSE_HEADS = {
    "": (),
    "SequenceClassification": ("dense", "labels"),
    **_OF_TOKENS,
    "MultipleChoice": ("dense", "choice"),
}
_BERT_HEADS = _POOLED_HEADS | {
    "NextSentencePrediction": ("pooler", "next sentence"),
    "MaskedLM": (MASKED_LM,),
    "PreTraining": ("pooler", "next sentence", MASKED_LM),
}
_ROBERTA_HEADS = _POOLED_HEADS | {
    "SequenceClassification": ("dense", "labels"),
    "MaskedLM": (MASKED_LM,),
}
_ALBERT_HEADS = _POOLED_HEADS | {
    "MaskedLM": (MASKED_LM_ONE_BIAS,),
    "PreTraining": ("pooler", "labels", MASKED_LM_ONE_BIAS),
}
_REMBERT_HEADS = _POOLED_HEADS | {"MaskedLM": (MASKED_LM_OWN_WIDTH,)}
_ELECTRA_HEADS = _DENSE_HEADS | {
    "MaskedLM": (MASKED_LM_ONE_BIAS,),
    "PreTraining": ("discriminator",),
}
_DISTILBERT_HEADS = _DENSE_HEADS | {"MaskedLM": (MASKED_LM_ONE_BIAS,)}
_DEBERTA_HEADS = _DENSE_HEADS | {"MaskedLM": (MASKED_LM,)}
_ROFORMER_HEADS = _DEBERTA_HEADS | {"MultipleChoice": ("choice",)}
_LAYOUTLM_HEADS = {
    "": ("fixed pooler",),
    "SequenceClassification": ("fixed pooler", "labels"),
    "TokenClassification": ("fixed pooler", "token labels"),
    "MaskedLM": ("fixed pooler", MASKED_LM),
}
_NOMIC_HEADS = {
    "": (),
    "SequenceClassification": ("pooler", "labels"),
    "TokenClassification": ("token labels",),
    "MaskedLM": (MASKED_LM,),
}
_EUROBERT_HEADS = {
    "": (),
    "SequenceClassification": ("dense", "labels"),
    "TokenClassification": ("token labels",),
    "MaskedLM": (DECODER,),
}
_MODERNBERT_HEADS = {
    "": (),
    "SequenceClassification": ("dense and norm", "labels"),
    "TokenClassification": ("dense and norm of tokens", "token labels"),
    "QuestionAnswering": ("dense and norm of tokens", "token labels"),
    "MultipleChoice": ("dense and norm", "choice"),
    "MaskedLM": ("dense and norm of tokens", DECODER),
}
HEADS: dict[str, dict[str, tuple[str, ...]]] = {
    "bert": _BERT_HEADS,
    "ernie": _BERT_HEADS,
    "data2vec-text": _ROBERTA_HEADS,
    "layoutlm": _LAYOUTLM_HEADS,
    "roformer": _ROFORMER_HEADS,
    "deberta-v2": _DEBERTA_HEADS,
    "modernbert": _MODERNBERT_HEADS,
    "megatron-bert": _BERT_HEADS,
    "xlm-roberta-xl": _ROBERTA_HEADS,
    "nomic_bert": _NOMIC_HEADS,
    "gte": _NOMIC_HEADS,
    "roberta": _ROBERTA_HEADS,
    "xlm-roberta": _ROBERTA_HEADS,
    "camembert": _ROBERTA_HEADS,
    "mpnet": _ROBERTA_HEADS,
    "electra": _ELECTRA_HEADS,
    "albert": _ALBERT_HEADS,
    "roberta-prelayernorm": _ROBERTA_HEADS,
    "bert-generation": {"": ()},
    "rembert": _REMBERT_HEADS,
    "eurobert": _EUROBERT_HEADS,
    "distilbert": _DISTILBERT_HEADS,
}


def heads_of(family: Family) -> tuple[str, ...]:
    """Return the heads that the family knows; "" is the bare encoder."""
    return tuple(HEADS[family.model_type])


def pooler_is_optional(family: Family, head: str) -> bool:
    """Whether a checkpoint may come with or without the pooler: bare encoders only."""
    return head == "" and "pooler" in HEADS[family.model_type][head]


def predicts_words(family: Family, head: str) -> bool:
    """Whether the head puts out a number for each word of the vocabulary."""
    return not _WORDS.isdisjoint(HEADS[family.model_type][head])


def head_parts(family: Family, head: str, dimensions: Dimensions) -> dict[str, HeadPart]:
    """Return the parts of a head by name."""
    return {name: _part(name, dimensions) for name in HEADS[family.model_type][head]}


def _part(name: str, dimensions: Dimensions) -> HeadPart:
    hidden, embedding, labels = dimensions.hidden_size, dimensions.embedding_size, dimensions.labels
    parts = {
        "pooler": _linear(hidden, hidden),
        "fixed pooler": _linear(hidden, hidden),  # in the encoder, whether the head reads it or not
        "dense": _linear(hidden, hidden, every_token=dimensions.pools_late),
        "dense and norm": _dense_and_norm(dimensions),
        "dense and norm of tokens": _dense_and_norm(dimensions, every_token=True),
        DECODER: _decoder(dimensions),
        "labels": _linear(hidden, labels, every_token=dimensions.pools_late),
        "token labels": _linear(hidden, labels, every_token=True),
        "choice": _linear(hidden, 1),
        "next sentence": _linear(hidden, 2),
        "discriminator": _linear(hidden, hidden, 1, every_token=True),
        MASKED_LM: _masked_lm(dimensions, embedding, biases=2),
        MASKED_LM_ONE_BIAS: _masked_lm(dimensions, embedding, biases=1),
        MASKED_LM_OWN_WIDTH: _masked_lm(
            replace(dimensions, tied=False), dimensions.output_embedding_size, biases=1
        ),
    }
    return parts[name]


def _linear(*widths: int, every_token: bool = False) -> HeadPart:
    pairs = list(pairwise(widths))
    return HeadPart(
        parameters=sum((inputs + 1) * outputs for inputs, outputs in pairs),
        macs=sum(inputs * outputs for inputs, outputs in pairs),
        every_token=every_token,
    )


def _dense_and_norm(dimensions: Dimensions, *, every_token: bool = False) -> HeadPart:
    hidden = dimensions.hidden_size
    width = hidden + dimensions.classifier_bias + dimensions.norm_rows
    return HeadPart(hidden * width, hidden * hidden, every_token=every_token)


def _decoder(dimensions: Dimensions) -> HeadPart:
    """Count the output embedding, where it is not tied, and its bias."""
    macs = dimensions.hidden_size * dimensions.vocab_size
    bias = dimensions.vocab_size if dimensions.decoder_bias else 0
    return HeadPart(bias + (0 if dimensions.tied else macs), macs, every_token=True)


def _masked_lm(dimensions: Dimensions, width: int, *, biases: int) -> HeadPart:
    """Count the output embedding and its biases, where they are not tied, in full."""
    vocabulary = dimensions.vocab_size
    transform = _linear(dimensions.hidden_size, width)
    decoder = width * vocabulary
    norm = 2 * width
    own = vocabulary if dimensions.tied else decoder + biases * vocabulary
    return HeadPart(
        parameters=transform.parameters + norm + own,
        macs=transform.macs + decoder,
        every_token=True,
    )
