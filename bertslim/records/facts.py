"""The facts of a model: the shape of its layers, embeddings and head."""

from __future__ import annotations

from bertslim.records.frozen import Count, Frozen


class LayerFacts(Frozen):
    """The shape of one transformer layer.

    Attributes:
        heads: Attention heads; 0 where the attention block is gone.
        intermediate_size: Neurons of the FFN block; 0 where the block is gone.
        attention_norm: Whether the norm of the attention block is there, after it or before it.
        ffn_norm: Whether the norm of the FFN block is there.
        linear_rank: Rank of the linear map of the block's input that stands beside the FFN block,
            or in its place where that is gone; hidden_size for one full map, 0 for none.
        ffn_of: The layer of the same model whose FFN block it uses; None where it has its own.
    """

    heads: Count
    intermediate_size: Count
    attention_norm: bool = True
    ffn_norm: bool = True
    linear_rank: Count = 0
    ffn_of: Count | None = None


class LayerForm(Frozen):
    """What all layers of a model have in common, beside their sizes.

    Attributes:
        norms_before: Whether the norms stand before the blocks, and not after the residual sums.
        first_reads_raw: Whether the first layer alone has no norm before its attention.
        gated: Whether FFN blocks have a gate, a second input map.
        attention_input_bias: Whether query, key and value have a bias.
        attention_output_bias: The same of the map after them.
        ffn_input_bias: The same of the input maps of FFN blocks.
        ffn_output_bias: The same of their output maps.
        norm_bias: The same of the norms.
        norms_centre: Whether they subtract the mean; RMS norms do not.
        heads_per_key: How many heads share one head of keys and values.
        attention_adds_residual: Whether the attention block cannot be left out, as its module ends
            in the residual sum and its norm.
        passes: How often hidden states go through all layers, one after the other.
        relative_positions: Rows of a table that query and key map in each layer, beside the states.
    """

    norms_before: bool = False
    first_reads_raw: bool = False
    gated: bool = False
    attention_input_bias: bool = True
    attention_output_bias: bool = True
    ffn_input_bias: bool = True
    ffn_output_bias: bool = True
    norm_bias: bool = True
    norms_centre: bool = True
    heads_per_key: int = 1
    attention_adds_residual: bool = False
    passes: int = 1
    relative_positions: int = 0


class ModelFacts(Frozen):
    """The shape of a checkpoint, from its configuration alone; no weight is read.

    Attributes:
        model_type: The stock family name, such as "bert", also for a slim checkpoint.
        architecture: The stock class name, such as "BertForSequenceClassification".
        head: The head on the encoder, such as "SequenceClassification"; "" for the bare encoder.
        hidden_size: Width of the hidden states.
        head_size: Width of one attention head.
        vocab_size: Tokens in the vocabulary.
        max_length: The longest sequence, in tokens, that the position embeddings allow.
        labels: Outputs of the head.
        pooler: Whether the bare encoder has its pooler.
        dtype: The type of the weights on disk, such as "float32".
        embedding_parameters: Parameters of the embeddings.
        shared_parameters: Parameters that the layers share, such as MPNet's attention bias, and
            those of a norm after the last layer.
        head_parameters: Parameters of the pooler and the head, tied ones left out.
        macs_per_token: Multiply-accumulates outside the layers, for each token.
        macs_per_sequence: Multiply-accumulates outside the layers, for each sequence.
        layers: The layers from the bottom up.
        form: What the layers have in common.
    """

    model_type: str
    architecture: str
    head: str
    hidden_size: Count
    head_size: Count
    vocab_size: Count
    max_length: Count
    labels: Count
    pooler: bool
    dtype: str
    embedding_parameters: Count
    shared_parameters: Count
    head_parameters: Count
    macs_per_token: Count
    macs_per_sequence: Count
    layers: tuple[LayerFacts, ...]
    form: LayerForm = LayerForm()


class Sizes(Frozen):
    """Parameter counts and multiply-accumulates of one model.

    Attributes:
        parameters: All parameters, tied ones counted once.
        encoder: Parameters of the transformer layers.
        embeddings: Parameters of the embeddings.
        macs: Multiply-accumulates of one forward pass at batch 1 and the stated length.
    """

    parameters: Count
    encoder: Count
    embeddings: Count
    macs: Count
