"""All commands, each imported when it is used, so that help is quick."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import typer
from typer.core import TyperGroup

SHORT_HELPS = {
    "cut": "Cut a model by a recipe.",
    "search": "Search for the best cut within a target.",
    "retrain": "Train a model briefly.",
    "report": "Print a report again, or compare results.",
    "inspect": "Show what a model is made of.",
    "analyze": "Analyze the layers of a model.",
    "export": "Write a result for another runtime.",
    "bench": "Time models in several runtimes.",
    "check": "Fail if a result became bigger, worse or slower.",
    "recipes": "List, show and check recipes.",
}
"""The commands in the order of the help. The module of each has what it runs by the same name."""


class AllCommands(TyperGroup):
    """The program as typer sees it: a group whose commands are imported when they are used."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings | {"commands": ImportedCommands()})

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options of the program; a flag that is not given is False.

        typer has None for its own flags, and imports pydantic to make sense of it.
        """
        options = super().get_params(ctx)
        for option in options:
            if getattr(option, "is_flag", False) and option.default is None:
                option.default = False
        return options

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands, for which none is imported."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SHORT_HELPS.items()))


class ImportedCommands(Mapping[str, Any]):
    """The commands by name; the module of one is imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        if name not in SHORT_HELPS:
            raise KeyError(name)
        return _imported(name)

    def __iter__(self) -> Iterator[str]:
        return iter(SHORT_HELPS)

    def __len__(self) -> int:
        return len(SHORT_HELPS)


@cache
def _imported(name: str) -> Any:
    found = getattr(importlib.import_module(f"bertslim.cli.{name}"), name)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name, short_help=SHORT_HELPS[name])(found)
    return typer.main.get_command(alone)
