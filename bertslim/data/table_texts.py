"""The texts of any table, one or two a row, and the tokenising of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bertslim.data.columns import find_text_columns, find_word_column
from bertslim.data.declared_classes import read_declared
from bertslim.data.labels import RawLabels
from bertslim.data.task import LABEL, ColumnNames, Feature, Rows, Task, TaskData
from bertslim.errors import DataError
from bertslim.wording import counted

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.source_table import SourceTable

_TEXT, _PAIR = "text", "pair"


@dataclass(frozen=True)
class Texts:
    """Texts of a table, blank rows left out.

    Attributes:
        names: The table's names of the columns that they came from.
        columns: One list of texts, or two for pairs.
        kept: The number of each row in the table, from 0.
        labelled: Whether the rows are those of the table, so that it may hold labels for them.
        notes: What a reader of the result should know.
    """

    names: tuple[str, ...]
    columns: tuple[list[str], ...]
    kept: list[int]
    labelled: bool = True
    notes: tuple[str, ...] = ()

    def labels_of(self, source: SourceTable, column: str) -> RawLabels:
        """Return what a column of their source holds for each of them."""
        return read_declared(source.rows, column, self.kept, source.source)

    def only(self, places: Sequence[int]) -> Texts:
        """Return some of the texts, those at these places."""
        columns = tuple([column[place] for place in places] for column in self.columns)
        return replace(self, columns=columns, kept=[self.kept[place] for place in places])

    def table(self, labels: Sequence[Any] | None = None, kind: Any = None) -> Dataset:
        """Make a table with the columns `text`, `pair` and `label`, as far as there are any.

        Args:
            labels: One a row.
            kind: Their type, as `datasets` has it.
        """
        from datasets import Dataset, Features, Value

        columns: dict[str, Sequence[Any]] = dict(zip((_TEXT, _PAIR), self.columns, strict=False))
        features = {name: Value("string") for name in columns}
        if labels is not None:
            columns[LABEL], features[LABEL] = labels, kind
        return Dataset.from_dict(columns, features=Features(features))


def read_texts(table: Dataset, column_names: ColumnNames, *, source: str) -> Texts:
    """Find the texts: strings as they are, lists of words joined, of questions the contexts.

    Raises:
        DataError: The columns are missing or could be several, or there is no text in them.
    """
    words = find_word_column(table, column_names.texts)
    if words is not None:
        joined = [" ".join(row) for row in read_words(table, words, source)]
        return _without_blank((words,), (joined,), source, labelled=False)
    if not column_names.texts and _holds_questions(table):
        contexts = list(dict.fromkeys(read_strings(table, "context", source)))
        return _without_blank(("context",), (contexts,), source, labelled=False)
    names = find_text_columns(table, column_names.texts, where=source)
    columns = tuple(read_strings(table, name, source) for name in names)
    return _without_blank(names, columns, source, labelled=True)


def unlabelled_data(
    task: Task, sources: Sequence[SourceTable], column_names: ColumnNames
) -> tuple[TaskData, ...]:
    """Read the texts of each source for a task that needs no labels.

    Raises:
        DataError: The columns are missing or could be several, or there is no text in them.
    """
    found = [(one.source, read_texts(one.rows, column_names, source=one.source)) for one in sources]
    return tuple(
        TaskData(source, Rows(task, texts.table()), texts.names, notes=texts.notes)
        for source, texts in found
    )


def _holds_questions(table: Dataset) -> bool:
    """Whether the rows are questions with their contexts and answers."""
    return {"question", "context", "answers"} <= set(table.column_names)


def read_strings(table: Dataset, name: str, source: str) -> list[str]:
    """Return a column of texts; what is missing is "".

    Raises:
        DataError: A row holds something else.
    """
    values = table[name][:]
    for row, value in enumerate(values, start=1):
        if value is not None and not isinstance(value, str):
            raise DataError(
                f"row {row}: column {name!r} holds {value!r}, which is not a text",
                where=source,
                remedy="name the column of the texts with --text-column",
            )
    return [value or "" for value in values]


def read_words(table: Dataset, name: str, source: str) -> list[list[str]]:
    """Return a column of lists of words; a row that has none is [].

    Raises:
        DataError: A row holds something else.
    """
    values = [value or [] for value in table[name][:]]
    for row, words in enumerate(values, start=1):
        if not all(isinstance(word, str) for word in words):
            raise DataError(
                f"row {row}: column {name!r} holds {words!r}, which is no list of words",
                where=source,
                remedy="name the column of the words with --text-column",
            )
    return values


def _without_blank(
    names: tuple[str, ...], columns: tuple[list[str], ...], source: str, *, labelled: bool
) -> Texts:
    """Leave out the rows of which every text is blank, and note how many."""
    rows = len(columns[0])
    kept = [row for row in range(rows) if any(column[row].strip() for column in columns)]
    if not kept:
        raise DataError(
            f"all texts of column {' and '.join(map(repr, names))} are blank", where=source
        )
    blank = rows - len(kept)
    notes = (f"{counted(blank, 'blank text', 'blank texts')} left out",) if blank else ()
    chosen = tuple([column[row] for row in kept] for column in columns)
    return Texts(names, chosen, kept, labelled, notes)


def text_features(
    columns: Sequence[Sequence[str]],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    **options: Any,
) -> list[Feature]:
    """Tokenise texts, or pairs of texts as one sequence each, cut at `max_length` tokens."""
    encoded = tokenizer(
        *(list(column) for column in columns),
        truncation=True,
        max_length=max_length,
        return_attention_mask=True,
        **options,
    )
    return [
        Feature(row, {name: values[row] for name, values in encoded.items()})
        for row in range(len(columns[0]))
    ]


def labelled_features(
    table: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    labels: Sequence[Any] | None,
) -> list[Feature]:
    """Tokenise the texts of a table in the form of the task, each with its label as the target.

    Args:
        table: Rows in the form of the task.
        tokenizer: The model's tokenizer.
        max_length: Tokens at which texts are cut.
        labels: One a row; None: there are no targets.
    """
    features = text_features(columns_of(table), tokenizer, max_length)
    if labels is None:
        return features
    return [replace(feature, targets={"labels": labels[feature.row]}) for feature in features]


def columns_of(table: Dataset) -> list[list[str]]:
    """Return the texts of a table in the form of the task, one list or two."""
    return [table[name][:] for name in (_TEXT, _PAIR) if name in table.column_names]
