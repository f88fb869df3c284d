"""How the pictures of README.md and the guides look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

INK, MUTED, ACCENT, OTHER = "#1f2328", "#8c959f", "#0969da", "#bc4c00"


def drawing_tools() -> Any:
    """Return pyplot, set up to write the same SVG for the same figures."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"font.size": 10, "svg.hashsalt": "bertslim", "text.color": INK})
    return plt


def save_picture(figure: Any, path: Path) -> None:
    """Write a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
