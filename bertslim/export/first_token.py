"""Encoders whose embedding is the first token: a model that puts out no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from bertslim.errors import InputError
from bertslim.model.checkpoint import Checkpoint, sharing_copy
from bertslim.model.tokenizer import has_tokenizer, load_tokenizer

OPTION = "--first-token"
NOTE = "last_hidden_state is that of the first token alone, (batch, 1, hidden), for CLS pooling"


def with_first_token_alone(checkpoint: Checkpoint) -> Checkpoint:
    """Return an encoder that puts out the first token alone: (batch, 1, hidden_size).

    Pooling by the first token takes the same from it as from all tokens.

    Args:
        checkpoint: Left as it is; its weights are shared.

    Raises:
        InputError: Something else is read than the first token, or leaving out the others saves
            nothing.
    """
    if (why := _reads_more(checkpoint)) is not None:
        raise InputError(why, where=OPTION, remedy="leave it out")
    model = sharing_copy(checkpoint.model)
    model.register_forward_hook(_FirstToken())
    return replace(checkpoint, model=model)


def puts_out_first_token(model: PreTrainedModel) -> bool:
    """Whether a model is one that `with_first_token_alone` made."""
    return any(isinstance(hook, _FirstToken) for hook in model._forward_hooks.values())


class _FirstToken:
    def __call__(self, _: nn.Module, __: tuple[Any, ...], output: Any) -> Any:
        output["last_hidden_state"] = output["last_hidden_state"][:, :1]
        return output


def _reads_more(checkpoint: Checkpoint) -> str | None:
    """Say why the first token is not all that is read, or not all that is computed."""
    if checkpoint.facts.head:
        return "it is for encoders; a head that reads the first token alone needs no option"
    pooling = checkpoint.embedder.pooling
    if pooling.modes != ("cls",):
        return f"the embedding of a text is not its first token but {pooling} pooling"
    if pooling.prompt_tokens:
        return "the embedding of a text is its first token after the prompt"
    directory = checkpoint.directory
    if has_tokenizer(directory) and load_tokenizer(directory).padding_side != "right":
        return "the tokenizer pads on the left, so that the first token may be padding"
    if not checkpoint.family.layout.attention.fuses:
        family = checkpoint.facts.model_type
        return f"the attention of {family} is exported in its parts, which compute all tokens"
    return None
