"""A data set of the Hugging Face Hub by its name -> one table with the columns that it has."""

from __future__ import annotations

import re
import textwrap

from datasets import load_dataset

from bertslim.data.source_table import SourceTable
from bertslim.errors import DataError
from bertslim.library_errors import exhausted_resource
from bertslim.network import online_if_hub_answers
from bertslim.printable import one_line
from bertslim.quiet import quiet_datasets

_NAME = re.compile(
    r"(?P<path>[\w.-]+(/[\w.-]+)?)(:(?P<config>[\w.+-]+))?(@(?P<split>[\w.%\[\]:+-]+))?"
)
_SPLIT = "train"


def read_hub(source: str) -> SourceTable:
    """Load `name` or `org/name`, with `:config` and `@split` where given: `glue:sst2@train`.

    Without `@split` it is the split "train". It is kept in the cache of `datasets`.

    Raises:
        DataError: The name has another form, or the data set cannot be had.
        InputError: There is no room for it.
    """
    match = _NAME.fullmatch(source)
    if match is None:
        raise DataError(
            "neither a file or directory here nor a name of the form org/name:config@split",
            where=source or "--data",
        )
    try:
        with quiet_datasets(), online_if_hub_answers("dataset", match["path"]):
            rows = load_dataset(match["path"], match["config"], split=match["split"] or _SPLIT)
    except Exception as error:
        if exhausted := exhausted_resource(error):  # such as the disk of the cache
            raise exhausted from error
        reason = textwrap.shorten(one_line(str(error)) or type(error).__name__, 300)
        raise DataError(
            f"no such file or directory here, and it cannot be had from the Hub: {reason}",
            where=source,
            remedy="check the name and the connection",
        ) from error
    reading = () if match["split"] else (f"split {_SPLIT}",)
    return SourceTable(source, rows, reading)
