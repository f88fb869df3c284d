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
    """Count the parameters of one layer: two blocks, each with its LayerNorm."""
    hidden, attention = facts.hidden_size, layer.heads * facts.head_size
    parameters = 0
    if layer.heads:
        parameters += 3 * (hidden + 1) * attention + (attention + 1) * hidden
    parameters += ffn_parameters(facts, layer)
    return parameters + 2 * hidden * (layer.attention_norm + layer.ffn_norm)


def ffn_parameters(facts: ModelFacts, layer: LayerFacts) -> int:
    """Count the parameters of the FFN block and of a linear map, without the LayerNorm.

    A block that is another layer's counts there.
    """
    if layer.ffn_of is not None or not (layer.intermediate_size or layer.linear_rank):
        return 0
    hidden = facts.hidden_size
    neurons = (2 * hidden + 1) * layer.intermediate_size
    return neurons + _linear_weights(facts, layer) + hidden


def _linear_weights(facts: ModelFacts, layer: LayerFacts) -> int:
    """Count the weights of the linear map that fills or bypasses the block, biases left out."""
    hidden, rank = facts.hidden_size, layer.linear_rank
    return hidden * hidden if rank == hidden else 2 * hidden * rank


def layer_macs(facts: ModelFacts, layer: LayerFacts, length: int) -> int:
    """Count the multiply-accumulates of one layer at batch 1, QK^T and AV with them."""
    hidden, attention = facts.hidden_size, layer.heads * facts.head_size
    projections = 4 * length * hidden * attention
    scores = 2 * length * length * attention
    ffn = 2 * hidden * layer.intermediate_size + _linear_weights(facts, layer)
    return projections + scores + length * ffn
