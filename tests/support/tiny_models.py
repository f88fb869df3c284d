"""Tiny random models of every family and head."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from transformers import PretrainedConfig, PreTrainedModel

from bertslim.model.families import FAMILIES

VOCAB_SIZE = 99

# So that each part of a family that a setting turns on is there.
TINY_SETTINGS: dict[str, dict[str, Any]] = {
    "deberta-v2": {
        "share_att_key": True,
        "pos_att_type": ["c2p", "p2c"],
        "position_buckets": 4,
        "norm_rel_ebd": "layer_norm",
    },
    "rembert": {"output_embedding_size": 24, "bos_token_id": 0, "eos_token_id": 0},
    "eurobert": dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "mask_token_id"), 0),
    "albert": {"inner_group_num": 1, "num_hidden_layers": 3},
    "modernbert": {
        **{f"{name}_token_id": 0 for name in ("pad", "eos", "bos", "cls", "sep")},
        "local_attention": 4,
    },
}


def tiny_config(model_type: str, head: str = "", **changes: Any) -> PretrainedConfig:
    """Return the stock configuration of a tiny model: 4 layers of 4 heads and 64 neurons."""
    family = FAMILIES[model_type]
    keys = family.keys
    shape = {keys.hidden_size: 32, keys.heads: 4, keys.layers: 4, keys.intermediate_size: 64}
    shape |= {"vocab_size": VOCAB_SIZE, "max_position_embeddings": 40}
    shape |= {"num_labels": 2 if head == "QuestionAnswering" else 3}
    if keys.embedding_size in family.defaults:
        shape[keys.embedding_size] = 16
    switches = [table.only_if for table in family.embeddings]
    switches += [table.only_if for table in family.shared_tables]
    shape |= {switch: True for switch in switches if switch}
    shape |= TINY_SETTINGS.get(model_type, {})
    made: PretrainedConfig = getattr(transformers, f"{family.class_prefix}Config")(
        **(shape | changes)
    )
    return made


def tiny_model(
    model_type: str, head: str = "", *, pooler: bool = True, **changes: Any
) -> PreTrainedModel:
    """Return the same tiny stock model each time, in eval mode.

    Its biases are not 0, its norms not 1 and its positions not alike, so that each of them counts.
    """
    model_class = getattr(transformers, FAMILIES[model_type].architecture(head))
    arguments = {} if pooler else {"add_pooling_layer": False}
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(7)
        model: PreTrainedModel = model_class(tiny_config(model_type, head, **changes), **arguments)
        for parameter in model.parameters():
            parameter.add_((0.25 if parameter.ndim > 1 else 0.1) * torch.randn_like(parameter))
    model.eval()
    return model
