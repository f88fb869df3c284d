"""What to measure, and at which batch sizes and lengths."""

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


@dataclass(frozen=True)
class MeasureOptions:
    """What to measure, and on what.

    Attributes:
        batches: Batch sizes of the latency measurement.
        lengths: Lengths in tokens of the latency measurement, the first one that of the MACs; none:
            128, or what the model can take.
        seconds: Time of the latency measurement for each batch and length.
        launches: How often both models are started anew for it.
        show_texts: Whether the report may quote held-out texts, those that the models answer
            differently.
    """

    batches: tuple[int, ...] = (1, 8)
    lengths: tuple[int, ...] = ()
    seconds: float = 8.0
    launches: int = 5
    show_texts: bool = False

    def shapes(self, max_length: int) -> tuple[Shape, ...]:
        """Return every batch with every length.

        Raises:
            InputError: A length is more than the model can take.
        """
        lengths = self.lengths or (min(DEFAULT_LENGTH, max_length),)
        shapes = tuple(Shape(batch, length) for length in lengths for batch in self.batches)
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
