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
class AttentionLayout:
    """Where the attention block of a layer lies, as dotted names below the layer.

    Attributes:
        modules: The modules of the block, the one that computes it first.
        inputs: Its linear maps hidden_size -> heads x head_size: query, key and value.
        output: Its linear map heads x head_size -> hidden_size.
        norm_before: The LayerNorm between the residual stream and the block; None: there is none.
        norm_after: The LayerNorm that follows the sum of the block and the residual; None: none.
    """

    modules: tuple[str, ...]
    inputs: tuple[str, str, str]
    output: str
    norm_before: str | None = None
    norm_after: str | None = None


@dataclass(frozen=True)
class FfnLayout:
    """Where the FFN block of a layer lies, as dotted names below the layer.

    Attributes:
        modules: The modules of the block, the one that computes it first.
        input: The linear map hidden_size -> intermediate_size.
        activation: The activation between the two maps.
        output: The linear map intermediate_size -> hidden_size.
        norm_before: The LayerNorm between the residual stream and the block; None: there is none.
        norm_after: The LayerNorm that follows the sum of the block and the residual; None: none.
    """

    modules: tuple[str, ...]
    input: str
    activation: str
    output: str
    norm_before: str | None = None
    norm_after: str | None = None


@dataclass(frozen=True)
class LayerLayout:
    """Where the two blocks of a transformer layer lie, in the order in which they compute."""

    attention: AttentionLayout
    ffn: FfnLayout


@dataclass(frozen=True)
class ConfigKeys:
    """What `config.json` calls the facts whose names differ between families."""

    hidden_size: str = "hidden_size"
    layers: str = "num_hidden_layers"
    heads: str = "num_attention_heads"
    intermediate_size: str = "intermediate_size"
    activation: str = "hidden_act"


@dataclass(frozen=True)
class EmbeddingRows:
    """Embeddings that a family adds to those of tokens, positions and token types.

    Attributes:
        key: The key of `config.json` that counts them.
        only_if: The key that is true where a model has them; None: every model has.
    """

    key: str
    only_if: str | None = None


@dataclass(frozen=True)
class Family:
    """One model family.

    Attributes:
        model_type: Its name in `config.json`.
        class_prefix: What the names of its classes begin with.
        layers: The list of layers, as a dotted name below the bare encoder.
        layout: Where the blocks live inside a layer.
        keys: Names in `config.json`.
        defaults: What the stock configuration class takes where `config.json` is silent; 0 token
            types stand for a family without.
        positions_after_padding: Whether positions are counted from behind the padding index, so
            that the first ones are never used.
        further_embeddings: Embeddings beside those of tokens, positions and token types.
        attention_bias_rows: The key of `config.json` that counts the rows of an attention bias, a
            number a head, that all layers share; None: there is none.
    """

    model_type: str
    class_prefix: str
    layers: str
    layout: LayerLayout
    keys: ConfigKeys
    defaults: dict[str, int]
    positions_after_padding: bool = False
    further_embeddings: tuple[EmbeddingRows, ...] = ()
    attention_bias_rows: str | None = None

    @property
    def stack(self) -> str:
        """The module that runs the layers, as a dotted name below the bare encoder."""
        return self.layers.rpartition(".")[0]

    @property
    def slim_type(self) -> str:
        """The model_type of an uneven slim checkpoint."""
        return SLIM_PREFIX + self.model_type

    def architecture(self, head: str) -> str:
        """Name the stock class that carries this head ("" for the bare encoder)."""
        return f"{self.class_prefix}For{head}" if head else f"{self.class_prefix}Model"


BERT_FFN = FfnLayout(
    modules=("intermediate", "output.dense"),
    input="intermediate.dense",
    activation="intermediate.intermediate_act_fn",
    output="output.dense",
    norm_after="output.LayerNorm",
)
BERT_LAYOUT = LayerLayout(
    AttentionLayout(
        modules=("attention.self", "attention.output.dense"),
        inputs=("attention.self.query", "attention.self.key", "attention.self.value"),
        output="attention.output.dense",
        norm_after="attention.output.LayerNorm",
    ),
    BERT_FFN,
)
MPNET_LAYOUT = LayerLayout(
    AttentionLayout(
        modules=("attention.attn",),
        inputs=("attention.attn.q", "attention.attn.k", "attention.attn.v"),
        output="attention.attn.o",
        norm_after="attention.LayerNorm",
    ),
    BERT_FFN,
)
DISTILBERT_LAYOUT = LayerLayout(
    AttentionLayout(
        modules=("attention",),
        inputs=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
        output="attention.out_lin",
        norm_after="sa_layer_norm",
    ),
    FfnLayout(
        modules=("ffn",),
        input="ffn.lin1",
        activation="ffn.activation",
        output="ffn.lin2",
        norm_after="output_layer_norm",
    ),
)
DISTILBERT_KEYS = ConfigKeys(
    hidden_size="dim",
    layers="n_layers",
    heads="n_heads",
    intermediate_size="hidden_dim",
    activation="activation",
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
    further_embeddings: tuple[EmbeddingRows, ...] = (),
    attention_bias_rows: str | None = None,
) -> Family:
    return Family(
        model_type,
        class_prefix,
        "encoder.layer",
        layout,
        ConfigKeys(),
        defaults,
        positions_after_padding,
        further_embeddings,
        attention_bias_rows,
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
            "mpnet",
            "MPNet",
            MPNET_DEFAULTS,
            layout=MPNET_LAYOUT,
            positions_after_padding=True,
            attention_bias_rows="relative_attention_num_buckets",
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


def family_named(model_type: str) -> Family:
    """Return the family of a model_type, stock or slim.

    Raises:
        KeyError: The family is not supported.
    """
    return FAMILIES[model_type.removeprefix(SLIM_PREFIX)]


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
