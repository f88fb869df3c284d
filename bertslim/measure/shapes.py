"""The batch sizes and lengths at which latency is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.errors import InputError
from bertslim.measure.lengths import DATA, Length
from bertslim.recipe.sizes import DEFAULT_LENGTH
from bertslim.records import Measurement


@dataclass(frozen=True)
class Shape:
    """How many sequences of how many tokens one call takes.

    With the length DATA each call takes other texts of a `TextSample`, padded to their longest.
    """

    batch: int
    length: Length

    def __str__(self) -> str:
        return f"{self.batch}x{self.length}"

    @property
    def of_texts(self) -> bool:
        """Whether calls take texts as they come."""
        return self.length == DATA

    @property
    def tokens(self) -> int:
        """Tokens a sequence, where all have as many.

        Raises:
            ValueError: Calls take texts as they come.
        """
        if self.length == DATA:
            raise ValueError("texts as they come have no one length")
        return self.length


def shape_of(measurement: Measurement) -> Shape:
    """Return the shape that a latency was measured at."""
    batch, length = (measurement.context[key] for key in ("batch", "length"))
    return Shape(int(batch), DATA if length == DATA else int(length))


def all_shapes(
    batches: Sequence[int], lengths: Sequence[Length], max_length: int
) -> tuple[Shape, ...]:
    """Return every batch with every length.

    Args:
        batches: Sequences a call.
        lengths: Tokens a sequence, or DATA; none: 128, or what the model can take.
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
        length = 1 if shape.length == DATA else shape.length
        if shape.batch < 1 or length < 1:
            raise InputError("batch and length must be 1 or more", where=f"shape {shape}")
        if length > max_positions:
            raise InputError(
                f"the model takes at most {max_positions} tokens",
                where=f"shape {shape}",
                remedy=f"use a length up to {max_positions}",
            )
