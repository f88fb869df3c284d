"""`config.json` of the base -> `config.json` of the slim model; pure, on JSON values."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from bertslim.file_names import SLIM_CODE_FILE
from bertslim.model.families import Family, family_named
from bertslim.model.heads import heads_of
from bertslim.records import LayerFacts, ModelFacts, Plan

_BASE_ONLY = ("per_layer_config", "auto_map", "architectures", "model_type")


def slim_config(
    base: dict[str, Any],
    facts: ModelFacts,
    plan: Plan,
    bias_heads: Sequence[list[int] | None] = (),
) -> dict[str, Any]:
    """Make the configuration of the slim model.

    An even result stays a configuration of the stock class. An uneven one names the classes of
    slim_modeling.py, and describes in `per_layer_config` how each layer differs.

    Args:
        base: That of the base.
        facts: The shape of the base.
        plan: What each layer becomes.
        bias_heads: For each layer that stays, the number of each of its heads in the bias that all
            layers share; None where it has all of them.
    """
    family = family_named(facts.model_type)
    config = {key: copy.deepcopy(value) for key, value in base.items() if key not in _BASE_ONLY}
    config[family.keys.layers] = len(plan.slim_layers)
    for name in family.layer_lists:
        config[name] = [base[name][row.layer] for row in plan.layers if row.after is not None]
    if plan.even:
        return config | _stock_part(family, facts, plan.slim_layers[0])
    width = base.get(family.keys.intermediate_size)
    width = width or family.defaults[family.keys.intermediate_size]
    made = _slim_part(family, facts, plan.slim_layers, _full_width(plan, width))
    for number, heads in enumerate(bias_heads):
        if heads is not None:
            made["per_layer_config"][str(number)]["bias_heads"] = heads
    return config | made


def _full_width(plan: Plan, base: int) -> int:
    """Return the width that is the rule, those of other layers being the exceptions to it.

    A stock class refuses exceptions to its own keys, but not a bypass in every layer: so that it
    does, the rule is a width that no layer has then.
    """
    widths = {layer.intermediate_size for layer in plan.slim_layers}
    bypassed = all(layer.linear_rank for layer in plan.slim_layers)
    return max(widths) + (bypassed and len(widths) == 1) if any(widths) else base


def _stock_part(family: Family, facts: ModelFacts, layer: LayerFacts) -> dict[str, Any]:
    return {
        "model_type": family.model_type,
        "architectures": [facts.architecture],
        family.keys.intermediate_size: layer.intermediate_size,
    }


def _slim_part(
    family: Family, facts: ModelFacts, layers: tuple[LayerFacts, ...], full: int
) -> dict[str, Any]:
    heads, raw = facts.hidden_size // facts.head_size, facts.form.first_reads_raw
    overrides = {
        str(number): override
        for number, layer in enumerate(layers)
        if (override := _override(family, layer, heads, full, raw=raw and number == 0))
    }
    # so that a stock class need not ask how many heads all layers have
    head_size = (
        {"head_dim": facts.head_size} if family.layout.attention.head_size == "head_dim" else {}
    )
    return head_size | {
        "model_type": family.slim_type,
        "architectures": [f"Slim{facts.architecture}"],
        "auto_map": auto_map_of(family),
        family.keys.intermediate_size: full,
        "per_layer_config": overrides,
    }


def _override(
    family: Family, layer: LayerFacts, heads: int, full: int, *, raw: bool
) -> dict[str, Any]:
    """Return how a layer differs; of one that reads raw states the stock class knows it."""
    override: dict[str, Any] = {}
    gone = {
        "attention": layer.heads == 0,
        "attention_norm": not (layer.attention_norm or raw),
        "ffn": layer.intermediate_size == 0,
        "ffn_norm": not layer.ffn_norm,
    }
    if skip := [name for name, is_gone in gone.items() if is_gone]:
        override["skip"] = skip
    if layer.heads != heads:
        override[family.keys.heads] = layer.heads
    if layer.intermediate_size != full:
        override[family.keys.intermediate_size] = layer.intermediate_size
    if layer.linear_rank:
        override["linear_rank"] = layer.linear_rank
    if layer.ffn_of is not None:
        override["ffn_of"] = layer.ffn_of
    return override


def auto_map_of(family: Family) -> dict[str, str]:
    """Return the classes of slim_modeling.py by the Auto classes of transformers that find them."""
    code = SLIM_CODE_FILE.removesuffix(".py")
    heads = {f"AutoModelFor{head}": head for head in heads_of(family) if head}
    predicts = "AutoModelForMaskedLM" in heads
    pretraining = {"AutoModelForPreTraining": "MaskedLM"} if predicts else {}
    bare = {"AutoModel": "", "AutoModelForTextEncoding": ""}
    models = {
        auto: family.architecture(head) for auto, head in (bare | pretraining | heads).items()
    }
    config = {"AutoConfig": f"{code}.Slim{family.class_prefix}Config"}
    return config | {auto: f"{code}.Slim{name}" for auto, name in models.items()}
