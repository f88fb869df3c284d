"""A name or path -> texts and, where there are any, labels, whatever the source calls its columns.

A source is a file (.csv, .tsv, .json, .jsonl, .ndjson, .parquet, .txt with a text a line; all but
parquet also as .gz), a directory of such files of one kind, the name of a data set on the Hub
(`name` or `org/name`, with `:config` and `@split` where wanted; the split "train" by default), or
`builtin:pydocs`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bertslim.data import pydocs
from bertslim.data.columns import find_label_column, find_text_column
from bertslim.data.files import is_path, read_path
from bertslim.data.hub import read_hub
from bertslim.data.labels import Labels, read_labels
from bertslim.errors import DataError
from bertslim.wording import counted

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class TextData:
    """Texts of one source.

    Attributes:
        source: What the user gave.
        text_column: The source's name of the column that the texts came from.
        label_column: The same of the labels; None where there are none.
        label_names: The names of the labels in the order of their ids.
        rows: Columns `text` (str) and, where there are labels, `label` (int).
        sha256: Hash of all texts and labels in their order.
        notes: What a reader of the result should know.
    """

    source: str
    text_column: str
    label_column: str | None
    label_names: tuple[str, ...]
    rows: Dataset
    sha256: str
    notes: tuple[str, ...] = ()


def load_texts(
    source: str,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    labels: Sequence[str] | None = None,
) -> TextData:
    """Load the texts of a source, with their labels if it has any. Blank texts are left out.

    Args:
        source: A path, the name of a data set on the Hub, or `builtin:pydocs`.
        text_column: The column of the texts; by default it is found by name and type.
        label_column: The column of the labels; by default it is found by name.
        labels: The model's label names in the order of their ids, if it has any.

    Raises:
        DataError: The source is missing, broken or empty, a column is missing or could be several,
            or a row has no usable text or label.
    """
    table = _read(source)
    text_name = find_text_column(table, text_column, where=source)
    label_name = find_label_column(table, label_column, text_name, where=source)
    texts, kept, notes = _texts(table, text_name, source)
    try:
        found = _labels(table, label_name, kept, labels, source)
    except DataError as error:
        # The demonstration data are good texts for any model, but their classes are their own.
        if label_column is not None or source != pydocs.NAME:
            raise
        notes.append(f"labels not used: {error.what}")
        label_name, found = None, None
    return TextData(
        source=source,
        text_column=text_name,
        label_column=label_name,
        label_names=found.names if found else (),
        rows=_rows(texts, found),
        sha256=hash_texts(texts, found.ids if found else None),
        notes=(*notes, *(found.notes if found else ())),
    )


def hash_texts(texts: Sequence[str], labels: Sequence[int] | None) -> str:
    """Return the SHA-256, in hexadecimal, of texts and labels in their order."""
    digest = hashlib.sha256()
    for row, text in enumerate(texts):
        label = labels[row] if labels is not None else None
        digest.update(json.dumps([text, label]).encode() + b"\n")
    return digest.hexdigest()


def _read(source: str) -> Dataset:
    if source.startswith("builtin:"):
        return _read_builtin(source)
    return read_path(source) if is_path(source) else read_hub(source)


def _read_builtin(source: str) -> Dataset:
    from datasets import ClassLabel, Dataset, Features, Value

    if source != pydocs.NAME:
        raise DataError("no such built-in data", where=source, remedy=f"use {pydocs.NAME}")
    texts, labels = pydocs.read_pydocs()
    features = {"text": Value("string"), "label": ClassLabel(names=list(pydocs.PACKAGES))}
    return Dataset.from_dict({"text": texts, "label": labels}, features=Features(features))


def _texts(table: Dataset, column: str, source: str) -> tuple[list[str], list[int], list[str]]:
    """Return the texts that are not blank, where they stood, and a note on the others."""
    texts: list[str] = []
    kept: list[int] = []
    for row, value in enumerate(table[column][:]):
        if value is not None and not isinstance(value, str):
            raise DataError(
                f"row {row + 1}: column {column!r} holds {value!r}, which is not a text",
                where=source,
                remedy="name the column of the texts with --text-column",
            )
        if value and value.strip():
            texts.append(value)
            kept.append(row)
    if not texts:
        raise DataError(f"all texts of column {column!r} are blank", where=source)
    blank = len(table) - len(texts)
    return texts, kept, [f"{counted(blank, 'blank text', 'blank texts')} left out"] * bool(blank)


def _labels(
    table: Dataset,
    column: str | None,
    kept: Sequence[int],
    model_names: Sequence[str] | None,
    source: str,
) -> Labels | None:
    if column is None:
        return None
    values = table[column][:]
    return read_labels(
        [values[row] for row in kept],
        [row + 1 for row in kept],
        class_names=getattr(table.features[column], "names", None),
        model_names=model_names,
        where=source,
    )


def _rows(texts: list[str], labels: Labels | None) -> Dataset:
    from datasets import Dataset, Features, Value

    if labels is None:
        return Dataset.from_dict({"text": texts}, features=Features({"text": Value("string")}))
    features = Features({"text": Value("string"), "label": Value("int64")})
    return Dataset.from_dict({"text": texts, "label": list(labels.ids)}, features=features)
