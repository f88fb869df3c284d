"""The code that loads an uneven slim checkpoint where bertslim is not installed."""

from __future__ import annotations

from pathlib import Path

from bertslim.file_names import FAMILIES_CODE_FILE, SLIM_CODE_FILE
from bertslim.version import __version__


def slim_code() -> dict[str, bytes]:
    """Return the files by name, stamped with the versions that they belong to."""
    from bertslim.model.slim_modeling import TRANSFORMERS_TESTED

    stamp = f"# Written by bertslim {__version__}; tested with transformers "
    stamp += " to ".join(TRANSFORMERS_TESTED) + ".\n"
    here = Path(__file__).parent
    return {
        name: (stamp + (here / name).read_text(encoding="utf-8")).encode()
        for name in (SLIM_CODE_FILE, FAMILIES_CODE_FILE)
    }
