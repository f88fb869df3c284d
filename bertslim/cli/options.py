"""The options that several commands share, and what they have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bertslim.errors import InputError

if TYPE_CHECKING:
    from bertslim.data.load import DataOptions
from collections.abc import Sequence
from contextvars import ContextVar

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A checkpoint: a local directory, pkg:NAME for one that an installed Python package "
        "carries, or a Hub id.",
        show_default=False,
    ),
]
ResultArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="DIR",
        help="A result of bertslim. By default the current directory if it is one, else the newest "
        "one directly under it.",
        show_default=False,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="The directory to write.", show_default=False),
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace the output if it exists already.")
]
EvalDataOption = Annotated[
    str | None,
    typer.Option(
        "--eval-data",
        help="Data to report on, which nothing else may see. By default a tenth of --data, chosen "
        "by the hash of the texts.",
        show_default=False,
    ),
]
TextColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--text-column",
        help="The column of the texts, or two for pairs, such as query,passage.",
        show_default="found by name",
        metavar="NAME",
    ),
]
LabelColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label-column",
        help="The column of the labels, or for several labels a text a column of 0 and 1 for each.",
        show_default="found by name",
        metavar="NAME",
    ),
]
TaskOption = Annotated[
    str | None,
    typer.Option(
        "--task",
        help="What the model is for: text-classification, regression, token-classification, "
        "question-answering, fill-mask, feature-extraction, or plain-text to compare models on "
        "texts alone.",
        show_default="what its head and the columns say",
    ),
]
BatchOption = Annotated[
    list[str] | None,
    typer.Option(
        "--batch", help="Batch sizes to time, such as 1,8.", show_default="1,8", metavar="N"
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Settles every random step.")]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Threads of each computation.", show_default="all cores"),
]
ShowTextsOption = Annotated[
    bool,
    typer.Option(
        "--show-texts",
        help="Quote in the report the held-out texts that are answered differently. Mind where the "
        "report goes: the model card leaves them out.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON, nothing else.")]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show where an error comes from, as a traceback.")
]

DATA_HELP = (
    "A file (csv, tsv, json, jsonl, parquet, conll, SQuAD json, or txt with a text a line), a "
    "directory of such files, the name of a data set on the Hub, or builtin:pydocs for docstrings "
    "of Python's own library."
)


def whole_numbers(values: list[str] | None, option: str) -> tuple[int, ...] | None:
    """Read `--batch 1 --batch 8` and `--batch 1,8` alike.

    Raises:
        InputError: One of them is not a whole number from 1 on.
    """
    if not values:
        return None
    words = [word.strip() for value in values for word in value.split(",")]
    for word in words:
        if not word.isdecimal() or int(word) < 1:
            raise InputError(
                f"{word!r} is not a whole number from 1 on", where=option, remedy="such as 1,8"
            )
    return tuple(dict.fromkeys(int(word) for word in words))


def columns(values: list[str] | None) -> tuple[str, ...]:
    """Read `--text-column a --text-column b` and `--text-column a,b` alike."""
    words = [word.strip() for value in values or () for word in value.split(",")]
    return tuple(dict.fromkeys(filter(None, words)))


def usable_threads(threads: int | None) -> int:
    """Return the number of threads asked for, or of cores that may be used."""
    if threads is not None:
        return threads
    from bertslim.measure.environment import default_threads

    return default_threads()


def chosen_result(directory: Path | None, *, quiet: bool = False) -> Path:
    """Return the DIR that was given; without one choose it, and say on standard error which.

    Raises:
        InputError: There is no such directory, or no result here.
    """
    from bertslim.commands.publish import find_result

    found = find_result(directory)
    if directory is None and not quiet:
        typer.echo(f"bertslim: this is {found.resolve().name}", err=True)
    return found


def data_options(
    data: str | None,
    eval_data: str | None,
    text_column: list[str] | None,
    label_column: list[str] | None,
    task: str | None,
) -> DataOptions | None:
    """Return the data that were named, or None.

    Raises:
        InputError: An option says something of data, and none are named.
    """
    from bertslim.data.load import DataOptions

    if data is not None:
        return DataOptions(data, eval_data, columns(text_column), columns(label_column), task)
    given = {
        "--eval-data": eval_data,
        "--text-column": text_column,
        "--label-column": label_column,
        "--task": task,
    }
    for option, value in given.items():
        if value:
            raise InputError("needs --data beside it", where=option)
    return None


_ARGUMENTS: ContextVar[tuple[str, ...]] = ContextVar("arguments", default=())


def remember(arguments: Sequence[str]) -> None:
    """Keep what was typed behind the name of the program."""
    _ARGUMENTS.set(tuple(arguments))


def command_line() -> tuple[str, ...]:
    """Return what was typed, word by word."""
    return ("bertslim", *_ARGUMENTS.get())
