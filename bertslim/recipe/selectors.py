"""Choices of layers that are not yet tied to a model, and what each selects of one.

`bertslim.recipe.selector_text` reads them from a recipe.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bertslim.wording import shown

Count = int | Literal["half"]
Importance = Sequence[float] | None


class SelectorError(ValueError):
    """A selector that cannot be read, or does not fit the model.

    Attributes:
        items: The messages by position, where items of a list are what is wrong.
    """

    def __init__(self, message: str, items: Mapping[int, str] | None = None) -> None:
        super().__init__(message)
        self.items = dict(items or {})


class Selector(ABC):
    """A choice of layers that is not yet tied to a model; `str` gives its canonical text."""

    def resolve(self, layer_count: int, importance: Importance = None) -> tuple[int, ...]:
        """Return the numbers of the chosen layers, ascending, each once.

        Args:
            layer_count: How many layers the model has.
            importance: One figure a layer, larger for layers that matter more.

        Raises:
            SelectorError: A layer does not exist, none is chosen, or importance is not known.
        """
        if importance is not None and len(importance) != layer_count:
            raise ValueError(f"{len(importance)} importances for {layer_count} layers")
        chosen = set(self.choose(layer_count, importance))
        if not chosen:
            raise SelectorError(
                f"{shown(str(self))} selects no layer: the model has {_layers_of(layer_count)}"
            )
        return tuple(sorted(chosen))

    @abstractmethod
    def choose(self, layer_count: int, importance: Importance) -> Iterable[int]:
        """Return the numbers of the chosen layers in any order, perhaps none."""

    def plain(self) -> str | int | list[str | int]:
        """Return its form in a recipe: a number, a list, or text."""
        return str(self)

    @property
    def needs_importance(self) -> bool:
        """Whether it cannot be resolved without the importance of the layers."""
        return False


@dataclass(frozen=True)
class Pattern(Selector):
    """All layers, or every second one."""

    word: Literal["odd", "even", "all"]

    def choose(self, layer_count: int, importance: Importance) -> Iterable[int]:
        """Return the layers of that pattern."""
        start, step = {"odd": (1, 2), "even": (0, 2), "all": (0, 1)}[self.word]
        return range(start, layer_count, step)

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True)
class Span(Selector):
    """So many layers in a row, at the bottom, at the top or between."""

    where: Literal["first", "last", "middle"]
    count: Count

    def choose(self, layer_count: int, importance: Importance) -> Iterable[int]:
        """Return the layers in a row; an odd remainder leaves one layer more above a middle."""
        count = _how_many(self, self.count, layer_count)
        above = layer_count - count
        start = {"first": 0, "last": above, "middle": above // 2}[self.where]
        return range(start, start + count)

    def __str__(self) -> str:
        return f"{self.where} {self.count}"


@dataclass(frozen=True)
class LeastImportant(Selector):
    """So many layers that matter least; of equals, the lower ones."""

    count: Count

    def choose(self, layer_count: int, importance: Importance) -> Iterable[int]:
        """Return the layers with the smallest importance."""
        count = _how_many(self, self.count, layer_count)
        if importance is None:
            raise SelectorError(
                f"'{self}' is measured on data; give --data and leave --dry-run out, or name the "
                "layers"
            )
        return sorted(range(layer_count), key=lambda layer: importance[layer])[:count]

    @property
    def needs_importance(self) -> bool:
        """It cannot."""
        return True

    def __str__(self) -> str:
        return f"least_important {self.count}"


@dataclass(frozen=True)
class Every(Selector):
    """Layers 0, N, 2N …"""

    step: int

    def choose(self, layer_count: int, importance: Importance) -> Iterable[int]:
        """Return every N-th layer from the bottom one up."""
        return range(0, layer_count, self.step)

    def __str__(self) -> str:
        return f"every {self.step}"


@dataclass(frozen=True)
class Range(Selector):
    """From one layer to another, both included."""

    low: int
    high: int

    def choose(self, layer_count: int, importance: Importance) -> Iterable[int]:
        """Return the layers of the range, all of which must exist."""
        return range(_existing(self.low, layer_count), _existing(self.high, layer_count) + 1)

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"


@dataclass(frozen=True)
class Single(Selector):
    """One layer; a negative number counts from the top."""

    number: int

    def choose(self, layer_count: int, importance: Importance) -> Iterable[int]:
        """Return that layer, which must exist."""
        return [_existing(self.number, layer_count)]

    def plain(self) -> int:
        """Return the number itself."""
        return self.number

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True)
class AnyOf(Selector):
    """What any of its parts selects."""

    parts: tuple[Selector, ...]

    def choose(self, layer_count: int, importance: Importance) -> Iterable[int]:
        """Return the union.

        Raises:
            SelectorError: Lists the problem of every part that does not fit the model.
        """
        chosen: list[int] = []
        wrong: list[str] = []
        for part in self.parts:
            try:
                chosen.extend(part.choose(layer_count, importance))
            except SelectorError as error:
                wrong.append(str(error))
        if wrong:
            raise SelectorError("; ".join(wrong))
        return chosen

    def plain(self) -> list[str | int]:
        """Return one number or text a part."""
        return [part.number if isinstance(part, Single) else str(part) for part in self.parts]

    @property
    def needs_importance(self) -> bool:
        """Whether any of its parts cannot."""
        return any(part.needs_importance for part in self.parts)

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.parts))}]"


@dataclass(frozen=True)
class Except(Selector):
    """What one selector selects, less what others do."""

    kept: Selector
    removed: tuple[Selector, ...]

    def choose(self, layer_count: int, importance: Importance) -> Iterable[int]:
        """Return the set difference."""
        removed = AnyOf(self.removed).choose(layer_count, importance)
        return set(self.kept.choose(layer_count, importance)) - set(removed)

    @property
    def needs_importance(self) -> bool:
        """Whether either side cannot."""
        return any(part.needs_importance for part in (self.kept, *self.removed))

    def __str__(self) -> str:
        return " except ".join(map(str, (self.kept, *self.removed)))


def _how_many(selector: Selector, count: Count, layer_count: int) -> int:
    """Return the count as a number; half of an odd number of layers is rounded down."""
    if count == "half":
        return layer_count // 2
    if count > layer_count:
        raise SelectorError(
            f"{shown(str(selector))} asks for too many layers: the model has {layer_count}"
        )
    return count


def _existing(number: int, layer_count: int) -> int:
    layer = number + layer_count if number < 0 else number
    if 0 <= layer < layer_count:
        return layer
    from_top = f", from the top -1 to -{layer_count}" if number < 0 else ""
    raise SelectorError(
        f"layer {shown(number)} does not exist: the model has {_layers_of(layer_count)}{from_top}"
    )


def _layers_of(layer_count: int) -> str:
    if layer_count < 2:
        return "layer 0 only" if layer_count else "no layers"
    return f"layers 0 to {layer_count - 1}"
