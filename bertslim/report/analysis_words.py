"""What the parts of an analysis are called, in tables and in pictures alike."""

from __future__ import annotations

from bertslim.records import AlterationKind, Block
from bertslim.report.tables import NOTHING

BLOCKS: dict[Block, str] = {"attention": "attention", "ffn": "FFN"}
KINDS: dict[AlterationKind, str] = {
    "drop_ffn": "without FFN",
    "halve_ffn": "half of the FFN",
    "drop_attention": "without attention",
}


def two_digits(value: float | None) -> str:
    """Write CKA; a representation that never varies has none."""
    return NOTHING if value is None else f"{value:.2f}"
