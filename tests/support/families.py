"""Which families a test runs on: all, or of those that are built alike the first alone."""

from __future__ import annotations

from typing import Any

import pytest

from bertslim.model.families import FAMILIES, Family
from bertslim.model.heads import heads_of


def _build(family: Family) -> tuple[object, ...]:
    """Return the facts that surgery and repair go by."""
    return (
        family.layout,
        family.layers,
        family.heads_share_bias,
        family.first_reads_raw,
        tuple(norm.is_final for norm in family.shared_norms),
    )


_FIRST = {_build(family): name for name, family in reversed(FAMILIES.items())}

LAYERED = [name for name, family in FAMILIES.items() if family.passes is None]
"""The families whose layers have weights of their own."""

each_layered_family = pytest.mark.parametrize("model_type", LAYERED)

each_build = pytest.mark.parametrize(
    "model_type",
    [
        name if name in _FIRST.values() else pytest.param(name, marks=pytest.mark.slow)
        for name in LAYERED
    ],
)
"""The same; those that are built as one before them only among the slow tests."""


def every_head_of(*heads: str) -> pytest.MarkDecorator:
    """Return a parametrisation over all families and those of the heads that each has."""
    pairs = [
        (name, head) for name in FAMILIES for head in heads if head in heads_of(FAMILIES[name])
    ]
    return pytest.mark.parametrize(("model_type", "head"), pairs)


def head_or_encoder(model_type: str, head: str) -> str:
    """Return a head if the family has it, else the bare encoder."""
    return head if head in heads_of(FAMILIES[model_type]) else ""


def usual_head(model_type: str) -> str:
    """Return the head that tests put on a family: a classifier if it has one."""
    return head_or_encoder(model_type, "SequenceClassification")


def final_norm(model: Any) -> Any:
    """Return the norm after the last layer of a model; what returns its input without one."""
    from torch import nn

    norms = [norm for norm in FAMILIES[model.config.model_type].shared_norms if norm.is_final]
    return model.base_model.get_submodule(norms[0].module) if norms else nn.Identity()
