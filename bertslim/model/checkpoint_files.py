"""The files of a checkpoint directory: its configuration, and which files hold weights."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE, SINGLE_WEIGHT_FILES, WEIGHT_INDEX_SUFFIX
from bertslim.model.git_lfs import require_fetched
from bertslim.model.stored_tensors import StoredTensor, merged, read_header

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class WeightFiles:
    """The weight files of a checkpoint, in the order of their names.

    Attributes:
        paths: The files.
        header: The tensors that the headers list; None for pickles, which have no header.
    """

    paths: tuple[Path, ...]
    header: Mapping[str, StoredTensor] | None = None

    @cached_property
    def tensors(self) -> Mapping[str, StoredTensor] | None:
        """The tensors by name; None where there is no file.

        Raises:
            ModelError: A pickle is damaged, or holds something else.
        """
        if self.header is not None or not self.paths:
            return self.header
        from bertslim.model.pickled_tensors import list_pickle

        return merged((path, list_pickle(path)) for path in self.paths)

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
    require_fetched(path)
    try:
        content = path.read_text(encoding="utf-8-sig")  # Windows writes a byte order mark
        config = json.loads(content, object_pairs_hook=_without_repetition)
    except _RepeatedKeyError as error:
        raise ModelError(
            f"has the key {str(error)!r} twice", where=str(path), remedy="leave one of them out"
        ) from error
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise ModelError("is not valid JSON", where=str(path)) from error
    if not isinstance(config, dict):
        raise ModelError("is not a JSON object", where=str(path))
    return config


class _RepeatedKeyError(Exception):
    """A JSON object has a key twice, of which only one value can be meant."""


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise _RepeatedKeyError(key)
    return read


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
    for path in paths:
        require_fetched(path)
    if any(path.suffix != ".safetensors" for path in paths):
        return WeightFiles(paths)
    return WeightFiles(paths, merged((path, read_header(path)) for path in paths))


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
