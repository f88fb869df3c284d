"""The files of a tokenizer, checked before a library reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import ADDED_TOKENS_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE
from bertslim.model.json_files import read_json_object

VOCABULARY_FILES = (
    TOKENIZER_FILE, "vocab.txt", "vocab.json", "spm.model", "spiece.model",
    "sentencepiece.bpe.model", "tokenizer.model",
)  # fmt: skip
SENTENCEPIECE_FILES = (
    "sentencepiece.bpe.model", "spm.model", "spiece.model", "tokenizer.model", "unigram.json",
)  # fmt: skip
_OBJECTS = (
    TOKENIZER_FILE, TOKENIZER_CONFIG_FILE, "special_tokens_map.json", ADDED_TOKENS_FILE,
    "vocab.json",
)  # fmt: skip
_LINES = ("vocab.txt", "merges.txt")


def check_tokenizer_files(directory: Path) -> None:
    """Check that the files of a tokenizer are whole, each by itself.

    Raises:
        ModelError: One is damaged.
    """
    contents: dict[str, dict[str, Any]] = {}
    for name in _OBJECTS:
        if (path := directory / name).is_file():
            contents[name] = read_json_object(path)
    for name in _LINES:
        if (path := directory / name).is_file():
            _check_lines(path)
    for name in VOCABULARY_FILES:
        path = directory / name
        if path.is_file() and path.stat().st_size == 0:
            raise _damaged(path, "is empty")
    if (fast := contents.get(TOKENIZER_FILE)) is not None:
        _check_fast(fast, directory / TOKENIZER_FILE)
    for name in ("vocab.json", ADDED_TOKENS_FILE):
        if not all(type(number) is int for number in contents.get(name, {}).values()):
            raise _damaged(directory / name, "holds ids that are not whole numbers")


def _check_fast(content: dict[str, Any], path: Path) -> None:
    model = content.get("model")
    if not isinstance(model, dict) or not model.get("vocab"):
        raise _damaged(path, "holds no vocabulary")
    added = content.get("added_tokens") or []
    if not isinstance(added, list) or not all(isinstance(token, dict) for token in added):
        raise _damaged(path, "added_tokens is not a list of objects")


def _check_lines(path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _damaged(path, "is not UTF-8 text") from error
    if not text.strip() or "\0" in text:
        raise _damaged(path, "is empty" if not text.strip() else "is not text")


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(what, where=str(path), remedy="download it again")
