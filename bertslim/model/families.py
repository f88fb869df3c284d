"""The supported model families, each as a few facts.

This file stands alone (standard library only): it is copied beside the weights of an uneven slim
checkpoint, so that the checkpoint loads where bertslim is not installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

SLIM_PREFIX = "slim_"
DECODER_HEADS = ("CausalLM", "LMHeadModel", "Decoder")
SKIPPABLE = ("attention", "attention_norm", "ffn", "ffn_norm")


@dataclass(frozen=True, kw_only=True)
class BlockLayout:
    """Where a block of a layer lies, as dotted names below the layer.

    Attributes:
        modules: The modules of the block, the one that computes it first.
        output: Its linear map -> hidden_size.
        norm_before: The norm between the residual stream and the block; None: there is none.
        norm_after: The norm that follows the sum of the block and the residual; None: none.
        input_bias: Whether the maps of the states have a bias, or the key of `config.json` for it.
        output_bias: The same of the output map.
    """

    modules: tuple[str, ...]
    output: str
    norm_before: str | None = None
    norm_after: str | None = None
    input_bias: bool | str = True
    output_bias: bool | str = True

    @property
    def norm(self) -> str | None:
        """The block's norm, before it or after it."""
        return self.norm_before or self.norm_after


@dataclass(frozen=True, kw_only=True)
class AttentionLayout(BlockLayout):
    """Where the attention block of a layer lies.

    Attributes:
        inputs: Its linear maps hidden_size -> heads x head_size: query, key and value; or one map
            whose outputs are those of the three, one after the other.
        head_size: The attribute of the first module that holds the channels of a head.
        fuses: Whether ONNX Runtime's attention nodes compute the same; not where positions are
            rotary, or relative and read by query and key.
        reads_positions: Whether query and key map relative positions, too, and not states alone.
        adds_residual: Whether the first module ends in the residual sum and its norm, so that it
            cannot be left out.
    """

    inputs: tuple[str, ...]
    head_size: str = "attention_head_size"
    fuses: bool = True
    reads_positions: bool = False
    adds_residual: bool = False


@dataclass(frozen=True, kw_only=True)
class FfnLayout(BlockLayout):
    """Where the FFN block of a layer lies.

    The neurons of a plain block are activation(input(x)), those of a gated one
    activation(input(x)) * up(x) (Shazeer 2020, arXiv 2002.05202).

    Attributes:
        input: The linear map hidden_size -> intermediate_size whose outputs are activated.
        activation: The activation.
        up: The other input map of a gated block; None: there is none, or `input` is both.
        input_is_both: Whether `input` puts out the gate's values and then those of the other map.
    """

    input: str
    activation: str
    up: str | None = None
    input_is_both: bool = False

    @property
    def gated(self) -> bool:
        """Whether each neuron has a gate."""
        return self.up is not None or self.input_is_both


@dataclass(frozen=True)
class LayerLayout:
    """Where the two blocks of a transformer layer lie, in the order in which they compute.

    Attributes:
        attention: The attention block.
        ffn: The FFN block.
        norm_bias: Whether the norms have a bias, or the key of `config.json` for it.
        norms_centre: Whether the norms subtract the mean; RMS norms do not.
    """

    attention: AttentionLayout
    ffn: FfnLayout
    norm_bias: bool | str = True
    norms_centre: bool = True


@dataclass(frozen=True)
class ConfigKeys:
    """What `config.json` calls the facts whose names differ between families."""

    hidden_size: str = "hidden_size"
    layers: str = "num_hidden_layers"
    heads: str = "num_attention_heads"
    intermediate_size: str = "intermediate_size"
    activation: str = "hidden_act"
    embedding_size: str = "embedding_size"
    key_value_heads: str = "num_key_value_heads"


