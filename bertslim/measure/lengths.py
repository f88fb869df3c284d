"""The lengths of texts at which latency is measured, as a person names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from bertslim.option_fields import whole_numbers

DATA: Final = "data"
Length = int | Literal["data"]
"""Tokens a sequence, or DATA for texts as they come."""


def read_lengths(
    values: Sequence[str], option: str, *, example: str = "32,128 or data"
) -> tuple[Length, ...]:
    """Read `--length 32 --length data` and `--length 32,data` alike.

    Args:
        values: What stands behind the option.
        option: Its name.
        example: What the message names where one of them is of no use.

    Raises:
        InputError: One of them is neither a whole number from 1 on nor "data".
    """
    words = dict.fromkeys(word.strip() for value in values for word in value.split(","))
    return tuple(
        DATA if word == DATA else whole_numbers([word], option, example=example)[0]
        for word in words
    )
