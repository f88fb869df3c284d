"""The data of a run: what the model needs of them, which rows, how they are split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bertslim.data.data_options import DataOptions
from bertslim.data.splits import Splits, only_report, split
from bertslim.data.task import ColumnNames, HeadFacts, Task, TaskData
from bertslim.progress import Progress
from bertslim.records import DataRecord, ModelFacts
from bertslim.records.sources import shown_source

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.source_table import SourceTable

BATCH_SIZE = 32  # sequences that go through a model at once
MAX_LENGTH = 256  # tokens at which texts are cut that a model repairs from or is judged on


NEUTRAL_DATA = DataOptions(data="builtin:pydocs")  # to compare models on, where none are named


def text_length(facts: ModelFacts, tokenizer: PreTrainedTokenizerBase, task: Task) -> int:
    """Return the tokens at which texts are cut: MAX_LENGTH, or less where model or tokenizer do.

    Where the model's own files settle the length, it is theirs.
    """
    longest = task.max_length or MAX_LENGTH
    return min(longest, facts.max_length, tokenizer.model_max_length)


def load_splits(options: DataOptions, head: HeadFacts, progress: Progress) -> Splits:
    """Load and split the data, and report what they were taken for.

    Rows that the data set apart to be reported on are the report, unless other data are named.

    Args:
        options: Which data.
        head: What stands on the model's encoder.
        progress: Where to report it.

    Raises:
        DataError: The data are missing, broken or too few, or do not fit the model.
    """
    data = _load(options, head)
    return _reported(split(*data), data, head, progress)


def load_held_out(options: DataOptions, head: HeadFacts, progress: Progress) -> Splits:
    """Load rows that are all held out, and report what they were taken for.

    Args:
        options: Which data.
        head: What stands on the model's encoder.
        progress: Where to report it.

    Raises:
        DataError: The data are missing or broken, or do not fit the model.
    """
    data = _load(options, head)[-1:]
    return _reported(only_report(*data), data, head, progress)


def load_all(options: DataOptions, head: HeadFacts) -> TaskData:
    """Load the rows of `options.data` whole, where nothing is fitted, chosen or judged on them.

    Args:
        options: Which data.
        head: What stands on the model's encoder.

    Raises:
        DataError: The data are missing or broken, or do not fit the model.
    """
    return _load(options, head)[0]


def _reported(
    splits: Splits, data: Sequence[TaskData], head: HeadFacts, progress: Progress
) -> Splits:
    """Report what the data were taken for, and note how the model reads them."""
    _tell(splits.record, progress)
    for note in head.notes:
        progress.tell(note)
    for one in data:
        if one.source != NEUTRAL_DATA.data:  # whose classes fit no model but one made for them
            for note in one.notes:
                progress.tell(f"{shown_source(one.source)}: {note}")
    return replace(splits, notes=(*head.notes, *splits.notes))


def _load(options: DataOptions, head: HeadFacts) -> tuple[TaskData, ...]:
    """Load the data and, if there are any, those to report on, with their labels read alike."""
    from bertslim.data.data_source import read_rows, read_source

    names = ColumnNames(options.text_columns, options.label_columns, options.labels_as)
    named = (*names.texts, *names.labels)
    data = read_source(options.data, named)
    if options.eval_data:
        held_out: SourceTable | None = read_source(options.eval_data, named).reported
    else:
        held_out = data.held_out
    sources = [data] if held_out is None else [data, held_out]
    return read_rows(sources, head, task=options.task, column_names=names)


def _tell(record: DataRecord, progress: Progress) -> None:
    progress.tell(f"data: {record.summary}")
    if record.report_source is not None:
        reading = "".join(f", {clause}" for clause in record.report_reading)
        progress.tell(f"reported on: {shown_source(record.report_source)}{reading}")
    if record.label_summary is not None:
        progress.tell(f"labels: {record.label_summary}")
