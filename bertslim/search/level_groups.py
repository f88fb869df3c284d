"""The groups of levels that a search may be limited to."""

from __future__ import annotations

from typing import Literal

Kind = Literal["kept", "narrowed", "linear", "deleted"]

GROUPS: dict[str, tuple[Literal["attention", "ffn"] | None, Kind]] = {
    "widths": ("ffn", "narrowed"),
    "linear": ("ffn", "linear"),
    "no-ffn": ("ffn", "deleted"),
    "heads": ("attention", "narrowed"),
    "no-attention": ("attention", "deleted"),
    "no-layer": (None, "deleted"),
}
"""The block and the kind of level, by the name of the group; None: the whole layer."""
