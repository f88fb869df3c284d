"""Load the tokenizer of a checkpoint, base or slim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.errors import ModelError
from bertslim.file_names import TOKENIZER_CONFIG_FILE, TOKENIZER_FILE
from bertslim.model.checkpoint_files import read_config
from bertslim.model.config_facts import family_of
from bertslim.quiet import quiet_transformers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TOKENIZER_FILES = (
    TOKENIZER_FILE, "vocab.txt", "vocab.json", "spm.model", "sentencepiece.bpe.model",
    "tokenizer.model",
)  # fmt: skip


def has_tokenizer(directory: Path) -> bool:
    """Whether the checkpoint carries a tokenizer."""
    return any((directory / name).is_file() for name in _TOKENIZER_FILES)


def name_tokenizer_class(directory: Path) -> None:
    """Write the stock tokenizer's class into the tokenizer's configuration, if it names none.

    transformers goes by the model type otherwise, and does not know the slim ones.
    """
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    path = directory / TOKENIZER_CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if "tokenizer_class" not in config:
        model_type = family_of(read_config(directory)).model_type
        config["tokenizer_class"] = TOKENIZER_MAPPING_NAMES[model_type]
        path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load_tokenizer(directory: Path) -> PreTrainedTokenizerBase:
    """Load the tokenizer, without running code of the checkpoint's own.

    Raises:
        ModelError: There is none, or it is damaged.
    """
    from transformers import AutoConfig, AutoTokenizer

    if not has_tokenizer(directory):
        raise ModelError(
            "no tokenizer here", where=str(directory), remedy="copy the tokenizer's files there"
        )
    stock = AutoConfig.for_model(family_of(read_config(directory)).model_type)
    try:
        with quiet_transformers():
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                directory, config=stock, local_files_only=True
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the tokenizer is damaged ({error})", where=str(directory)) from error
    return tokenizer
