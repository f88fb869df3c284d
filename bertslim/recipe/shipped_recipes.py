"""The files of the recipes that bertslim ships."""

from __future__ import annotations

from pathlib import Path


def shipped_recipes() -> dict[str, Path]:
    """Return the files of the recipes that come with bertslim, by name."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.yaml"))}


def recipe_names(incomplete: str = "") -> list[str]:
    """Return the names of shipped recipes that begin so."""
    return [name for name in shipped_recipes() if name.startswith(incomplete)]


def shipped_folder() -> Path:
    """Return where the recipes are: in the package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "recipes"
    return installed if installed.is_dir() else package.parent / "recipes"
