"""The files of a checkpoint that are not weights and go along: tokenizer, pooling, licence …"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bertslim.errors import ModelError

_DERIVED_SUFFIXES = {
    ".safetensors", ".bin", ".pt", ".pt2", ".pth", ".h5", ".msgpack", ".ot", ".onnx", ".onnx_data",
    ".gguf", ".tflite", ".xml", ".pkl", ".ckpt", ".lock",
}  # fmt: skip
_DERIVED_NAMES = {
    "config.json",
    "README.md",
    "report.md",
    "recipe.yaml",
    "bertslim.json",
    "trainer_state.json",
    "slim_modeling.py",
    "families.py",
}
_MODULES_FILE = "modules.json"
_EMBEDDER_FILES = {
    _MODULES_FILE,
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
}


def carry_files(source: Path, target: Path, *, as_embedder: bool = True) -> None:
    """Copy what belongs to the checkpoint and was not made from its weights.

    Args:
        source: The checkpoint to copy from.
        target: The checkpoint to copy to; what is there already stays.
        as_embedder: Whether the files that make it a sentence-transformers model go along.

    Raises:
        ModelError: The list of sentence-transformers modules is damaged.
    """
    for path in sorted(source.iterdir()):
        wanted = not _is_derived(path.name) and (as_embedder or path.name not in _EMBEDDER_FILES)
        if wanted and path.is_file() and not (target / path.name).exists():
            shutil.copyfile(path, target / path.name)
    for name in _module_folders(source) if as_embedder else ():
        shutil.copytree(source / name, target / name)


def _is_derived(name: str) -> bool:
    return (
        name in _DERIVED_NAMES
        or name.startswith(".")
        or name.endswith(".index.json")
        or Path(name).suffix in _DERIVED_SUFFIXES
    )


def _module_folders(directory: Path) -> list[str]:
    path = directory / _MODULES_FILE
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
