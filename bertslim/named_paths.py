"""What a person named: a path that is there, or an installed package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PACKAGE_PREFIX = "pkg:"


def expanded(name: str | Path) -> Path:
    """Return a path with the home directory put in for `~`, as it is where no such user is."""
    path = Path(name)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def exists(path: Path) -> bool:
    """Whether a path is there; one that no file can have, being too long, is not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def existing_path(name: str | Path) -> Path | None:
    """Return the path that is named, None where nothing is there."""
    path = expanded(name)
    return path if exists(path) else None


def package_directories(name: str) -> tuple[Path, ...]:
    """Return where an installed Python package lies, none where there is no such package."""
    try:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        return ()
    return tuple(Path(path) for path in (spec and spec.submodule_search_locations) or ())
