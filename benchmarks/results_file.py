"""A file of results, which holds those of one machine and is whole at any time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

from bertslim.records import Environment, Frozen


class Results(Frozen):
    """The content of a file of results, whatever else is in it."""

    environment: Environment


Kind = TypeVar("Kind", bound=Results)


def read_results(path: Path, kind: type[Kind], here: Environment) -> Kind:
    """Read the file, if it is there; results of another machine end the benchmark."""
    if not path.exists():
        return kind(environment=here)
    found = kind.model_validate_json(path.read_text(encoding="utf-8"))
    if _machine(found.environment) != _machine(here):
        sys.exit(f"{path} holds results of another machine, thread count or set of versions")
    return found


def write_results(path: Path, results: Results) -> None:
    """Write the file, whole or not at all."""
    half_written = path.with_suffix(".part")
    half_written.write_text(results.model_dump_json(indent=1) + "\n", encoding="utf-8")
    half_written.replace(path)


def _machine(environment: Environment) -> Environment:
    return environment.model_copy(update={"git": None})
