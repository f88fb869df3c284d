"""How many parameters a model of a given shape has, and how much it computes."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.records import LayerFacts, ModelFacts, Sizes

DEFAULT_LENGTH = 128


def count(facts: ModelFacts, layers: Sequence[LayerFacts], length: int) -> Sizes:
    """Count what a model with these layers holds and computes at batch 1."""
    encoder = facts.shared_parameters + sum(layer_parameters(facts, layer) for layer in layers)
    outside = facts.embedding_parameters + facts.head_parameters
    return Sizes(
        parameters=encoder + outside,
        encoder=encoder,
        embeddings=facts.embedding_parameters,
        macs=facts.macs_per_sequence
        + facts.macs_per_token * length
        + sum(layer_macs(facts, layer, length) for layer in layers),
    )


def layer_parameters(facts: ModelFacts, layer: LayerFacts) -> int:
    """Count the parameters of one layer: two blocks, each with its norm."""
    hidden, form, attention = facts.hidden_size, facts.form, layer.heads * facts.head_size
    parameters = 0
    if layer.heads:
        shared, bias = attention // form.heads_per_key, form.attention_input_bias
        parameters += _map(hidden, attention, bias=bias) + 2 * _map(hidden, shared, bias=bias)
        parameters += _map(attention, hidden, bias=form.attention_output_bias)
    parameters += ffn_parameters(facts, layer)
    norms = layer.attention_norm + layer.ffn_norm
    return parameters + norms * (1 + form.norm_bias) * hidden


def _map(inputs: int, outputs: int, *, bias: bool) -> int:
    return (inputs + bias) * outputs


def ffn_parameters(facts: ModelFacts, layer: LayerFacts) -> int:
    """Count the parameters of the FFN block and of a linear map, without the norm.

    A block that is another layer's counts there. A linear map in its place has a bias.
    """
    if layer.ffn_of is not None or not (layer.intermediate_size or layer.linear_rank):
        return 0
    hidden, form, neurons = facts.hidden_size, facts.form, layer.intermediate_size
    if not neurons:
        return _linear_weights(facts, layer) + hidden
    inputs = (1 + form.gated) * _map(hidden, neurons, bias=form.ffn_input_bias)
    outputs = _map(neurons, hidden, bias=form.ffn_output_bias)
    return inputs + outputs + _linear_weights(facts, layer)


def _linear_weights(facts: ModelFacts, layer: LayerFacts) -> int:
    """Count the weights of the linear map that fills or bypasses the block, biases left out."""
    hidden, rank = facts.hidden_size, layer.linear_rank
    return hidden * hidden if rank == hidden else 2 * hidden * rank


def layer_macs(facts: ModelFacts, layer: LayerFacts, length: int) -> int:
    """Count the multiply-accumulates of one layer at batch 1, QK^T and AV with them.

    What hidden states go through several times counts as often.
    """
    hidden, attention = facts.hidden_size, layer.heads * facts.head_size
    projections = 2 * length * hidden * (attention + attention // facts.form.heads_per_key)
    scores = 2 * length * length * attention
    positions = 2 * facts.form.relative_positions * attention * (hidden + length)
    maps = 2 + facts.form.gated
    ffn = maps * hidden * layer.intermediate_size + _linear_weights(facts, layer)
    return facts.form.passes * (projections + scores + positions + length * ffn)
