"""The supported model families, each as a few facts.

This file stands alone (standard library only): it is copied beside the weights of an uneven slim
checkpoint, so that the checkpoint loads where bertslim is not installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SLIM_PREFIX = "slim_"
DECODER_HEADS = ("CausalLM", "LMHeadModel")
SKIPPABLE = ("attention", "attention_norm", "ffn", "ffn_norm")


@dataclass(frozen=True)
class LayerLayout:
    """Where the two blocks of a transformer layer live, as dotted names below the layer.

    Attributes:
        attention: The modules of the attention block, the one that computes it first.
        attention_in: Its linear maps hidden_size -> heads x head_size: query, key and value.
        attention_out: Its linear map heads x head_size -> hidden_size.
        attention_norm: The LayerNorm behind the attention block.
        ffn: The modules of the FFN block, the one that computes it first.
        ffn_norm: The LayerNorm behind the FFN block.
        ffn_in: The linear map hidden_size -> intermediate_size.
        ffn_act: The activation between the two maps.
        ffn_out: The linear map intermediate_size -> hidden_size.
    """

    attention: tuple[str, ...]
    attention_in: tuple[str, str, str]
    attention_out: str
    attention_norm: str
    ffn: tuple[str, ...]
    ffn_norm: str
    ffn_in: str
    ffn_act: str
    ffn_out: str


@dataclass(frozen=True)
class ConfigKeys:
    """What `config.json` calls the facts whose names differ between families."""

    hidden_size: str = "hidden_size"
    layers: str = "num_hidden_layers"
    heads: str = "num_attention_heads"
    intermediate_size: str = "intermediate_size"


@dataclass(frozen=True)
class Family:
    """One model family.

    Attributes:
        model_type: Its name in `config.json`.
        class_prefix: What the names of its classes begin with.
        layers: The list of layers, as a dotted name below the bare encoder.
        layout: Where the blocks live inside a layer.
        keys: Names in `config.json`.
        defaults: What the stock configuration class takes where `config.json` is silent.
        positions_after_padding: Whether positions are counted from behind the padding index, so
            that the first ones are never used.
    """

    model_type: str
    class_prefix: str
    layers: str
    layout: LayerLayout
    keys: ConfigKeys
    defaults: dict[str, int]
    positions_after_padding: bool = False

    @property
    def slim_type(self) -> str:
        """The model_type of an uneven slim checkpoint."""
        return SLIM_PREFIX + self.model_type

    def architecture(self, head: str) -> str:
        """Name the stock class that carries this head ("" for the bare encoder)."""
        return f"{self.class_prefix}For{head}" if head else f"{self.class_prefix}Model"


BERT_LAYOUT = LayerLayout(
    attention=("attention.self", "attention.output.dense"),
    attention_in=("attention.self.query", "attention.self.key", "attention.self.value"),
    attention_out="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    ffn=("intermediate", "output.dense"),
    ffn_norm="output.LayerNorm",
    ffn_in="intermediate.dense",
    ffn_act="intermediate.intermediate_act_fn",
    ffn_out="output.dense",
)
MPNET_LAYOUT = LayerLayout(
    attention=("attention.attn",),
    attention_in=("attention.attn.q", "attention.attn.k", "attention.attn.v"),
    attention_out="attention.attn.o",
    attention_norm="attention.LayerNorm",
    ffn=("intermediate", "output.dense"),
    ffn_norm="output.LayerNorm",
    ffn_in="intermediate.dense",
    ffn_act="intermediate.intermediate_act_fn",
    ffn_out="output.dense",
)
DISTILBERT_LAYOUT = LayerLayout(
    attention=("attention",),
    attention_in=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    attention_out="attention.out_lin",
    attention_norm="sa_layer_norm",
    ffn=("ffn",),
    ffn_norm="output_layer_norm",
    ffn_in="ffn.lin1",
    ffn_act="ffn.activation",
    ffn_out="ffn.lin2",
)
DISTILBERT_KEYS = ConfigKeys(
    hidden_size="dim", layers="n_layers", heads="n_heads", intermediate_size="hidden_dim"
)


BERT_DEFAULTS = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
}
ROBERTA_DEFAULTS = BERT_DEFAULTS | {"pad_token_id": 1}
ELECTRA_DEFAULTS = BERT_DEFAULTS | {
    "embedding_size": 128,
    "hidden_size": 256,
    "num_attention_heads": 4,
    "intermediate_size": 1024,
}
MPNET_DEFAULTS = ROBERTA_DEFAULTS | {
    "vocab_size": 30527,
    "type_vocab_size": 0,
    "relative_attention_num_buckets": 32,
}
DISTILBERT_DEFAULTS = {
    "vocab_size": 30522,
    "dim": 768,
    "n_layers": 6,
    "n_heads": 12,
    "hidden_dim": 3072,
    "max_position_embeddings": 512,
    "type_vocab_size": 0,
}


def _bert_like(
    model_type: str,
    class_prefix: str,
    defaults: dict[str, int],
    *,
    layout: LayerLayout = BERT_LAYOUT,
    positions_after_padding: bool = False,
) -> Family:
    return Family(
        model_type,
        class_prefix,
        "encoder.layer",
        layout,
        ConfigKeys(),
        defaults,
        positions_after_padding,
    )


def _roberta_like(model_type: str, class_prefix: str, vocab_size: int = 30522) -> Family:
    defaults = ROBERTA_DEFAULTS | {"vocab_size": vocab_size}
    return _bert_like(model_type, class_prefix, defaults, positions_after_padding=True)


FAMILIES = {
    family.model_type: family
    for family in (
        _bert_like("bert", "Bert", BERT_DEFAULTS),
        _roberta_like("roberta", "Roberta", vocab_size=50265),
        _roberta_like("xlm-roberta", "XLMRoberta"),
        _roberta_like("camembert", "Camembert"),
        _bert_like("electra", "Electra", ELECTRA_DEFAULTS),
        _bert_like(
            "mpnet", "MPNet", MPNET_DEFAULTS, layout=MPNET_LAYOUT, positions_after_padding=True
        ),
        Family(
            "distilbert",
            "DistilBert",
            "transformer.layer",
            DISTILBERT_LAYOUT,
            DISTILBERT_KEYS,
            DISTILBERT_DEFAULTS,
        ),
    )
}

_CLASS_NAME = re.compile(
    rf"(Slim)?({'|'.join(family.class_prefix for family in FAMILIES.values())})"
    r"(For(?P<head>\w+)|Model|(?P<decoder>LMHeadModel))"
)


def head_of(architecture: str) -> str | None:
    """Return the head of a class name: "SequenceClassification", "" for the bare encoder.

    None stands for a name that no family has.
    """
    match = _CLASS_NAME.fullmatch(architecture)
    if match is None:
        return None
    return match["decoder"] or match["head"] or ""
