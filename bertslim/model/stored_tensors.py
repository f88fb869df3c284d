"""The tensors of a safetensors file, as its header lists them: names, shapes and types."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertslim.errors import ModelError

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 100_000_000
_TYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "BOOL": "bool",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8",
}  # fmt: skip


@dataclass(frozen=True)
class StoredTensor:
    """A tensor on disk: its shape, and its type as PyTorch calls it, such as "float32"."""

    shape: tuple[int, ...]
    dtype: str


def merged(files: Iterable[tuple[Path, Mapping[str, StoredTensor]]]) -> dict[str, StoredTensor]:
    """Put the tensors of several files together.

    Raises:
        ModelError: Two files hold a tensor of the same name.
    """
    tensors: dict[str, StoredTensor] = {}
    for path, found in files:
        if twice := sorted(tensors.keys() & found.keys()):
            raise ModelError(f"{twice[0]} is in another file, too", where=str(path))
        tensors |= found
    return tensors


def read_header(path: Path) -> dict[str, StoredTensor]:
    """Read the header of a safetensors file, and check that the file is as long as it says.

    Raises:
        ModelError: The file is cut short, or is no safetensors file.
    """
    header, start = _header(path)
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    try:
        end = max((int(entry["data_offsets"][1]) for entry in tensors.values()), default=0)
        found = {name: _tensor(entry) for name, entry in tensors.items()}
    except (KeyError, TypeError, IndexError, ValueError, OverflowError) as error:
        raise _damaged(path, "its header is not valid") from error
    missing = start + end - path.stat().st_size
    if missing > 0:
        raise _damaged(path, f"the file is cut short by {missing:,} bytes")
    return found


def _tensor(entry: Mapping[str, Any]) -> StoredTensor:
    shape, dtype = entry["shape"], entry["dtype"]
    if not all(type(size) is int and size >= 0 for size in shape) or not isinstance(dtype, str):
        raise ValueError
    return StoredTensor(tuple(shape), _TYPES.get(dtype, dtype.lower()))


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """Return the header, and where the tensors begin."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if size < _LENGTH_BYTES or length > min(size, _MAX_HEADER_BYTES):
            raise _damaged(path, "the file is cut short or is not safetensors")
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise _damaged(path, "its header is not valid") from error
    if not isinstance(header, dict):
        raise _damaged(path, "its header is not valid")
    return header, _LENGTH_BYTES + length


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(what, where=str(path), remedy="download or write it again")
