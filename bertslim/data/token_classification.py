"""Token classification: a label a word, as for named entities and parts of speech."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bertslim.data.class_counts import ClassCounts, count_classes
from bertslim.data.class_labels import ClassRule, settle_labels
from bertslim.data.columns import find_word_column
from bertslim.data.label_summaries import count_labels
from bertslim.data.metrics import Score, ratio_score
from bertslim.data.sentences import Sentences, find_sentences, is_ignored
from bertslim.data.span_metrics import count_span_types, span_scores, spans_of
from bertslim.data.table_texts import text_features
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
from bertslim.errors import ModelError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.source_table import SourceTable
    from bertslim.data.task import Batch
    from bertslim.records import LabelSummary

_WORDS = "tokens"
_SPAN_TAG = re.compile(r"O|[BIES](-.+)?|[LU]-.+")
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
    def suits(cls, tables: Sequence[Dataset], column_names: ColumnNames, head: HeadFacts) -> bool:
        """Whether there is a column of lists of words."""
        return all(find_word_column(table, column_names.texts) is not None for table in tables)

    @classmethod
    def read(
        cls, sources: Sequence[SourceTable], column_names: ColumnNames, head: HeadFacts
    ) -> tuple[TaskData, ...]:
        """Read sentences, words with their tags if there are any; empty ones are left out."""
        found = [find_sentences(source, column_names) for source in sources]
        tagged = [one.flat for one in found if one.tag_columns]
        names = head.labels
        rule = (
            settle_labels(tagged, model_names=names, labels_as=column_names.labels_as)
            if tagged
            else None
        )
        declared = next((tags.class_names for tags in tagged if tags.class_names), None)
        shown = _shown(rule.names, declared) if rule else tuple(names or ())
        return tuple(_read(one, cls(shown), rule) for one in found)

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

        Words that were cut off, have no token or are marked as ignored are no part of either.
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

    def summarise_labels(self, table: Dataset) -> LabelSummary:
        """Count the spans of each type, or where tags name no spans the words of each tag."""
        sentences = [[one for one in ids if one != IGNORED] for ids in table[LABEL][:]]
        if self._has_span_tags:
            spans = Counter(span.type for ids in sentences for span in spans_of(self._names(ids)))
            return count_labels(spans.items(), of=0)
        words = Counter(tag for ids in sentences for tag in self._names(ids))
        return count_labels(words.items(), of=words.total())

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
        tags = [self.tags[number] if number not in (_UNSEEN, IGNORED) else "O" for number in ids]
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
    """Return labels and predictions, (words,) each, of the words of each row that count."""
    pairs = []
    for tags, (predicted,) in zip(table[LABEL][:], answers, strict=True):
        true = np.asarray(tags, dtype=np.int64)
        seen = (predicted != _UNSEEN) & (true != IGNORED)
        pairs.append((true[seen], predicted[seen]))
    return pairs


def _read(found: Sentences, task: TokenClassification, rule: ClassRule | None) -> TaskData:
    if not found.tag_columns or rule is None:
        rows = Rows(task, _table(found.words))
        return TaskData(found.source, rows, (found.word_column,), notes=found.notes)
    ids = iter(rule.read(found.flat))
    tags = [[IGNORED if is_ignored(tag) else next(ids) for tag in own] for own in found.tags]
    return TaskData(
        found.source,
        Rows(task, _table(found.words, tags)),
        (found.word_column,),
        found.tag_columns,
        label_names=rule.names,
        label_rule=rule.account,
        labels_as=rule.labels_as,
        notes=(*found.notes, *rule.notes),
    )


def _shown(names: tuple[str, ...], own: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names that mark spans: the data's where the model's are LABEL_0, LABEL_1 …"""
    generic = all(_GENERIC.fullmatch(name) for name in names)
    return tuple(own) if generic and own and len(own) == len(names) else names


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
