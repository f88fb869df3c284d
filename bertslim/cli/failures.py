"""What a command failed of, as an error of one line; a defect leaves its traceback in a file."""

from __future__ import annotations

import platform
import secrets
import tempfile
import traceback
from importlib import metadata
from pathlib import Path

import bertslim
from bertslim.errors import BertslimError, Defect
from bertslim.library_errors import expected_error
from bertslim.output.file import updated_file

_VERSIONS_OF = ("torch", "transformers", "datasets", "onnxruntime", "numpy")


def failure(error: BaseException) -> BertslimError:
    """Return the error that a command ends in.

    Args:
        error: What was raised.

    Returns:
        It itself, where it is one of bertslim's own; the line of one that is to be expected; else a
        defect, with the file that holds its traceback.
    """
    return expected_error(error) or _defect(error)


def _defect(error: BaseException) -> Defect:
    what = f"a defect of bertslim: {type(error).__name__}: {error}".rstrip(": ")
    try:
        path = _write_traceback(error)
    except (BertslimError, OSError):
        return Defect(what, remedy="please report it with the traceback that --debug shows")
    return Defect(what, remedy=f"please report it with the traceback in {path}")


def _write_traceback(error: BaseException) -> Path:
    """Write the versions and the traceback: no arguments, values or texts beyond the message."""
    lines = traceback.format_exception(error)
    path = Path(tempfile.gettempdir(), f"bertslim-defect-{secrets.token_hex(4)}.txt")
    with updated_file(path) as file:
        file.write_text("\n".join([_versions(), "", "".join(lines)]), "utf-8", "backslashreplace")
    return path


def _versions() -> str:
    names = [name for name in _VERSIONS_OF if _installed(name)]
    return ", ".join(
        [
            f"bertslim {bertslim.__version__}",
            f"Python {platform.python_version()}",
            *(f"{name} {metadata.version(name)}" for name in names),
            platform.platform(),
        ]
    )


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
