"""The files of a checkpoint that are not weights and go along: tokenizer, pooling, licence …

Only bertslim's own code is copied: other files that could run code, in Python or by unpickling,
are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertslim.file_names import (
    CARD_FILE,
    CONFIG_FILE,
    FAMILIES_CODE_FILE,
    FRONTIER_FILE,
    FRONTIER_PAGE,
    FRONTIER_PICTURE,
    MODULES_FILE,
    PAGE_FILE,
    RECIPE_FILE,
    RECORD_FILE,
    REPORT_FILE,
    SENTENCE_TRANSFORMERS_FILE,
    SINGLE_WEIGHT_FILES,
    SLIM_CODE_FILE,
    WEIGHT_INDEX_SUFFIX,
)
from bertslim.model.checkpoint_files import read_config
from bertslim.model.embedder_files import load_module_weights
from bertslim.model.families import SLIM_PREFIX
from bertslim.model.json_files import json_bytes, read_json, read_json_object
from bertslim.model.sentence_transformer import (
    TRANSFORMER_SETTINGS_FILES,
    SentenceTransformer,
    find_sentence_transformer,
)
from bertslim.model.stock_config import stock_config
from bertslim.wording import listed

_DERIVED_SUFFIXES = {
    ".safetensors", ".bin", ".pt", ".pt2", ".pth", ".h5", ".msgpack", ".ot", ".onnx", ".onnx_data",
    ".gguf", ".tflite", ".xml", ".ckpt", ".lock",
}  # fmt: skip
_CODE_FILES = (SLIM_CODE_FILE, FAMILIES_CODE_FILE)
_DERIVED_NAMES = {
    CONFIG_FILE,
    CARD_FILE,
    REPORT_FILE,
    PAGE_FILE,
    RECIPE_FILE,
    RECORD_FILE,
    FRONTIER_FILE,
    FRONTIER_PAGE,
    FRONTIER_PICTURE,
    "trainer_state.json",
}
_EMBEDDER_FILES = {MODULES_FILE, SENTENCE_TRANSFORMERS_FILE, *TRANSFORMER_SETTINGS_FILES}
_CARRIED_SUFFIXES = {
    ".json", ".jsonl", ".txt", ".md", ".rst", ".model", ".vocab", ".bpe", ".spm", ".jinja", ".csv",
    ".tsv", ".yaml", ".yml", ".cff", ".bib", ".png", ".jpg", ".jpeg", ".gif",
}  # fmt: skip
_CARRIED_NAMES = {"LICENSE", "LICENCE", "NOTICE", "COPYING", "AUTHORS", "CITATION"}
_CODE_KEYS = ("auto_map", "custom_pipelines")
_SAFETENSORS, _PICKLE = SINGLE_WEIGHT_FILES


@dataclass(frozen=True)
class CopiedFile:
    """A file that is copied.

    Attributes:
        name: Its path in the target.
        content: What it holds there.
    """

    name: Path
    content: bytes


@dataclass(frozen=True)
class CopiedFiles:
    """The files of a checkpoint that are copied, and those that are not since they could run code.

    Attributes:
        files: Those that go along.
        left_behind: The paths of files, and the keys of JSON files that name code.
    """

    files: tuple[CopiedFile, ...]
    left_behind: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """The files that are not copied, in one line; empty where all are."""
        if not self.left_behind:
            return ()
        return (f"code of the base, or what may be code, stays behind: {listed(self.left_behind)}",)

    def write(self, target: Path) -> None:
        """Write the files into a directory; what is there already stays."""
        for file in self.files:
            path = target / file.name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.content)


def copy_files(source: Path, target: Path, *, as_embedder: bool = True) -> tuple[str, ...]:
    """Copy what belongs to the checkpoint and was not made from its weights.

    Args:
        source: The checkpoint to copy from.
        target: The checkpoint to copy to; what is there already stays.
        as_embedder: Whether the files that make it a sentence-transformers model go along.

    Returns:
        Notes on what stays behind.

    Raises:
        ModelError: A file is damaged.
    """
    found = files_to_copy(source, as_embedder=as_embedder)
    found.write(target)
    return found.notes


def files_to_copy(source: Path, *, as_embedder: bool = True) -> CopiedFiles:
    """Read what belongs to a checkpoint and was not made from its weights.

    A sentence-transformers model whose encoder lies in a folder of its own, as old versions wrote
    it, gets the layout of new ones: the encoder in the root.

    Args:
        source: The checkpoint.
        as_embedder: Whether the files that make it a sentence-transformers model belong to it.

    Raises:
        ModelError: A file is damaged.
    """
    model = find_sentence_transformer(source)
    roots = {source: None} if model is None else {source: None, model.root: None}
    gathered = _Gathered()
    if (source / CONFIG_FILE).is_file():
        gathered.left += _code_in_config(read_config(source))
    for root in roots:
        for path in sorted(root.iterdir()):
            embedder_file = path.name in _EMBEDDER_FILES
            left_out = _is_derived(path.name) or (embedder_file and not as_embedder)
            if path.is_file() and not left_out:
                gathered.add(path, Path(path.name))
    if model is not None and as_embedder:
        gathered.add_modules(model)
    return gathered.found


def side_files(checkpoint: Path) -> CopiedFiles:
    """Read all that is needed beside a file that runs by itself: the stock configuration, too."""
    gathered = _Gathered()
    if (checkpoint / CONFIG_FILE).is_file():
        gathered.add_stock_config(checkpoint / CONFIG_FILE)
    others = files_to_copy(checkpoint)
    return CopiedFiles((*gathered.found.files, *others.files), others.left_behind)


class _Gathered:
    """Files on their way, by their path in the target; the first of a path stays."""

    def __init__(self) -> None:
        self.files: dict[Path, bytes] = {}
        self.left: list[str] = []

    @property
    def found(self) -> CopiedFiles:
        files = tuple(CopiedFile(name, content) for name, content in self.files.items())
        return CopiedFiles(files, tuple(dict.fromkeys(self.left)))

    def add(self, path: Path, name: Path) -> None:
        """Add a file if it cannot be run, without the keys that name code."""
        if path.suffix.lower() not in _CARRIED_SUFFIXES and path.stem.upper() not in _CARRIED_NAMES:
            self.left.append(str(name))
        elif path.suffix == ".json" and b'"' in (content := path.read_bytes()):
            self.files.setdefault(name, self._without_code(content, path))
        else:
            self.files.setdefault(name, path.read_bytes())

    def add_stock_config(self, path: Path) -> None:
        """Add `config.json`, of the stock class: as it is, where that is all it says."""
        config = read_config(path.parent)
        made = stock_config(config)
        self.files[Path(CONFIG_FILE)] = path.read_bytes() if made == config else json_bytes(made)

    def add_modules(self, model: SentenceTransformer) -> None:
        """Add the folders of the modules after the encoder, and the list of modules."""
        for module in model.modules[1:]:
            for path in _inside(module.folder, model.root):
                name = path.relative_to(model.root)
                if path.name == _PICKLE:
                    self.files[name.with_name(_SAFETENSORS)] = _as_safetensors(path)
                elif path.name == _SAFETENSORS:
                    self.files[name] = path.read_bytes()
                elif not path.name.startswith("."):
                    self.add(path, name)
        listed_modules: list[dict[str, Any]] = read_json(model.root / MODULES_FILE)
        if listed_modules[0]["path"] != "":
            listed_modules[0]["path"] = ""
            self.files[Path(MODULES_FILE)] = json_bytes(listed_modules)
        self.left += [
            f"{entry['type']} in {MODULES_FILE}"
            for entry in listed_modules
            if not entry["type"].startswith("sentence_transformers.")
        ]

    def _without_code(self, content: bytes, path: Path) -> bytes:
        """Return a JSON file without the keys that name code to be run."""
        if not any(f'"{key}"'.encode() in content for key in _CODE_KEYS):
            return content
        settings = read_json_object(path)
        named = [key for key in _CODE_KEYS if key in settings]
        self.left += [f"{key} in {path.name}" for key in named]
        return json_bytes({key: value for key, value in settings.items() if key not in named})


def _is_slim(config: Mapping[str, Any]) -> bool:
    return str(config.get("model_type")).startswith(SLIM_PREFIX)


def _code_in_config(config: Mapping[str, Any]) -> list[str]:
    """Name the keys of `config.json` that stay behind, where bertslim's own do not replace them."""
    if _is_slim(config):
        return []
    return [f"{key} in {CONFIG_FILE}" for key in _CODE_KEYS if key in config]


def _inside(folder: Path, root: Path) -> Iterator[Path]:
    """Yield the files in the folder of a module; one in the root itself has none of its own."""
    if folder.resolve() != root.resolve() and folder.is_dir():
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def _as_safetensors(path: Path) -> bytes:
    """Read the pickled weights of a module, without running code, and write them anew."""
    from safetensors.torch import save

    tensors = load_module_weights(path)
    return save({name: tensor.contiguous() for name, tensor in tensors.items()})


def _is_derived(name: str) -> bool:
    return (
        name in (*_DERIVED_NAMES, *_CODE_FILES)
        or name.startswith(".")
        or name.endswith(WEIGHT_INDEX_SUFFIX)
        or Path(name).suffix in _DERIVED_SUFFIXES
    )
