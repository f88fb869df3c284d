"""Token classification: a label a word, as for named entities and parts of speech."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bertslim.data.class_counts import ClassCounts, count_classes
from bertslim.data.columns import class_names, find_tag_column, find_word_column
from bertslim.data.labels import REMEDY, Labels, read_labels
from bertslim.data.metrics import Score, ratio_score
from bertslim.data.span_metrics import count_span_types, span_scores, spans_of
from bertslim.data.table_texts import read_words, text_features
from bertslim.data.task import (
    IGNORED,
    LABEL,
    Answers,
    ColumnNames,
    Feature,
    HeadFacts,
    Rows,
    Task,
    TaskData,
)
from bertslim.errors import DataError, ModelError
from bertslim.wording import counted

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.task import Batch

_WORDS = "tokens"
_SPAN_TAG = re.compile(r"O|[BIES](-.+)?")
_GENERIC = re.compile(r"LABEL_\d+")
_UNSEEN = -1


@dataclass(frozen=True)
class TokenClassification(Task):
    """Words with a label each, which stands on the first token of its word.

    Attributes:
        tags: The names of the labels in the order of their ids.
    """

    tags: tuple[str, ...] = field(default=())

    name: ClassVar[str] = "token-classification"
    trainable: ClassVar[bool] = True
    head: ClassVar[str] = "TokenClassification"
    key_columns: ClassVar[tuple[str, ...]] = (_WORDS,)

    @classmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """A head with an output a class for each token, or none yet."""
        return head.kind in (cls.head, None)

    @classmethod
    def suits(cls, table: Dataset, column_names: ColumnNames, head: HeadFacts) -> bool:
        """Whether there is a column of lists of words."""
        return find_word_column(table, column_names.texts) is not None

    @classmethod
    def read(
        cls, table: Dataset, column_names: ColumnNames, head: HeadFacts, *, source: str
    ) -> TaskData:
        """Read sentences, words with their tags if there are any; empty ones are left out."""
        column = find_word_column(table, column_names.texts)
        if column is None:
            raise DataError(
                "no column holds lists of words",
                where=source,
                remedy="give a .conll file, or JSON with tokens and ner_tags, or name the column "
                "with --text-column",
            )
        sentences = read_words(table, column, source)
        kept = [row for row, words in enumerate(sentences) if words]
        if not kept:
            raise DataError(f"all rows of column {column!r} are empty", where=source)
        tag_columns = find_tag_column(table, column_names.labels, column, where=source)
        if len(tag_columns) > 1:
            raise DataError("a word has one tag", where="--label-column", remedy="name one column")
        words = [sentences[row] for row in kept]
        empty = len(sentences) - len(kept)
        notes = (f"{counted(empty, 'empty row', 'empty rows')} left out",) if empty else ()
        if not tag_columns:
            unlabelled = Rows(cls(tuple(head.labels or ())), _table(words))
            return TaskData(source, unlabelled, (column,), notes=notes)
        tags, labels = _tags(table, tag_columns[0], kept, words, head.labels, source)
        return TaskData(
            source,
            Rows(cls(_shown(labels, class_names(table, tag_columns[0]))), _table(words, tags)),
            (column,),
            tag_columns,
            labels.names,
            (*notes, *labels.notes),
        )

    def features(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
    ) -> list[Feature]:
        """Tokenise the sentences; the detail is the number of words and the first token of each."""
        if not tokenizer.is_fast:
            raise ModelError(
                "the tokenizer does not give the word of each token",
                where=tokenizer.name_or_path,
                remedy="give the model a fast tokenizer (tokenizer.json)",
            )
        sentences = table[_WORDS][:]
        encoded = text_features(
            [[" ".join(words) for words in sentences]],
            tokenizer,
            max_length,
            return_offsets_mapping=True,
        )
        labels = table[LABEL][:] if label else None
        features = []
        for feature, words in zip(encoded, sentences, strict=True):
            offsets: Any = feature.inputs.pop("offset_mapping")
            first = _first_tokens(words, offsets)
            targets = {}
            if labels is not None:
                targets["labels"] = _on_first_tokens(labels[feature.row], first, len(offsets))
            features.append(Feature(feature.row, feature.inputs, targets, (len(words), first)))
        return features

    def answers(self, outputs: Any, batch: Batch) -> list[Any]:
        """Read the class of each word; -1 where it was cut off or has no token."""
        chosen = outputs.logits.argmax(dim=-1).cpu().numpy()
        answers = []
        for line, (words, first) in zip(chosen, batch.details, strict=True):
            classes = np.full(words, _UNSEEN)
            classes[list(first)] = line[list(first.values())]
            answers.append(classes)
        return answers

    def score(self, table: Dataset, answers: Answers) -> tuple[Score, ...]:
        """Score spans as seqeval does, where the tags name them, and the share of right words.

        Words that were cut off or have no token are no part of either.
        """
        pairs = _seen(table, answers)
        right = np.array([(true == predicted).sum() for true, predicted in pairs])
        words = np.array([len(true) for true, _ in pairs])
        share = ratio_score("token_accuracy", right, words)
        if not self._has_span_tags:
            return (share,)
        return (*span_scores(*self._sides(pairs)), share)

    def count_classes(self, table: Dataset, answers: Answers) -> ClassCounts | None:
        """Count the spans of each type, or where tags name no spans the words of each tag."""
        pairs = _seen(table, answers)
        if self._has_span_tags:
            types = sorted({tag[2:] for tag in self.tags if len(tag) > 2})
            return count_span_types(*self._sides(pairs), types)
        sentences = (count_classes(self.tags, *pair).counts.sum(axis=0) for pair in pairs)
        return ClassCounts(self.tags, np.stack(list(sentences)))

    def describe_answers(self, table: Dataset, answers: Answers) -> list[str] | None:
        """Name the spans of each sentence with their types, or its words with their tags."""
        if not self.tags:
            return None
        pairs = zip(table[_WORDS][:], answers, strict=True)
        return [self._named(words, ids) for words, (ids,) in pairs]

    def describe_labels(self, table: Dataset) -> list[str]:
        """Name the spans of each sentence with their types, or its words with their tags."""
        pairs = zip(table[_WORDS][:], table[LABEL][:], strict=True)
        return [self._named(words, ids) for words, ids in pairs]

    def _named(self, words: Sequence[str], ids: Iterable[int]) -> str:
        tags = [self.tags[number] if number != _UNSEEN else "O" for number in ids]
        if not self._has_span_tags:
            return " ".join(f"{word}/{tag}" for word, tag in zip(words, tags, strict=True))
        spans = sorted(spans_of(tags), key=lambda span: span.first)
        shown = (f"{' '.join(words[span.first : span.last + 1])} ({span.type})" for span in spans)
        return ", ".join(shown) or "none"

    @property
    def _has_span_tags(self) -> bool:
        return all(_SPAN_TAG.fullmatch(tag) for tag in self.tags)

    def _sides(self, pairs: Iterable[tuple[Any, Any]]) -> tuple[list[list[str]], list[list[str]]]:
        """Return the names of the tags that are true, and of those that were predicted."""
        true, predicted = zip(*pairs, strict=True)
        return [self._names(ids) for ids in true], [self._names(ids) for ids in predicted]

    def _names(self, ids: Iterable[int]) -> list[str]:
        return [self.tags[number] for number in ids]


def _seen(table: Dataset, answers: Answers) -> list[tuple[Any, Any]]:
    """Return labels and predictions, (words,) each, of the words of each row that have a token."""
    pairs = []
    for tags, (predicted,) in zip(table[LABEL][:], answers, strict=True):
        seen = predicted != _UNSEEN
        pairs.append((np.asarray(tags)[seen], predicted[seen]))
    return pairs


def _tags(
    table: Dataset,
    column: str,
    kept: Sequence[int],
    sentences: Sequence[Sequence[str]],
    model_names: Sequence[str] | None,
    source: str,
) -> tuple[list[list[int]], Labels]:
    """Return the ids of the tags of each sentence, and what is known of them all."""
    values = table[column][:]
    rows = [values[row] or [] for row in kept]
    for row, tags, words in zip(kept, rows, sentences, strict=True):
        if len(tags) != len(words):
            raise DataError(
                f"row {row + 1}: {counted(len(words), 'word', 'words')}, but "
                f"{counted(len(tags), 'tag', 'tags')}",
                where=source,
                remedy=REMEDY,
            )
    labels = read_labels(
        [tag for tags in rows for tag in tags],
        [row + 1 for row, tags in zip(kept, rows, strict=True) for _ in tags],
        class_names=class_names(table, column),
        model_names=model_names,
        where=source,
    )
    ids = iter(labels.ids)
    return [[next(ids) for _ in tags] for tags in rows], replace(labels, ids=())


def _shown(labels: Labels, own: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names that mark spans: the data's where the model's are LABEL_0, LABEL_1 …"""
    generic = all(_GENERIC.fullmatch(name) for name in labels.names)
    return tuple(own) if generic and own and len(own) == len(labels.names) else labels.names


def _table(words: Sequence[Sequence[str]], tags: Sequence[Sequence[int]] | None = None) -> Dataset:
    from datasets import Dataset, Features, List, Value

    columns: dict[str, Any] = {_WORDS: words}
    features = {_WORDS: List(Value("string"))}
    if tags is not None:
        columns[LABEL], features[LABEL] = tags, List(Value("int64"))
    return Dataset.from_dict(columns, features=Features(features))


def _first_tokens(words: Sequence[str], offsets: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Return the place of the first token of each word that has one.

    Args:
        words: As they stand in the text, a blank between them. So they go through the tokenizer as
            any text does; byte-level ones take split words only if they were made for them.
        offsets: The characters from and to of each token in the text; (0, 0) for special ones.
    """
    first: dict[int, int] = {}
    place, start = 0, 0
    for number, word in enumerate(words):
        end = start + len(word)
        while place < len(offsets) and offsets[place][1] <= start:
            place += 1
        if place < len(offsets) and offsets[place][0] < end:
            first[number] = place
        start = end + 1
    return first


def _on_first_tokens(tags: Sequence[int], first: dict[int, int], length: int) -> list[int]:
    labels = [IGNORED] * length
    for word, place in first.items():
        labels[place] = tags[word]
    return labels
