"""Questions and windows of their contexts as sequences of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bertslim.data.task import Feature
from bertslim.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_STRIDE = 128  # tokens that neighbouring windows share
_SPECIAL = 4  # tokens that a tokenizer puts around question and context, at most


@dataclass(frozen=True)
class Window:
    """Where the tokens of one window stand in the context.

    Attributes:
        context: The whole context.
        tokens: The first token of the context in the sequence, and the one after its last.
        offsets: The characters from and to of each of these tokens in the context.
        none: The token that stands for "no answer".
    """

    context: str
    tokens: tuple[int, int]
    offsets: list[tuple[int, int]]
    none: int


def question_features(
    questions: Sequence[str],
    contexts: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    *,
    answers: Sequence[tuple[int, int] | None] | None = None,
) -> list[Feature]:
    """Tokenise questions, each with as many overlapping windows of its context as it takes.

    Args:
        questions: One a row; those longer than half of `max_length` are cut.
        contexts: One a row.
        tokenizer: The model's tokenizer, which has to be a fast one.
        max_length: Tokens a sequence.
        answers: The characters from and to of each row's answer in the context, for targets; None
            where there is no answer, which is then the answer, as it is in windows without it.

    Raises:
        ModelError: The tokenizer does not report where its tokens stand in the text.
    """
    if not tokenizer.is_fast:
        raise ModelError(
            "the tokenizer does not give the positions of its tokens in the text",
            where=tokenizer.name_or_path,
            remedy="give the model a fast tokenizer (tokenizer.json)",
        )
    encoded = tokenizer(
        _shortened(questions, tokenizer, max_length // 2),
        list(contexts),
        truncation="only_second",
        max_length=max_length,
        stride=max(0, min(_STRIDE, max_length // 4 - _SPECIAL)),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_attention_mask=True,
    )
    rows = encoded.pop("overflow_to_sample_mapping")
    places = encoded.pop("offset_mapping")
    features = []
    for number, row in enumerate(rows):
        inputs = {name: values[number] for name, values in encoded.items()}
        tokens = _tokens_of_context(encoded.sequence_ids(number))
        window = Window(
            contexts[row],
            tokens,
            places[number][slice(*tokens)],
            _none(inputs["input_ids"], tokenizer),
        )
        targets = {}
        if answers is not None:
            targets = dict(
                zip(("start_positions", "end_positions"), _place(answers[row], window), strict=True)
            )
        features.append(Feature(row, inputs, targets, window))
    return features


def _shortened(
    questions: Sequence[str], tokenizer: PreTrainedTokenizerBase, longest: int
) -> list[str]:
    encoded = tokenizer(list(questions), add_special_tokens=False, return_offsets_mapping=True)
    return [
        question if len(places) <= longest else question[: places[longest - 1][1]]
        for question, places in zip(questions, encoded["offset_mapping"], strict=True)
    ]


def _tokens_of_context(sequence_ids: Sequence[int | None]) -> tuple[int, int]:
    places = [place for place, sequence in enumerate(sequence_ids) if sequence == 1]
    return (places[0], places[-1] + 1) if places else (0, 0)


def _none(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the place of the classification token, which models are trained to name then."""
    return ids.index(tokenizer.cls_token_id) if tokenizer.cls_token_id in ids else 0


def _place(answer: tuple[int, int] | None, window: Window) -> tuple[int, int]:
    """Return the first and the last token of the answer, if all of it stands in the window."""
    if answer is None:
        return window.none, window.none
    inside = [
        place
        for place, (start, end) in enumerate(window.offsets)
        if start < answer[1] and end > answer[0]
    ]
    covered = (
        bool(inside)
        and window.offsets[inside[0]][0] <= answer[0]
        and window.offsets[inside[-1]][1] >= answer[1]
    )
    if not covered:
        return window.none, window.none
    return window.tokens[0] + inside[0], window.tokens[0] + inside[-1]
