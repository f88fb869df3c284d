"""Where everything in a recipe file stands, so that each problem names its line and column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bertslim.errors import RecipeError

Location = tuple[str | int, ...]
"""The way to a value, such as ("surgery", 0, "layers")."""


@dataclass(frozen=True)
class Problem:
    """Something wrong at a location of a recipe.

    Attributes:
        message: One clause, which names the key itself where that helps.
        at_key: Whether the key is to be pointed at instead of its value.
    """

    location: Location
    message: str
    at_key: bool = False


@dataclass(frozen=True, order=True)
class Fault:
    """Something wrong at a line and column, both from 1."""

    line: int
    column: int
    message: str

    def in_file(self, name: str) -> str:
        """Return it as one line that starts with the place."""
        return f"{name}:{self.line}:{self.column}: {self.message}"


@dataclass(frozen=True)
class RecipeSource:
    """The content of a recipe file, and where everything in it stands.

    Attributes:
        name: What messages call the file.
        data: The mapping that the file holds, as plain data.
        values: Line and column of each value.
        keys: Line and column of each key, by the location of its value.
        faults: What is wrong with the YAML itself.
    """

    name: str
    data: dict[str, object]
    values: Mapping[Location, tuple[int, int]]
    keys: Mapping[Location, tuple[int, int]]
    faults: tuple[Fault, ...] = ()

    def error(self, problems: Iterable[Problem]) -> RecipeError:
        """Make one error of the problems and the file's own faults, in the order of the file."""
        faults = {*self.faults, *map(self._place, problems)}
        return RecipeError([fault.in_file(self.name) for fault in sorted(faults)])

    def _place(self, problem: Problem) -> Fault:
        location = problem.location
        positions = self.keys if problem.at_key else self.values
        while location and location not in positions:
            location, positions = location[:-1], self.values
        return Fault(*positions[location], problem.message)
