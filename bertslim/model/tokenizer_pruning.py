"""Write the tokenizer of a checkpoint anew with fewer tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import ADDED_TOKENS_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE
from bertslim.model.tokenizer import load_plain_tokenizer
from bertslim.model.tokenizer_files import SENTENCEPIECE_FILES
from bertslim.model.tokenizer_models import read_tokenizer_model
from bertslim.model.vocabulary import Vocabulary, tokenizer_content

_PLAIN_FILES = ("vocab.txt", "vocab.json", "merges.txt")


def prune_tokenizer(directory: Path, vocabulary: Vocabulary) -> None:
    """Take all tokens but those that stay out of the tokenizer's files, and number them anew.

    `tokenizer.json` is written, also where there was none; `vocab.txt`, `vocab.json` and
    `merges.txt` are written anew where they were; a SentencePiece model, which `tokenizer.json`
    stands for, is deleted.

    Args:
        directory: A checkpoint; its tokenizer is the one before.
        vocabulary: The tokens that stay, chosen with that tokenizer.

    Raises:
        ModelError: The tokenizer is of a kind whose vocabulary cannot be pruned.
    """
    from tokenizers import Tokenizer

    before = load_plain_tokenizer(directory)
    new_ids = vocabulary.new_ids
    pruned = Tokenizer.from_str(json.dumps(prune_content(tokenizer_content(before), new_ids)))
    pruned.save(str(directory / TOKENIZER_FILE))
    if any((directory / name).is_file() for name in _PLAIN_FILES):
        pruned.model.save(str(directory))
    for name in SENTENCEPIECE_FILES:
        (directory / name).unlink(missing_ok=True)
    _rewrite(directory / TOKENIZER_CONFIG_FILE, new_ids)
    _rewrite(directory / ADDED_TOKENS_FILE, new_ids)
    expected = {token: new_ids[old] for token, old in before.get_vocab().items() if old in new_ids}
    if load_plain_tokenizer(directory).get_vocab() != expected:
        raise ModelError(
            f"the vocabulary of this {type(before).__name__} cannot be pruned: its tokens come "
            "back under other numbers",
            where=TOKENIZER_FILE,
            remedy="leave prune_vocab out of the recipe",
        )


def prune_content(content: dict[str, Any], new_ids: Mapping[int, int]) -> dict[str, Any]:
    """Return a tokenizer in the form of `tokenizer.json` with only some of its tokens.

    Args:
        content: The tokenizer before, in that form.
        new_ids: The ids after by the ids before, of the tokens that stay.

    Raises:
        ModelError: It is of a kind whose vocabulary cannot be pruned.
    """
    padding = content["padding"]
    return {
        **content,
        "model": read_tokenizer_model(content["model"]).pruned(new_ids),
        "added_tokens": [
            {**token, "id": new_ids[token["id"]]} for token in content["added_tokens"]
        ],
        "post_processor": _renumber_processor(content["post_processor"], new_ids),
        "padding": padding and {**padding, "pad_id": new_ids[padding["pad_id"]]},
    }


def _renumber_processor(processor: Any, new_ids: Mapping[int, int]) -> Any:
    """Give the special tokens that are put around a text their new numbers."""
    match processor:
        case None | {"type": "ByteLevel"}:
            return processor
        case {"type": "Sequence", "processors": inner}:
            return {
                **processor,
                "processors": [
                    _renumber_processor(inner_processor, new_ids) for inner_processor in inner
                ],
            }
        case {"type": "TemplateProcessing", "special_tokens": tokens}:
            renumbered = {
                name: {**token, "ids": [new_ids[old] for old in token["ids"]]}
                for name, token in tokens.items()
            }
            return {**processor, "special_tokens": renumbered}
        case {"type": "BertProcessing" | "RobertaProcessing", "sep": sep, "cls": cls}:
            ends = {"sep": [sep[0], new_ids[sep[1]]], "cls": [cls[0], new_ids[cls[1]]]}
            return {**processor, **ends}
    raise ModelError(
        f"post_processor {processor['type']} is not known",
        where=TOKENIZER_FILE,
        remedy="leave prune_vocab out of the recipe",
    )


def _rewrite(path: Path, new_ids: Mapping[int, int]) -> None:
    """Renumber the token ids in a side file of the tokenizer."""
    if not path.is_file():
        return
    content = json.loads(path.read_text(encoding="utf-8"))
    if path.name == ADDED_TOKENS_FILE:
        content = {token: new_ids[old] for token, old in content.items()}
    elif tokens := content.get("added_tokens_decoder"):
        renumbered = {str(new_ids[int(old)]): token for old, token in tokens.items()}
        content["added_tokens_decoder"] = renumbered
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
