"""A hook of mkdocs: the pages of the reference that are written from the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer.main

import bertslim
from bertslim import api
from bertslim.cli import app

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

COMMANDS = "reference/commands.md"
FUNCTIONS = "reference/functions.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those of the site."""
    from mkdocs.structure.files import File

    for page, text in ((COMMANDS, commands_page()), (FUNCTIONS, functions_page())):
        files.append(File.generated(config, page, content=text))
    return files


def commands_page() -> str:
    """Write the help of every command, a section each."""
    return "\n\n".join(["# Commands", *_sections()]) + "\n"


def _sections() -> Iterator[str]:
    group = typer.main.get_command(app)
    with typer.Context(group, info_name="bertslim") as context:
        yield f"```text\n{group.get_help(context)}\n```"
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            with typer.Context(command, info_name=name, parent=context) as inner:
                yield f"## bertslim {name}\n\n```text\n{command.get_help(inner)}\n```"


def functions_page() -> str:
    """Write the page in which mkdocstrings puts the docstrings of the public names."""
    found = dict.fromkeys(public_objects())  # a class with two names stands there once
    ordered = sorted(found, key=lambda one: (isinstance(one, type), one.__name__))
    sections = (f"::: {one.__module__}.{one.__name__}" for one in ordered)
    return "\n\n".join(["# Functions and classes", *sections]) + "\n"


def public_objects() -> Iterator[Any]:
    """Yield all public functions and classes; some functions share their name with a package."""
    for name in set(bertslim.__all__) - {"__version__"}:
        yield getattr(api, name) if name in api.__all__ else getattr(bertslim, name)
