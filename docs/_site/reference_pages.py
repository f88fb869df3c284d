"""A hook of mkdocs: the pages of the reference that are written from the code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer.main

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
    """Write the page in whose place mkdocstrings puts the docstrings of the public names."""
    return "# Functions and classes\n\n::: bertslim\n"
