"""Errors of Python, the system and libraries that are to be expected, each as one line.

These errors were not handled where they arose: memory that runs out, a full disk, a file that
a library cannot read. What no rule knows is a defect of bertslim.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from json import JSONDecodeError
from pathlib import Path
from pickle import PickleError
from zipfile import BadZipFile

from bertslim.errors import BertslimError, InputError, OutputError
from bertslim.named_paths import expanded
from bertslim.printable import one_line

_LEAST_FREE = 1 << 20  # bytes; a disk with less is full
_OUT_OF_MEMORY = re.compile(
    r"out of memory|not enough memory|can.?t allocate memory|cannot allocate|failed to allocate"
    r"|bad_?alloc|bad allocation|unable to mmap|failed to map segment|os error 12\b",
    re.IGNORECASE,
)
_DISK_FULL = re.compile(
    r"no space left|disk quota exceeded|file too large|os error (27|28|122)\b"
    r"|PytorchStreamWriter failed writing|unexpected pos \d+ vs \d+",  # how PyTorch says it
    re.IGNORECASE,
)
_NO_THREAD = re.compile(r"can.?t start new thread|resource temporarily unavailable", re.IGNORECASE)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READERS = {"datasets", "pyarrow", "safetensors", "safetensors_rust", "tokenizers", "yaml"}
_RUNTIMES = {"google", "nncf", "onnx", "onnxruntime", "onnxscript", "openvino", "resvg_py"}
_NETWORK = {"httpcore", "httpx", "httpx2", "huggingface_hub", "requests", "urllib3"}


def expected_error(error: BaseException) -> BertslimError | None:
    """Return what an error of a library or the system comes to in one line.

    Args:
        error: What was raised, with its causes.

    Returns:
        None where it is none of those that are to be expected.
    """
    if exhausted := exhausted_resource(error):
        return _placed(exhausted, error)
    for cause in _causes(error):
        if isinstance(cause, BertslimError):
            return cause
        for rule in _RULES:
            if known := rule(cause):
                return known
    return None


def _placed(exhausted: InputError, error: BaseException) -> BertslimError:
    """Say where a resource ran out, if an error of ours that is raised from it knows that."""
    if isinstance(error, OutputError):
        return error
    where = error.where if isinstance(error, BertslimError) else None
    return InputError(exhausted.what, where=exhausted.where or where, remedy=exhausted.remedy)


def exhausted_resource(error: BaseException) -> InputError | None:
    """Return the line for memory, disk, files or threads that ran out, None where none did.

    Args:
        error: What was raised. What it was raised from counts, and what it was raised beside: a
            library that cleans up after a full disk fails once more.
    """
    for met in _causes(error, beside=True):
        if isinstance(met, BertslimError):
            continue
        number, text = _number(met), _text(met)
        if isinstance(met, MemoryError) or number == errno.ENOMEM or _OUT_OF_MEMORY.search(text):
            return InputError(
                "memory ran out", remedy="a smaller batch, length or number of rows needs less"
            )
        if _is_disk_full(met):
            return _disk_full(met)
        if number in (errno.EMFILE, errno.ENFILE):
            return InputError(
                "too many files are open", remedy="raise the limit, such as by `ulimit -n 4096`"
            )
        if number == errno.EAGAIN or _NO_THREAD.search(text):
            return InputError(
                "no further thread or process can be started",
                remedy="raise the limit (`ulimit -u`), or free memory",
            )
    return None


def disk_is_full(error: BaseException) -> bool:
    """Whether an error comes of a disk that is full, be it by way of others."""
    return any(map(_is_disk_full, _causes(error, beside=True)))


def _is_disk_full(error: BaseException) -> bool:
    return _number(error) in _FULL or _DISK_FULL.search(_text(error)) is not None


def _number(error: BaseException) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _text(error: BaseException) -> str:
    """Return what an error of the system or a library says; what a person wrote says nothing."""
    if isinstance(error, BertslimError):
        return ""
    of_system = isinstance(error, OSError | RuntimeError | ImportError)
    return str(error) if of_system or _library(error) is not None else ""


def _disk_full(error: BaseException) -> InputError:
    named = error.filename if isinstance(error, OSError) else None
    return InputError(
        "the disk is full",
        where=str(named) if named else _full_directory(),
        remedy="make room there, or set TMPDIR or -o to another disk",
    )


def _full_directory() -> str | None:
    """Name the directory whose disk is full, of those that are written to without being asked."""
    cache = expanded(os.environ.get("HF_HOME", "~/.cache/huggingface"))
    for directory in (Path(tempfile.gettempdir()), Path.cwd(), cache):
        if has_no_room(directory):
            return str(directory)
    return None


def has_no_room(directory: Path) -> bool:
    """Whether the disk of a directory is full; not where there is no such directory."""
    return directory.is_dir() and shutil.disk_usage(directory).free < _LEAST_FREE


def _of_network(error: BaseException) -> BertslimError | None:
    if _library(error) in _NETWORK or isinstance(error, ConnectionError | TimeoutError):
        return InputError(
            f"what was asked of the network failed: {_said(error)}",
            remedy="check the name and the connection",
        )
    return None


def _of_system(error: BaseException) -> BertslimError | None:
    if not isinstance(error, OSError):
        return None
    what = error.strerror or _said(error)
    where = None if error.filename is None else str(error.filename)
    return InputError(what[:1].lower() + what[1:], where=where)


def _of_text(error: BaseException) -> BertslimError | None:
    if isinstance(error, UnicodeEncodeError):
        return InputError(f"a text or name cannot be written as {error.encoding}: {error.reason}")
    if isinstance(error, UnicodeError):
        return InputError(f"a text that is read is not in its encoding: {_said(error)}")
    if isinstance(error, RecursionError):
        return InputError("a file that is read is nested too deeply, or refers to itself")
    return None


def _of_missing_package(error: BaseException) -> BertslimError | None:
    if not isinstance(error, ImportError) or (error.name or "").startswith("bertslim"):
        return None
    if isinstance(error, ModuleNotFoundError) and error.name:
        what = f"the package {error.name!r} is needed and not installed"
        return InputError(what, remedy="install it beside bertslim")
    return InputError(f"a package is needed and cannot be imported: {_said(error)}")


def _of_figure(error: BaseException) -> BertslimError | None:
    """A record refuses a figure that was measured."""
    if _library(error) != "pydantic_core" or not hasattr(error, "errors"):
        return None
    first = error.errors(include_url=False)[0]
    if first["type"] != "unusable_figure":
        return None
    return InputError(
        f"a figure cannot be recorded: in {error.title}, {first['msg']}",  # type: ignore[attr-defined]
        remedy="the weights or the outputs of the model may hold NaN or infinity",
    )


def _of_library_call(error: BaseException) -> BertslimError | None:
    library = _library(error)
    if library in _RUNTIMES:
        return BertslimError(f"{library} failed: {_said(error)}")
    malformed = isinstance(error, JSONDecodeError | BadZipFile | PickleError | EOFError)
    if library in _READERS or malformed or _is_native(error):
        return InputError(f"a file cannot be read: {_said(error)}")
    return None


_RULES: tuple[Callable[[BaseException], BertslimError | None], ...] = (
    _of_network,
    _of_system,
    _of_text,
    _of_missing_package,
    _of_figure,
    _of_library_call,
)


def _is_native(error: BaseException) -> bool:
    """Whether it comes from a library in Rust: the bare class Exception, or that of a panic."""
    return type(error) is Exception or type(error).__name__ == "PanicException"


def _library(error: BaseException) -> str | None:
    """Name the library that defines the class of an error, None for a class of Python's."""
    library = type(error).__module__.partition(".")[0]
    return None if library == "builtins" else library


def _said(error: BaseException) -> str:
    """Return the class and the first line of an error."""
    lines = [line for line in map(one_line, str(error).splitlines()) if line]
    name = type(error).__name__
    return f"{name}: {lines[0]}" if lines else name


def _causes(error: BaseException, *, beside: bool = False) -> Iterator[BaseException]:
    """Yield an error and what it was raised from; if asked, also what it was raised beside."""
    met: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in met:
        met.append(following)
        yield following
        beside = beside and not following.__suppress_context__
        following = following.__cause__ or (following.__context__ if beside else None)
