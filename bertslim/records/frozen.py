"""The base of all records: immutable, with figures that are finite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Scalar = str | int | float | bool
Count = Annotated[int, Field(ge=0)]
LARGEST = 1e100  # what is larger overflows where it is written in other units, or drawn
UNUSABLE_FIGURE = "unusable_figure"  # the type of pydantic's error


class Frozen(BaseModel):
    """A base for immutable records, whose figures are finite and no larger than LARGEST."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _with_usable_figures(self) -> Self:
        for name, value in self:
            for what in filter(None, map(_fault, _figures(value))):
                raise PydanticCustomError(
                    UNUSABLE_FIGURE, "{name} is {what}", {"name": name, "what": what}
                )
        return self

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Return what is shown where a person looks at it; large records leave most of it out."""
        return list(self.in_short().items()) or super().__repr_args__()

    def in_short(self) -> dict[str, Any]:
        """Return what tells this record from others; empty where all of it does."""
        return {}


def _fault(figure: float) -> str | None:
    if isinstance(figure, float) and not math.isfinite(figure):
        return "no finite number"
    return "too large a number" if abs(figure) > LARGEST else None


def _figures(value: Any) -> Iterator[float]:
    """Yield the numbers of a field; those of the records in it are checked by themselves."""
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _figures(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _figures(inner)
