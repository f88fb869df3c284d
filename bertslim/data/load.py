"""The data of a run: what the model needs of them, which rows, how they are split."""

from __future__ import annotations

from dataclasses import replace

from bertslim.data.data_options import DataOptions
from bertslim.data.splits import Splits, only_report, split
from bertslim.data.task import ColumnNames, HeadFacts, TaskData
from bertslim.progress import Progress
from bertslim.records import ModelFacts

BATCH_SIZE = 32  # sequences that go through a model at once
MAX_LENGTH = 256  # tokens at which texts are cut that a model repairs from or is judged on


NEUTRAL_DATA = DataOptions(data="builtin:pydocs")  # to compare models on, where none are named


def text_length(facts: ModelFacts) -> int:
    """Return the tokens at which texts are cut for a model: MAX_LENGTH, or what it can take."""
    return min(MAX_LENGTH, facts.max_length)


def load_splits(options: DataOptions, head: HeadFacts, progress: Progress) -> Splits:
    """Load and split the data, and report what they were taken for.

    Args:
        options: Which data.
        head: What stands on the model's encoder.
        progress: Where to report it.

    Raises:
        DataError: The data are missing, broken or too few, or do not fit the model.
    """
    data = _load(options.data, options, head)
    held_out = options.eval_data and _load(options.eval_data, options, _knowing(head, data))
    splits = split(data, held_out or None)
    progress.tell(f"data: {splits.record.summary}")
    return splits


def load_held_out(options: DataOptions, head: HeadFacts, progress: Progress) -> Splits:
    """Load rows that are all held out, and report what they were taken for.

    Args:
        options: Which data.
        head: What stands on the model's encoder.
        progress: Where to report it.

    Raises:
        DataError: The data are missing or broken, or do not fit the model.
    """
    splits = only_report(_load(options.data, options, head))
    progress.tell(f"data: {splits.record.summary}")
    return splits


def _load(source: str, options: DataOptions, head: HeadFacts) -> TaskData:
    from bertslim.data.data_source import load_data

    column_names = ColumnNames(options.text_columns, options.label_columns)
    return load_data(source, head, task=options.task, column_names=column_names)


def _knowing(head: HeadFacts, data: TaskData) -> HeadFacts:
    """Number the classes of the second source as those of the first."""
    return replace(head, labels=head.labels or data.label_names or None)
