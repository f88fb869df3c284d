"""The files of a sentence-transformers model: its modules, and how its first module reads texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import MODULES_FILE
from bertslim.model.json_files import read_json, read_json_object
from bertslim.wording import shown

# The first that is there counts; the names are those of old versions.
TRANSFORMER_SETTINGS_FILES = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)
_OWN = "sentence_transformers."

# Settings that change nothing about embeddings, or only for tasks that `encode` is not told of.
_NEUTRAL = (
    "model_args", "model_kwargs", "config_args", "config_kwargs", "unpad_inputs", "query_length",
    "document_length", "query_expansion",
)  # fmt: skip
_TOKENIZER_SETTINGS = ("tokenizer_args", "processor_kwargs")


@dataclass(frozen=True)
class Module:
    """One module of a sentence-transformers model.

    Attributes:
        kind: The last part of its class's name, such as "Pooling"; of a class that is not one of
            sentence-transformers, the whole name.
        folder: Where its files are; those of the first module may lie in the root.
    """

    kind: str
    folder: Path


@dataclass(frozen=True)
class SentenceTransformer:
    """A sentence-transformers model on disk.

    Attributes:
        root: Where `modules.json` lies.
        modules: In the order in which they are applied, the encoder first.
    """

    root: Path
    modules: tuple[Module, ...]

    @property
    def is_plain(self) -> bool:
        """Whether the encoder is loaded by transformers, as it is."""
        return self.modules[0].kind == "Transformer"

    @property
    def encoder(self) -> Path:
        """Where `config.json`, the weights and the tokenizer of the encoder lie."""
        return self.modules[0].folder


@dataclass(frozen=True)
class TransformerSettings:
    """How the first module of a sentence-transformers model reads texts.

    Attributes:
        max_length: Tokens at which texts are cut; None: as the tokenizer has it.
        lower_case: Whether texts are brought to lower case before all else.
    """

    max_length: int | None = None
    lower_case: bool = False


def find_sentence_transformer(directory: Path) -> SentenceTransformer | None:
    """Find the sentence-transformers model that an encoder's directory is part of.

    `modules.json` lies in the directory itself or, as old versions wrote it, in the one above.

    Returns:
        The model; None: the directory is no part of one.

    Raises:
        ModelError: `modules.json` is damaged.
    """
    for root in (directory, directory.parent):
        if (root / MODULES_FILE).is_file():
            found = read_sentence_transformer(root)
            return found if found.encoder.resolve() == directory.resolve() else None
    return None


def encoder_directory(root: Path) -> Path:
    """Return where the encoder of a model lies: in the directory itself, but for old versions.

    Raises:
        ModelError: `modules.json` is damaged.
    """
    if not (root / MODULES_FILE).is_file():
        return root
    return read_sentence_transformer(root).encoder


def read_sentence_transformer(root: Path) -> SentenceTransformer:
    """Read `modules.json`.

    Args:
        root: The directory that holds it.

    Raises:
        ModelError: It is damaged, or names folders elsewhere.
    """
    path = root / MODULES_FILE
    listed = read_json(path)
    if not isinstance(listed, list) or not listed or not all(map(_is_module, listed)):
        raise ModelError("is not a valid sentence-transformers list", where=str(path))
    modules = [Module(_kind(entry["type"]), root / entry["path"]) for entry in listed]
    for module in modules:
        if not module.folder.resolve().is_relative_to(root.resolve()):
            raise ModelError(f"module {module.kind} lies outside the directory", where=str(path))
    return SentenceTransformer(root, tuple(modules))


def _kind(name: str) -> str:
    """Return the last part of the name of a class, the whole name where it is foreign."""
    return name.rpartition(".")[2] if name.startswith(_OWN) else name


def _is_module(entry: object) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(k), str) for k in ("type", "path"))


def read_transformer_settings(model: SentenceTransformer) -> TransformerSettings:
    """Read how the first module reads texts.

    Raises:
        ModelError: The file is damaged, or has a setting that is not applied here.
    """
    if not model.is_plain:
        return TransformerSettings()
    paths = (model.encoder / name for name in TRANSFORMER_SETTINGS_FILES)
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return TransformerSettings()
    settings = read_json_object(path)
    _refuse_unknown(settings, path)
    lower_case = settings.get("do_lower_case", False)
    if not isinstance(lower_case, bool):
        raise ModelError(f"do_lower_case is {shown(lower_case)}", where=str(path))
    return TransformerSettings(_max_length(settings, path), lower_case)


def _max_length(settings: Mapping[str, Any], path: Path) -> int | None:
    """Return the length that the tokenizer is loaded with; its own setting goes first."""
    found = settings.get("max_seq_length")
    for key in _TOKENIZER_SETTINGS:
        found = (settings.get(key) or {}).get("model_max_length", found)
    if found is not None and (not isinstance(found, int) or isinstance(found, bool) or found < 1):
        raise ModelError(
            f"max_seq_length is {shown(found)}, not a number of tokens", where=str(path)
        )
    return found


def _refuse_unknown(settings: Mapping[str, Any], path: Path) -> None:
    """Refuse what would change the embeddings and is not applied here."""
    for key in _TOKENIZER_SETTINGS:
        options = settings.get(key) or {}
        if not isinstance(options, dict):
            raise ModelError(f"{key} is {shown(options)}, not an object", where=str(path))
        if strange := sorted(options.keys() - {"model_max_length", "use_fast"}):
            raise _not_applied(f"{key}.{strange[0]}", options[strange[0]], path)
    known: dict[str, tuple[Any, ...]] = {
        "transformer_task": ("feature-extraction", "sequence-classification", "fill-mask"),
        "module_output_name": ("token_embeddings", "scores"),
        "processing_kwargs": (None, {}),
    }
    for key, value in settings.items():
        if key in ("max_seq_length", "do_lower_case", *_NEUTRAL, *_TOKENIZER_SETTINGS):
            continue
        if key == "modality_config" and _reads_last_layer(value):
            continue
        if value not in known.get(key, ()):
            raise _not_applied(key, value, path)


def _reads_last_layer(value: object) -> bool:
    """Whether texts go through the model, and what is read is its last layer or its answers."""
    text = value.get("text") if isinstance(value, dict) else None
    return isinstance(text, dict) and text in (
        {"method": "forward", "method_output_name": "last_hidden_state"},
        {"method": "forward", "method_output_name": "logits"},
    )


def _not_applied(key: str, value: object, path: Path) -> ModelError:
    return ModelError(
        f"the setting {key} ({shown(value)}) of sentence-transformers is not applied here",
        where=str(path),
        remedy=f"take it out, or move {MODULES_FILE} away to embed texts by the mean over tokens",
    )