@dataclass(frozen=True)
class EmbeddingRows:
    """A table of embeddings that are added up: of tokens, positions, token types or others.

    Attributes:
        key: The key of `config.json` that counts its rows.
        module: Its name among the embeddings; "" where they are this table alone.
        only_if: The key that is true where a model has it; None: every model has.
    """

    key: str
    module: str
    only_if: str | None = None


@dataclass(frozen=True)
class EmbeddingProjection:
    """The linear map that brings embeddings to the width of the hidden states.

    Attributes:
        module: Where it is, as a dotted name below the bare encoder. In the embeddings it comes
            before their norm, elsewhere after it.
        bias: Whether it has a bias.
        always: Whether it is there, too, where both widths are the same.
    """

    module: str
    bias: bool = True
    always: bool = False


@dataclass(frozen=True)
class SharedTable:
    """A table that all layers read, such as one of relative positions.

    Attributes:
        module: Where it is, as a dotted name below the bare encoder.
        rows: The keys of `config.json` that count its rows, of which the first above 0 does.
        width: What its columns are as many as.
        factor: Rows for each that is counted.
        only_if: The key that is true where a model has it; None: every model has.
    """

    module: str
    rows: tuple[str, ...]
    width: Literal["hidden_size", "heads", "head_size"]
    factor: int = 1
    only_if: str | None = None


@dataclass(frozen=True)
class SharedNorm:
    """A norm beside those of the layers, of the width of the hidden states.

    Attributes:
        module: Where it is, as a dotted name below the bare encoder.
        only_if: The key of `config.json` and the value that it has where a model has the norm;
            None: every model has.
        is_final: Whether it follows the last layer.
    """

    module: str
    only_if: tuple[str, object] | None = None
    is_final: bool = False


@dataclass(frozen=True)
class Unsupported:
    """A setting of `config.json` with which a model of the family computes something else.

    Attributes:
        key: The setting.
        values: The values that are supported.
        reason: What the others stand for, as the end of a sentence.
        only_if: The key that is true where the setting matters; None: it always does.
    """

    key: str
    values: tuple[object, ...]
    reason: str
    only_if: str | None = None


WORD_ROWS = EmbeddingRows("vocab_size", "word_embeddings")
POSITION_ROWS = EmbeddingRows("max_position_embeddings", "position_embeddings")
TYPE_ROWS = EmbeddingRows("type_vocab_size", "token_type_embeddings")


BERT_FFN = FfnLayout(
    modules=("intermediate", "output.dense"),
    input="intermediate.dense",
    activation="intermediate.intermediate_act_fn",
    output="output.dense",
    norm_after="output.LayerNorm",
)
BERT_ATTENTION = AttentionLayout(
    modules=("attention.self", "attention.output.dense"),
    inputs=("attention.self.query", "attention.self.key", "attention.self.value"),
    output="attention.output.dense",
    norm_after="attention.output.LayerNorm",
)
BERT_LAYOUT = LayerLayout(BERT_ATTENTION, BERT_FFN)


