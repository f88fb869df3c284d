"""The files of a checkpoint directory: which hold weights, their headers, their hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE, SINGLE_WEIGHT_FILES, WEIGHT_INDEX_SUFFIX

_HEADER_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 100_000_000
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class WeightFiles:
    """The weight files of a checkpoint, and the names of the tensors where headers hold them.

    Attributes:
        paths: The files in the order of their names.
        tensors: Tensor names; None for pickles, whose names are known only once they are loaded.
    """

    paths: tuple[Path, ...]
    tensors: frozenset[str] | None

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.paths)

    def sha256(self) -> str:
        """Hash the files one after the other."""
        digest = hashlib.sha256()
        for path in self.paths:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
        return digest.hexdigest()


def read_config(directory: Path) -> dict[str, Any]:
    """Read `config.json`.

    Raises:
        ModelError: It is missing or is not a JSON object.
    """
    path = directory / CONFIG_FILE
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise ModelError("is not valid JSON", where=str(path)) from error
    if not isinstance(config, dict):
        raise ModelError("is not a JSON object", where=str(path))
    return config


def has_weights(directory: Path) -> bool:
    """Whether there is a weight file of any kind that transformers would load."""
    names = (*SINGLE_WEIGHT_FILES, *(name + WEIGHT_INDEX_SUFFIX for name in SINGLE_WEIGHT_FILES))
    return any((directory / name).is_file() for name in names)


def find_weights(directory: Path) -> WeightFiles:
    """Find the weights that transformers would load, and check that they are whole.

    Raises:
        ModelError: There are none, a shard is missing, or a safetensors file is damaged.
    """
    for name in SINGLE_WEIGHT_FILES:
        if (path := directory / name).is_file():
            return _weight_files((path,))
        if (index := directory / (name + WEIGHT_INDEX_SUFFIX)).is_file():
            return _weight_files(_shards(index))
    raise ModelError(
        "no PyTorch weights here",
        where=str(directory),
        remedy=f"{' or '.join(SINGLE_WEIGHT_FILES)} is needed",
    )


def _weight_files(paths: tuple[Path, ...]) -> WeightFiles:
    if any(path.suffix != ".safetensors" for path in paths):
        return WeightFiles(paths, None)
    return WeightFiles(paths, frozenset(name for path in paths for name in _tensor_names(path)))


def _shards(index: Path) -> tuple[Path, ...]:
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError("is not a valid weight index", where=str(index)) from error
    if not names:
        raise ModelError("is not a valid weight index", where=str(index))
    paths = tuple(index.parent / name for name in sorted(map(str, names)))
    for path in paths:
        if path.parent != index.parent or not path.is_file():
            raise ModelError("the index names a shard that is not here", where=str(path))
    return paths


def _tensor_names(path: Path) -> list[str]:
    header = _safetensors_header(path)
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    try:
        end = max((int(entry["data_offsets"][1]) for entry in tensors.values()), default=0)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise _damaged(path, "its header is not valid") from error
    with path.open("rb") as file:
        start = _HEADER_LENGTH_BYTES + int.from_bytes(file.read(_HEADER_LENGTH_BYTES), "little")
    missing = start + end - path.stat().st_size
    if missing > 0:
        raise _damaged(path, f"the file is cut short by {missing:,} bytes")
    return list(tensors)


def _safetensors_header(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_HEADER_LENGTH_BYTES), "little")
        if size < _HEADER_LENGTH_BYTES or length > min(size, _MAX_HEADER_BYTES):
            raise _damaged(path, "the file is cut short or is not safetensors")
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise _damaged(path, "its header is not valid") from error
    if not isinstance(header, dict):
        raise _damaged(path, "its header is not valid")
    return header


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(what, where=str(path), remedy="download or write it again")
