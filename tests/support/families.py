"""Which families a test runs on: all, or of those that are built alike the first alone."""

from __future__ import annotations

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

each_build = pytest.mark.parametrize(
    "model_type",
    [
        name if name in _FIRST.values() else pytest.param(name, marks=pytest.mark.slow)
        for name in FAMILIES
    ],
)
"""Every family; those that are built as one before them only among the slow tests."""


def every_head_of(*heads: str) -> pytest.MarkDecorator:
    """Return a parametrisation over all families and those of the heads that each has."""
    pairs = [
        (name, head) for name in FAMILIES for head in heads if head in heads_of(FAMILIES[name])
    ]
    return pytest.mark.parametrize(("model_type", "head"), pairs)
