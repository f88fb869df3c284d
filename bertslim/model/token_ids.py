"""Whether the ids that a tokenizer makes have rows in the embeddings of the model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertslim.errors import ModelError
from bertslim.model.config_facts import token_types_of, vocabulary_of
from bertslim.wording import counted, listed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TYPES = "token_type_ids"
_SHOWN = 3


def check_token_ids(
    tokenizer: PreTrainedTokenizerBase, config: Mapping[str, Any], directory: Path
) -> None:
    """Refuse a tokenizer with ids that the model has no embeddings for.

    Args:
        tokenizer: As loaded.
        config: The content of the model's `config.json`.
        directory: Where both lie, for messages.

    Raises:
        ModelError: There are such ids.
    """
    rows = vocabulary_of(config)
    beyond = sorted(
        (number, token) for token, number in tokenizer.get_vocab().items() if number >= rows
    )
    if not beyond:
        return
    named = listed([f"{number} {token}" for number, token in beyond], _SHOWN)
    raise ModelError(
        f"the tokenizer has {counted(len(beyond), 'id', 'ids')} ({named}) beyond the {rows} "
        "embeddings of the model",
        where=str(directory),
        remedy=f"resize them with `model.resize_token_embeddings({beyond[-1][0] + 1})` and save "
        "the model, or take the tokens out of the tokenizer",
    )


def drop_token_types_beyond(tokenizer: PreTrainedTokenizerBase, config: Mapping[str, Any]) -> None:
    """Make a tokenizer leave token types out where the model has not as many.

    Users of transformers leave them out by hand then; the model takes all tokens for type 0.
    """
    if has_token_types_beyond(tokenizer, config):
        names = [name for name in tokenizer.model_input_names if name != _TYPES]
        tokenizer.model_input_names = names


def has_token_types_beyond(tokenizer: PreTrainedTokenizerBase, config: Mapping[str, Any]) -> bool:
    """Whether a pair of texts has a token type that the model has no row for."""
    if _TYPES not in tokenizer.model_input_names:
        return False
    return max(read_pair(tokenizer), default=0) >= token_types_of(config)


def read_pair(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the token types of a pair of texts.

    A call of a fast tokenizer would settle anew whether it cuts and pads.
    """
    if tokenizer.is_fast:
        types: list[int] = tokenizer.backend_tokenizer.encode("a", "a").type_ids
        return types
    return list(tokenizer("a", "a", return_token_type_ids=True)[_TYPES])
