"""The data of a run: which texts, how they are split, which labels the model knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bertslim.data.sources import TextData, load_texts
from bertslim.data.splits import Splits, split
from bertslim.records import ModelFacts


@dataclass(frozen=True)
class DataOptions:
    """Which data to use, as the command line has it.

    Attributes:
        data: A file, directory, Hub name or `builtin:pydocs`.
        eval_data: A second source that is only measured; None: a tenth of `data` is.
        text_column: The column of the texts; None: found by name.
        label_column: The column of the labels; None: found by name.
    """

    data: str
    eval_data: str | None = None
    text_column: str | None = None
    label_column: str | None = None


def load_splits(options: DataOptions, labels: tuple[str, ...] | None) -> Splits:
    """Load and split the data.

    Args:
        options: Which data.
        labels: The names of the model's labels in the order of their ids; None: it has no head
            that classifies texts.

    Raises:
        DataError: The data are missing, broken or too few.
    """
    data = _load(options.data, options, labels)
    if options.eval_data is None:
        return split(data)
    return split(data, _load(options.eval_data, options, labels or data.label_names or None))


def _load(source: str, options: DataOptions, labels: tuple[str, ...] | None) -> TextData:
    return load_texts(
        source, text_column=options.text_column, label_column=options.label_column, labels=labels
    )


def label_names(config: dict[str, Any], facts: ModelFacts) -> tuple[str, ...] | None:
    """Return the names of the labels of a text classifier; None for any other model."""
    if facts.head != "SequenceClassification" or facts.labels == 1:
        return None
    names = config.get("id2label") or {str(number): f"LABEL_{number}" for number in range(2)}
    return tuple(str(names[key]) for key in sorted(names, key=int))
