"""The files of a checkpoint that are not weights and go along: tokenizer, pooling, licence …"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bertslim.errors import ModelError
from bertslim.file_names import (
    CARD_FILE,
    CONFIG_FILE,
    FAMILIES_CODE_FILE,
    MODULES_FILE,
    PAGE_FILE,
    RECIPE_FILE,
    RECORD_FILE,
    REPORT_FILE,
    SLIM_CODE_FILE,
    WEIGHT_INDEX_SUFFIX,
)

_DERIVED_SUFFIXES = {
    ".safetensors", ".bin", ".pt", ".pt2", ".pth", ".h5", ".msgpack", ".ot", ".onnx", ".onnx_data",
    ".gguf", ".tflite", ".xml", ".pkl", ".ckpt", ".lock",
}  # fmt: skip
_ARCHITECTURE_FILES = (CONFIG_FILE, SLIM_CODE_FILE, FAMILIES_CODE_FILE)
_DERIVED_NAMES = {
    *_ARCHITECTURE_FILES,
    CARD_FILE,
    REPORT_FILE,
    PAGE_FILE,
    RECIPE_FILE,
    RECORD_FILE,
    "trainer_state.json",
}
_EMBEDDER_FILES = {
    MODULES_FILE,
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
}


def copy_files(source: Path, target: Path, *, as_embedder: bool = True) -> None:
    """Copy what belongs to the checkpoint and was not made from its weights.

    Args:
        source: The checkpoint to copy from.
        target: The checkpoint to copy to; what is there already stays.
        as_embedder: Whether the files that make it a sentence-transformers model go along.

    Raises:
        ModelError: The list of sentence-transformers modules is damaged.
    """
    for name in files_to_copy(source, as_embedder=as_embedder):
        if not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target / name)


def files_to_copy(source: Path, *, as_embedder: bool = True) -> tuple[Path, ...]:
    """Return what belongs to a checkpoint and was not made from its weights, as paths in it.

    Args:
        source: The checkpoint.
        as_embedder: Whether the files that make it a sentence-transformers model belong to it.

    Raises:
        ModelError: The list of sentence-transformers modules is damaged.
    """
    left_out = () if as_embedder else _EMBEDDER_FILES
    files = (
        path
        for path in sorted(source.iterdir())
        if path.is_file() and not _is_derived(path.name) and path.name not in left_out
    )
    modules = _module_folders(source) if as_embedder else ()
    inside = (path for name in modules for path in sorted((source / name).rglob("*")))
    return tuple(path.relative_to(source) for path in (*files, *inside) if path.is_file())


def side_files(checkpoint: Path) -> tuple[Path, ...]:
    """Return all that is needed beside weights in another format: the architecture, too."""
    architecture = (Path(name) for name in _ARCHITECTURE_FILES)
    there = (name for name in architecture if (checkpoint / name).is_file())
    return (*there, *files_to_copy(checkpoint))


def _is_derived(name: str) -> bool:
    return (
        name in _DERIVED_NAMES
        or name.startswith(".")
        or name.endswith(WEIGHT_INDEX_SUFFIX)
        or Path(name).suffix in _DERIVED_SUFFIXES
    )


def _module_folders(directory: Path) -> list[str]:
    path = directory / MODULES_FILE
    if not path.is_file():
        return []
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
        names = dict.fromkeys(str(module["path"]) for module in modules)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError("is not a valid sentence-transformers list", where=str(path)) from error
    return [name for name in names if _is_plain(name) and (directory / name).is_dir()]


def _is_plain(name: str) -> bool:
    """Whether it names a folder directly here, as "1_Pooling" does and ".." does not."""
    return Path(name).name == name and name not in ("", "..")
