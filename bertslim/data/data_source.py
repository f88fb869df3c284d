"""A name or path -> rows of a task, whatever the source calls its columns.

A source is a file (.csv, .tsv, .json also as SQuAD has it, .jsonl, .ndjson, .parquet, .txt with a
text a line, .conll, .conllu, .bio or .iob with a word a line; all but parquet also as .gz), a
directory of such files of one kind, the name of a data set on the Hub (`name` or `org/name`, with
`:config` and `@split` where needed; the split "train" by default), or `builtin:pydocs`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from datasets import ClassLabel, Dataset, Features, Value

from bertslim.data import pydocs
from bertslim.data.hub import read_hub
from bertslim.data.local_files import is_path, read_path
from bertslim.data.source_table import SourceTable
from bertslim.data.task import ColumnNames, HeadFacts, TaskData
from bertslim.data.tasks import choose_tasks
from bertslim.errors import DataError


def load_data(
    source: str,
    head: HeadFacts | None = None,
    *,
    task: str | None = None,
    column_names: ColumnNames | None = None,
) -> TaskData:
    """Load the rows of a source, with their labels if it has any that the model predicts.

    Args:
        source: A path, the name of a data set on the Hub, or `builtin:pydocs`.
        head: What stands on the model's encoder; by default nothing yet.
        task: The name of a task; by default the one that the head and the columns fit.
        column_names: The columns; by default they are found by name and type.

    Raises:
        DataError: As `read_rows`, or the source is missing, broken or empty.
    """
    names = column_names or ColumnNames()
    table = read_source(source, (*names.texts, *names.labels))
    (data,) = read_rows([table], head or HeadFacts(), task=task, column_names=names)
    return data


def read_rows(
    sources: Sequence[SourceTable], head: HeadFacts, *, task: str | None, column_names: ColumnNames
) -> tuple[TaskData, ...]:
    """Bring all sources of a run into the form of their task, their labels read by one rule.

    Args:
        sources: The data as they came.
        head: What stands on the model's encoder.
        task: The name of a task; None: the one that the head and the columns fit.
        column_names: The columns that were named.

    Raises:
        DataError: A column is missing or could be several, a row has no usable text or label, or
            model, data and task do not fit.
    """
    chosen = choose_tasks(task, sources, column_names, head)
    read: dict[int, TaskData] = {}
    for kind in dict.fromkeys(chosen):
        places = [place for place, one in enumerate(chosen) if one is kind]
        rows = kind.read([sources[place] for place in places], column_names, head)
        read |= zip(places, rows, strict=True)
    if column_names.labels_as and any(_is_scored_without_classes(one) for one in read.values()):
        raise DataError(
            f"the task {chosen[0].name} has no classes to read",
            where="--labels-as",
            remedy="leave it out",
        )
    return tuple(_accounted(read[place], source, head) for place, source in enumerate(sources))


def _is_scored_without_classes(data: TaskData) -> bool:
    return data.rows.labelled and not data.label_names


def _accounted(data: TaskData, source: SourceTable, head: HeadFacts) -> TaskData:
    """Add how the files were read, and where the model contradicts itself about their labels."""
    notes = (head.contradiction,) if head.contradiction and data.label_names else ()
    return replace(data, reading=source.reading, notes=(*data.notes, *notes))


def read_source(source: str, named: Collection[str] = ()) -> SourceTable:
    """Read the table of a source as it comes, and how it was read.

    Args:
        source: A path, the name of a data set on the Hub, or `builtin:pydocs`.
        named: The columns that the user named: a first line of a file that holds one is a header.

    Raises:
        DataError: The source is missing, broken or empty, or it cannot be told how to read it.
    """
    if source.startswith("builtin:"):
        return _read_builtin(source)
    return read_path(source, named) if is_path(source) else read_hub(source)


def _read_builtin(source: str) -> SourceTable:
    if source != pydocs.NAME:
        raise DataError("no such built-in data", where=source, remedy=f"use {pydocs.NAME}")
    texts, labels = pydocs.read_pydocs()
    features = {"text": Value("string"), "label": ClassLabel(names=list(pydocs.PACKAGES))}
    rows = Dataset.from_dict({"text": texts, "label": labels}, features=Features(features))
    return SourceTable(source, rows)