@dataclass(frozen=True)
class Family:
    """One model family.

    Attributes:
        model_type: Its name in `config.json`.
        class_prefix: What the names of its classes begin with.
        defaults: What the stock configuration class takes where `config.json` is silent; 0 token
            types stand for a family without, an embedding size of 0 for that of the hidden states,
            0 heads of keys and values for as many as there are of queries.
        encoder_class: How the name of the bare encoder's class goes on after the prefix.
        layers: The list of layers, as a dotted name below the bare encoder.
        runs_layers: The module that runs them, where that is not the one that holds the list.
        passes: The key of `config.json` that counts how often hidden states go through all layers,
            one after the other; None: once.
        layout: Where the blocks live inside a layer.
        keys: Names in `config.json`.
        positions_after: The padding index behind which positions are counted, so that the first
            ones are never used: the key of `config.json` that has it, or the index where the class
            settles it; None: positions are counted from 0.
        embeddings: The tables whose rows are added up to a token's embedding.
        embedding_norm: Whether a norm follows them, or the key of `config.json` for it.
        embeddings_module: The module of the embeddings, as a dotted name below the bare encoder.
        projection: What brings embeddings to the width of the hidden states; None: nothing, both
            have the same width.
        shared_tables: Tables that all layers read.
        shared_norms: Norms beside those of the layers and the embeddings.
        heads_share_bias: Whether one of the shared tables is an attention bias with a number for
            each head.
        layer_lists: The keys of `config.json` that hold an entry a layer.
        kind_of_layer: The attribute of a layer that says which of several kinds it is of, each of
            which gets other arguments; None: all are of one kind.
        first_reads_raw: Whether the first layer alone has no norm before its attention, since the
            embeddings end in one.
        reads_all_states: Whether the bare encoder takes the last of all hidden states that the
            module of its layers returns.
        classifier_bias: Whether the map that a head begins with has a bias, or the key for it.
        decoder_bias: The same of the map from which a masked word is chosen.
        classifier_pooling: What classifiers read where `config.json` is silent, by its name there;
            None: its classifiers do not ask.
        keywords: Settings that its configuration class reads and does not declare.
        stored_under: What the names of the encoder's tensors on disk begin with where they are not
            those of the model, nor have the same parts; none: they are the model's.
        unsupported: Settings with which a model computes something else.
    """

    model_type: str
    class_prefix: str
    defaults: dict[str, int]
    encoder_class: str = "Model"
    layers: str = "encoder.layer"
    runs_layers: str | None = None
    passes: str | None = None
    layout: LayerLayout = BERT_LAYOUT
    keys: ConfigKeys = ConfigKeys()
    positions_after: str | int | None = None
    embeddings: tuple[EmbeddingRows, ...] = (WORD_ROWS, POSITION_ROWS, TYPE_ROWS)
    embedding_norm: bool | str = True
    embeddings_module: str = "embeddings"
    projection: EmbeddingProjection | None = None
    shared_tables: tuple[SharedTable, ...] = ()
    shared_norms: tuple[SharedNorm, ...] = ()
    heads_share_bias: bool = False
    layer_lists: tuple[str, ...] = ()
    kind_of_layer: str | None = None
    first_reads_raw: bool = False
    reads_all_states: bool = False
    classifier_bias: bool | str = True
    decoder_bias: bool | str = True
    classifier_pooling: str | None = None
    keywords: tuple[str, ...] = ()
    stored_under: tuple[str, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()

    @property
    def stack(self) -> str:
        """The module that runs the layers, as a dotted name below the bare encoder."""
        return self.runs_layers or self.layers.rpartition(".")[0]

    def embedding_weight(self, table: EmbeddingRows) -> str:
        """Name the tensor of a table, below the bare encoder."""
        return ".".join(filter(None, (self.embeddings_module, table.module, "weight")))

    @property
    def slim_type(self) -> str:
        """The model_type of an uneven slim checkpoint."""
        return SLIM_PREFIX + self.model_type

    def architecture(self, head: str) -> str:
        """Name the stock class that carries this head ("" for the bare encoder)."""
        return f"{self.class_prefix}For{head}" if head else self.class_prefix + self.encoder_class


ROFORMER_LAYOUT = LayerLayout(replace(BERT_ATTENTION, fuses=False), BERT_FFN)
MPNET_LAYOUT = LayerLayout(
    AttentionLayout(
        modules=("attention.attn",),
        inputs=("attention.attn.q", "attention.attn.k", "attention.attn.v"),
        output="attention.attn.o",
        norm_after="attention.LayerNorm",
    ),
    BERT_FFN,
)
DEBERTA_LAYOUT = LayerLayout(
    replace(
        BERT_ATTENTION,
        inputs=(
            "attention.self.query_proj",
            "attention.self.key_proj",
            "attention.self.value_proj",
        ),
        fuses=False,
        reads_positions=True,
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
GTE_LAYOUT = LayerLayout(
    AttentionLayout(
        modules=("self_attn",),
        inputs=("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
        output="self_attn.o_proj",
        norm_after="post_attention_layernorm",
        head_size="head_dim",
        fuses=False,
    ),
    FfnLayout(
        modules=("mlp",),
        input="mlp.gate_proj",
        activation="mlp.act_fn",
        output="mlp.down_proj",
        up="mlp.up_proj",
        norm_after="post_mlp_layernorm",
        input_bias=False,
    ),
)
NOMIC_LAYOUT = LayerLayout(
    replace(GTE_LAYOUT.attention, input_bias=False, output_bias=False),
    replace(GTE_LAYOUT.ffn, output_bias=False),
)
MODERNBERT_LAYOUT = LayerLayout(
    AttentionLayout(
        modules=("attn",),
        inputs=("attn.Wqkv",),
        output="attn.Wo",
        norm_before="attn_norm",
        head_size="head_dim",
        input_bias="attention_bias",
        output_bias="attention_bias",
        fuses=False,
    ),
    FfnLayout(
        modules=("mlp",),
        input="mlp.Wi",
        activation="mlp.act",
        output="mlp.Wo",
        input_is_both=True,
        norm_before="mlp_norm",
        input_bias="mlp_bias",
        output_bias="mlp_bias",
    ),
    norm_bias="norm_bias",
)
MEGATRON_LAYOUT = LayerLayout(
    replace(BERT_ATTENTION, norm_before="attention.ln", norm_after=None),
    replace(BERT_FFN, norm_before="ln", norm_after=None),
)
XLM_ROBERTA_XL_LAYOUT = LayerLayout(
    replace(BERT_ATTENTION, norm_before="attention.self_attn_layer_norm", norm_after=None),
    replace(BERT_FFN, norm_before="LayerNorm", norm_after=None),
)
ROBERTA_PRELAYERNORM_LAYOUT = LayerLayout(
    replace(BERT_ATTENTION, norm_before="attention.LayerNorm", norm_after=None),
    replace(
        BERT_FFN,
        modules=("intermediate.dense", "intermediate.intermediate_act_fn", "output.dense"),
        norm_before="intermediate.LayerNorm",
        norm_after=None,
    ),
)
EUROBERT_LAYOUT = LayerLayout(
    replace(
        GTE_LAYOUT.attention,
        norm_before="input_layernorm",
        norm_after=None,
        input_bias="attention_bias",
        output_bias="attention_bias",
    ),
    replace(
        GTE_LAYOUT.ffn,
        norm_before="post_attention_layernorm",
        norm_after=None,
        input_bias="mlp_bias",
        output_bias="mlp_bias",
    ),
    norm_bias=False,
    norms_centre=False,
)
ALBERT_LAYOUT = LayerLayout(
    AttentionLayout(
        modules=("attention",),
        inputs=("attention.query", "attention.key", "attention.value"),
        output="attention.dense",
        norm_after="attention.LayerNorm",
        fuses=False,
        adds_residual=True,
    ),
    FfnLayout(
        modules=("ffn", "activation", "ffn_output"),
        input="ffn",
        activation="activation",
        output="ffn_output",
        norm_after="full_layer_layer_norm",
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
ERNIE_DEFAULTS = BERT_DEFAULTS | {"task_type_vocab_size": 3, "use_task_id": False}
LAYOUTLM_DEFAULTS = BERT_DEFAULTS | {"max_2d_position_embeddings": 1024}
ROFORMER_DEFAULTS = BERT_DEFAULTS | {
    "vocab_size": 50000,
    "embedding_size": 0,
    "max_position_embeddings": 1536,
}
DEBERTA_DEFAULTS = BERT_DEFAULTS | {
    "vocab_size": 128100,
    "embedding_size": 0,
    "hidden_size": 1536,
    "num_hidden_layers": 24,
    "num_attention_heads": 24,
    "intermediate_size": 6144,
    "type_vocab_size": 0,
    "position_biased_input": True,
    "relative_attention": False,
    "position_buckets": -1,
    "max_relative_positions": -1,
}
NOMIC_DEFAULTS = BERT_DEFAULTS | {"vocab_size": 30528, "max_position_embeddings": 2048}
GTE_DEFAULTS = BERT_DEFAULTS | {
    "vocab_size": 250048,
    "max_position_embeddings": 8192,
    "type_vocab_size": 1,
}
MODERNBERT_DEFAULTS = {
    "vocab_size": 50368,
    "hidden_size": 768,
    "num_hidden_layers": 22,
    "num_attention_heads": 12,
    "intermediate_size": 1152,
    "max_position_embeddings": 8192,
    "norm_bias": False,
    "attention_bias": False,
    "mlp_bias": False,
    "classifier_bias": False,
    "decoder_bias": True,
}
MEGATRON_DEFAULTS = BERT_DEFAULTS | {
    "vocab_size": 29056,
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
XLM_ROBERTA_XL_DEFAULTS = ROBERTA_DEFAULTS | {
    "vocab_size": 250880,
    "hidden_size": 2560,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "intermediate_size": 10240,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
}
ALBERT_DEFAULTS = BERT_DEFAULTS | {
    "vocab_size": 30000,
    "embedding_size": 128,
    "hidden_size": 4096,
    "num_attention_heads": 64,
    "intermediate_size": 16384,
    "inner_group_num": 1,
}
BERT_GENERATION_DEFAULTS = MEGATRON_DEFAULTS | {"vocab_size": 50358, "type_vocab_size": 0}
REMBERT_DEFAULTS = BERT_DEFAULTS | {
    "vocab_size": 250300,
    "hidden_size": 1152,
    "num_hidden_layers": 32,
    "num_attention_heads": 18,
    "input_embedding_size": 256,
    "output_embedding_size": 1664,
    "intermediate_size": 4608,
}
EUROBERT_DEFAULTS = {
    "vocab_size": 128256,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_key_value_heads": 0,
    "intermediate_size": 3072,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
    "attention_bias": False,
    "mlp_bias": False,
}
DEBERTA_KEYWORDS = (
    "embedding_size", "attention_head_size", "position_buckets", "share_att_key", "norm_rel_ebd",
    "conv_kernel_size", "pooler_hidden_size",
)  # fmt: skip
ROTARY_KEYWORDS = (
    "head_dim", "rope_theta", "rope_scaling", "global_rope_theta", "local_rope_theta",
)  # fmt: skip

_LAYOUTLM_ROWS = tuple(
    EmbeddingRows("max_2d_position_embeddings", f"{side}_position_embeddings") for side in "xyhw"
)


def _roberta_like(model_type: str, class_prefix: str, vocab_size: int = 30522) -> Family:
    defaults = ROBERTA_DEFAULTS | {"vocab_size": vocab_size}
    return Family(model_type, class_prefix, defaults, positions_after="pad_token_id")


FAMILIES = {
    family.model_type: family
    for family in (
        Family("bert", "Bert", BERT_DEFAULTS),
        _roberta_like("roberta", "Roberta", vocab_size=50265),
        _roberta_like("xlm-roberta", "XLMRoberta"),
        _roberta_like("camembert", "Camembert"),
        _roberta_like("data2vec-text", "Data2VecText"),
        Family(
            "electra",
            "Electra",
            ELECTRA_DEFAULTS,
            projection=EmbeddingProjection("embeddings_project"),
        ),
        Family(
            "ernie",
            "Ernie",
            ERNIE_DEFAULTS,
            embeddings=(
                WORD_ROWS,
                POSITION_ROWS,
                TYPE_ROWS,
                EmbeddingRows(
                    "task_type_vocab_size", "task_type_embeddings", only_if="use_task_id"
                ),
            ),
        ),
        Family(
            "layoutlm",
            "LayoutLM",
            LAYOUTLM_DEFAULTS,
            embeddings=(WORD_ROWS, POSITION_ROWS, TYPE_ROWS, *_LAYOUTLM_ROWS),
        ),
        Family(
            "roformer",
            "RoFormer",
            ROFORMER_DEFAULTS,
            layout=ROFORMER_LAYOUT,
            embeddings=(WORD_ROWS, TYPE_ROWS),
            projection=EmbeddingProjection("embeddings_project"),
            shared_tables=(
                SharedTable("encoder.embed_positions", ("max_position_embeddings",), "head_size"),
            ),
        ),
        Family(
            "mpnet",
            "MPNet",
            MPNET_DEFAULTS,
            layout=MPNET_LAYOUT,
            positions_after=1,
            embeddings=(WORD_ROWS, POSITION_ROWS),
            shared_tables=(
                SharedTable(
                    "encoder.relative_attention_bias", ("relative_attention_num_buckets",), "heads"
                ),
            ),
            heads_share_bias=True,
        ),
        Family(
            "deberta-v2",
            "DebertaV2",
            DEBERTA_DEFAULTS,
            layout=DEBERTA_LAYOUT,
            embeddings=(
                WORD_ROWS,
                replace(POSITION_ROWS, only_if="position_biased_input"),
                TYPE_ROWS,
            ),
            shared_tables=(
                SharedTable(
                    "encoder.rel_embeddings",
                    ("position_buckets", "max_relative_positions", "max_position_embeddings"),
                    "hidden_size",
                    factor=2,
                    only_if="relative_attention",
                ),
            ),
            shared_norms=(SharedNorm("encoder.LayerNorm", only_if=("norm_rel_ebd", "layer_norm")),),
            projection=EmbeddingProjection("embeddings.embed_proj", bias=False),
            reads_all_states=True,
            keywords=DEBERTA_KEYWORDS,
            unsupported=(
                Unsupported(
                    "pos_att_type",
                    ("p2c|c2p", "c2p|p2c", ["p2c", "c2p"], ["c2p", "p2c"]),
                    "stands for other relative positions",
                    only_if="relative_attention",
                ),
                Unsupported(
                    "conv_kernel_size", (None, 0), "stands for a convolution beside the layers"
                ),
                Unsupported(
                    "share_att_key",
                    (True,),
                    "stands for maps of relative positions of their own in each layer",
                    only_if="relative_attention",
                ),
            ),
        ),
        Family(
            "distilbert",
            "DistilBert",
            DISTILBERT_DEFAULTS,
            layers="transformer.layer",
            layout=DISTILBERT_LAYOUT,
            keys=DISTILBERT_KEYS,
            embeddings=(WORD_ROWS, POSITION_ROWS),
        ),
        Family(
            "modernbert",
            "ModernBert",
            MODERNBERT_DEFAULTS,
            layers="layers",
            layout=MODERNBERT_LAYOUT,
            embeddings=(EmbeddingRows("vocab_size", "tok_embeddings"),),
            shared_norms=(SharedNorm("final_norm", is_final=True),),
            layer_lists=("layer_types",),
            kind_of_layer="attention_type",
            first_reads_raw=True,
            keywords=("global_attn_every_n_layers", *ROTARY_KEYWORDS),
            keys=ConfigKeys(activation="hidden_activation"),
            classifier_bias="classifier_bias",
            decoder_bias="decoder_bias",
        ),
        Family(
            "megatron-bert",
            "MegatronBert",
            MEGATRON_DEFAULTS,
            layout=MEGATRON_LAYOUT,
            embedding_norm=False,
            shared_norms=(SharedNorm("encoder.ln", is_final=True),),
        ),
        Family(
            "xlm-roberta-xl",
            "XLMRobertaXL",
            XLM_ROBERTA_XL_DEFAULTS,
            layout=XLM_ROBERTA_XL_LAYOUT,
            positions_after="pad_token_id",
            embedding_norm=False,
            shared_norms=(SharedNorm("encoder.LayerNorm", is_final=True),),
        ),
        Family(
            "albert",
            "Albert",
            ALBERT_DEFAULTS,
            layers="encoder.albert_layer_groups.0.albert_layers",
            runs_layers="encoder",
            passes="num_hidden_layers",
            layout=ALBERT_LAYOUT,
            keys=ConfigKeys(layers="inner_group_num"),
            projection=EmbeddingProjection("encoder.embedding_hidden_mapping_in", always=True),
            unsupported=(
                Unsupported(
                    "num_hidden_groups",
                    (None, 1),
                    "stands for groups of layers with weights of their own",
                ),
                Unsupported(
                    "inner_group_num", (None, 1), "stands for several layers that take turns"
                ),
            ),
        ),
        Family(
            "roberta-prelayernorm",
            "RobertaPreLayerNorm",
            ROBERTA_DEFAULTS | {"vocab_size": 50265},
            layout=ROBERTA_PRELAYERNORM_LAYOUT,
            positions_after="pad_token_id",
            shared_norms=(SharedNorm("LayerNorm", is_final=True),),
        ),
        Family(
            "bert-generation",
            "BertGeneration",
            BERT_GENERATION_DEFAULTS,
            encoder_class="Encoder",
            embeddings=(WORD_ROWS, POSITION_ROWS),
        ),
        Family(
            "rembert",
            "RemBert",
            REMBERT_DEFAULTS,
            keys=ConfigKeys(embedding_size="input_embedding_size"),
            projection=EmbeddingProjection("encoder.embedding_hidden_mapping_in", always=True),
        ),
        Family(
            "eurobert",
            "EuroBert",
            EUROBERT_DEFAULTS,
            layers="layers",
            layout=EUROBERT_LAYOUT,
            embeddings_module="embed_tokens",
            embeddings=(EmbeddingRows("vocab_size", ""),),
            embedding_norm=False,
            shared_norms=(SharedNorm("norm", is_final=True),),
            decoder_bias="mlp_bias",
            classifier_pooling="late",
            keywords=ROTARY_KEYWORDS,
        ),
        Family(
            "nomic_bert",
            "NomicBert",
            NOMIC_DEFAULTS,
            layers="layers",
            layout=NOMIC_LAYOUT,
            embeddings=(WORD_ROWS, TYPE_ROWS),
            keywords=ROTARY_KEYWORDS,
            stored_under=("encoder", "emb_ln"),
        ),
        Family(
            "gte",
            "Gte",
            GTE_DEFAULTS,
            layers="layers",
            layout=GTE_LAYOUT,
            embeddings=(WORD_ROWS, TYPE_ROWS),
            keywords=ROTARY_KEYWORDS,
            stored_under=("encoder",),
        ),
    )
}


def family_named(model_type: str) -> Family:
    """Return the family of a model_type, stock or slim.

    Raises:
        KeyError: The family is not supported.
    """
    return FAMILIES[model_type.removeprefix(SLIM_PREFIX)]


_PREFIXES = "|".join(family.class_prefix for family in FAMILIES.values())
_ENCODERS = "|".join(family.architecture("") for family in FAMILIES.values())
_CLASS_NAME = re.compile(
    rf"(Slim)?({_ENCODERS}|({_PREFIXES})(For(?P<head>\w+)|(?P<decoder>LMHeadModel|Decoder)))"
)


def head_of(architecture: str) -> str | None:
    """Return the head of a class name: "SequenceClassification", "" for the bare encoder.

    None stands for a name that no family has.
    """
    match = _CLASS_NAME.fullmatch(architecture)
    if match is None:
        return None
    return match["decoder"] or match["head"] or ""
