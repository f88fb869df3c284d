"""The names of the parts of an analysis, in tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping

from bertslim.records import AlterationKind, Analysis, Block, Role
from bertslim.report.tables import NOTHING

Names = Mapping[Role, str]  # the names of the models

BLOCKS: dict[Block, str] = {"attention": "attention", "ffn": "FFN"}
KINDS: dict[AlterationKind, str] = {
    "drop_ffn": "without FFN",
    "halve_ffn": "half of the FFN",
    "drop_attention": "without attention",
}


def roles_of(analysis: Analysis) -> Names:
    """Return the names of the models."""
    return {"base": "model"} if analysis.slim is None else {"base": "base", "slim": "slim model"}


def two_digits(value: float | None) -> str:
    """Write CKA; a representation that never varies has none."""
    return NOTHING if value is None else f"{value:.2f}"
