"""The batch sizes and lengths at which latency is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.errors import InputError
from bertslim.recipe.sizes import DEFAULT_LENGTH


@dataclass(frozen=True)
class Shape:
    """How many sequences of how many tokens one call takes."""

    batch: int
    length: int

    def __str__(self) -> str:
        return f"{self.batch}x{self.length}"


def all_shapes(
    batches: Sequence[int], lengths: Sequence[int], max_length: int
) -> tuple[Shape, ...]:
    """Return every batch with every length.

    Args:
        batches: Sequences a call.
        lengths: Tokens a sequence; none: 128, or what the model can take.
        max_length: The most that the model can take.

    Raises:
        InputError: A length is more than the model can take.
    """
    lengths = lengths or (min(DEFAULT_LENGTH, max_length),)
    shapes = tuple(Shape(batch, length) for length in lengths for batch in batches)
    check_shapes(shapes, max_length)
    return shapes


def check_shapes(shapes: Sequence[Shape], max_positions: int) -> None:
    """Refuse shapes that the model cannot take.

    Raises:
        InputError: A batch or length is below 1, or a length exceeds the model's positions.
    """
    for shape in shapes:
        if shape.batch < 1 or shape.length < 1:
            raise InputError("batch and length must be 1 or more", where=f"shape {shape}")
        if shape.length > max_positions:
            raise InputError(
                f"the model takes at most {max_positions} tokens",
                where=f"shape {shape}",
                remedy=f"use a length up to {max_positions}",
            )
