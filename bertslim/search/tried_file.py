"""What a search has tried, kept beside its output, so that a later one can go on from there."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bertslim.errors import OutputError
from bertslim.output.writing import writing
from bertslim.search.levels import Configuration
from bertslim.search.problem import Problem
from bertslim.search.trials import Candidate

_EVERY_SECONDS = 30.0


class _Tried(BaseModel):
    """A configuration, by the numbers of the options of its layers."""

    options: tuple[int, ...]
    damage: float
    texts: int


class _Content(BaseModel):
    request: str
    tried: tuple[_Tried, ...]


@dataclass
class TriedFile:
    """The file of one search.

    Attributes:
        path: Where it is.
        request: All that settles what a configuration loses.
        written: When it was written last, by the monotonic clock.
    """

    path: Path
    request: Mapping[str, Any]
    written: float = field(default_factory=time.monotonic)

    def read(self, problem: Problem) -> dict[Configuration, Candidate]:
        """Return what was tried.

        Args:
            problem: What is chosen from.

        Raises:
            OutputError: It was tried by another search, or the file is damaged.
        """
        try:
            content = _Content.model_validate_json(self.path.read_bytes())
        except (OSError, ValidationError) as error:
            raise OutputError(
                "what an interrupted search left here is damaged",
                where=str(self.path),
                remedy="begin anew with --force and without --resume",
            ) from error
        if content.request != self._key(problem):
            raise OutputError(
                "the search that was interrupted was another one",
                where=str(self.path),
                remedy="ask for the same, or begin anew with --force and without --resume",
            )
        options = [problem.options(number) for number in range(len(problem.choices))]
        candidates = [
            Candidate(
                tuple(layer[number] for layer, number in zip(options, one.options, strict=True)),
                one.damage,
                one.texts,
            )
            for one in content.tried
        ]
        return {one.configuration: one for one in candidates}

    def write_now_and_then(
        self, problem: Problem, candidates: Mapping[Configuration, Candidate]
    ) -> None:
        """Write what was tried, if that was not done for a while."""
        if time.monotonic() > self.written + _EVERY_SECONDS:
            self.write(problem, candidates)

    def write(self, problem: Problem, candidates: Mapping[Configuration, Candidate]) -> None:
        """Write what was tried, whole or not at all.

        Raises:
            OutputError: It cannot be written.
        """
        numbers = [
            {levels: place for place, levels in enumerate(problem.options(number))}
            for number in range(len(problem.choices))
        ]
        tried = tuple(
            _Tried(
                options=tuple(
                    layer[levels] for layer, levels in zip(numbers, one.configuration, strict=True)
                ),
                damage=one.damage,
                texts=one.texts,
            )
            for one in candidates.values()
        )
        content = _Content(request=self._key(problem), tried=tried)
        with writing(self.path):
            new = self.path.with_name(f"{self.path.name}.new")
            new.write_text(content.model_dump_json(), encoding="utf-8")
            new.replace(self.path)
        self.written = time.monotonic()

    def _key(self, problem: Problem) -> str:
        levels = [[str(one) for one in problem.options(n)] for n in range(len(problem.choices))]
        what = {**self.request, "levels": levels}
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def tried_path(target: Path) -> Path:
    """Return where a search that writes to `target` leaves what it has tried."""
    target = target.absolute()
    return target.with_name(f".{target.name}.bertslim-tried.json")
