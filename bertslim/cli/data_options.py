"""Which data a command works on, from the options that name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bertslim.cli.options import columns
from bertslim.errors import InputError

if TYPE_CHECKING:
    from bertslim.pipeline.texts import DataOptions


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
    from bertslim.pipeline.texts import DataOptions

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
