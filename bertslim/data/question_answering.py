"""Extractive question answering: the span of a context that answers a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bertslim.data.columns import find_label_columns
from bertslim.data.label_summaries import count_labels
from bertslim.data.metrics import Score, exact_match, f1_of_words, mean_score
from bertslim.data.question_windows import Window, question_features
from bertslim.data.table_texts import read_strings
from bertslim.data.task import LABEL, Answers, ColumnNames, Feature, HeadFacts, Rows, Task, TaskData
from bertslim.errors import DataError
from bertslim.wording import counted

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.source_table import SourceTable
    from bertslim.data.task import Batch
    from bertslim.records import LabelSummary

QUESTION, CONTEXT, ANSWERS = "question", "context", "answers"
_LONGEST_ANSWER = 30  # tokens
_REMEDY = "correct the data"
_NONE = "none"
_ALL_ANSWERED = 'every question has an answer, "none" is none'
_SOME_UNANSWERED = 'some questions have no answer, "none" is one'


@dataclass(frozen=True)
class AnswerSpan:
    """The best answer in one window of a context.

    Attributes:
        text: The answer.
        score: The sum of its logits.
        none: The same of the answer that there is none.
    """

    text: str
    score: float
    none: float


@dataclass(frozen=True)
class QuestionAnswering(Task):
    """Questions with the contexts that answer them; long contexts are read window by window.

    Attributes:
        may_be_none: Whether "none" is an answer: not where every question of the run has one, as in
            SQuAD 1.1.
    """

    may_be_none: bool = True

    name: ClassVar[str] = "question-answering"
    trainable: ClassVar[bool] = True
    head: ClassVar[str] = "QuestionAnswering"
    outputs: ClassVar[int] = 2
    key_columns: ClassVar[tuple[str, ...]] = (CONTEXT,)

    @classmethod
    def accepts(cls, head: HeadFacts) -> bool:
        """A head that puts out where an answer starts and ends, or none yet."""
        return head.kind in (cls.head, None)

    @classmethod
    def suits(cls, tables: Sequence[Dataset], column_names: ColumnNames, head: HeadFacts) -> bool:
        """Whether there are questions and contexts; without a head to go by, answers too."""
        names = column_names.texts or (QUESTION, CONTEXT)
        if len(names) != 2 or any(not set(names) <= set(table.column_names) for table in tables):
            return False
        answers = (column_names.labels or (ANSWERS,))[0]
        return head.kind is not None or all(_holds_answers(table, answers) for table in tables)

    @classmethod
    def read(
        cls, sources: Sequence[SourceTable], column_names: ColumnNames, head: HeadFacts
    ) -> tuple[TaskData, ...]:
        """Read questions and contexts with their answers, if there are any."""
        found = [_read(cls(), one.rows, column_names, one.source) for one in sources]
        labelled = [one.rows.table[LABEL][:] for one in found if one.rows.labelled]
        if not labelled:
            return tuple(found)
        task = cls(any(not label["text"] for labels in labelled for label in labels))
        rule = _SOME_UNANSWERED if task.may_be_none else _ALL_ANSWERED
        return tuple(
            replace(
                one,
                rows=Rows(task, one.rows.table),
                label_rule=rule if one.rows.labelled else None,
            )
            for one in found
        )

    def features(
        self, table: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, label: bool
    ) -> list[Feature]:
        """Tokenise questions with windows of their contexts; the targets are start and end."""
        answers = [_first(label) for label in table[LABEL][:]] if label else None
        columns = table[QUESTION][:], table[CONTEXT][:]
        return question_features(*columns, tokenizer, max_length, answers=answers)

    def answers(self, outputs: Any, batch: Batch) -> list[Any]:
        """Read the best span of each window, and the score of there being none."""
        starts, ends = outputs.start_logits.double().cpu(), outputs.end_logits.double().cpu()
        return [
            _best_span(start, end, window)
            for start, end, window in zip(starts, ends, batch.details, strict=True)
        ]

    def score(self, table: Dataset, answers: Answers) -> tuple[Score, ...]:
        """Score F1 of words and exact match, both as SQuAD does, each over the questions."""
        truth = [label["text"] for label in table[LABEL][:]]
        pairs = list(zip(truth, self._given(answers), strict=True))
        return (
            mean_score("f1", np.array([f1_of_words(*pair) for pair in pairs])),
            mean_score("exact_match", np.array([exact_match(*pair) for pair in pairs])),
        )

    def summarise_labels(self, table: Dataset) -> LabelSummary:
        """Count the questions with an answer, and those without."""
        answered = sum(bool(label["text"]) for label in table[LABEL][:])
        counts = ("answered", answered), ("without an answer", len(table) - answered)
        return count_labels(counts, of=len(table))

    def describe_answers(self, table: Dataset, answers: Answers) -> list[str] | None:
        """Quote the answer to each question."""
        return [text or _NONE for text in self._given(answers)]

    def describe_labels(self, table: Dataset) -> list[str]:
        """Quote the first answer to each question."""
        return [next(iter(label["text"]), _NONE) for label in table[LABEL][:]]

    def _given(self, answers: Answers) -> list[str]:
        """Choose among the windows of each question; "" for none."""
        return [_chosen(windows, may_be_none=self.may_be_none) for windows in answers]


def _read(
    task: QuestionAnswering, table: Dataset, column_names: ColumnNames, source: str
) -> TaskData:
    names = column_names.texts or (QUESTION, CONTEXT)
    missing = [name for name in names if name not in table.column_names]
    if missing or len(names) != 2:
        raise DataError(
            "no columns of questions and contexts",
            where=source,
            remedy="give SQuAD JSON, or name both with --text-column question,context",
        )
    questions, contexts = (read_strings(table, name, source) for name in names)
    kept = [row for row, text in enumerate(contexts) if text.strip()]
    if not kept:
        raise DataError(f"all texts of column {names[1]!r} are blank", where=source)
    labels = find_label_columns(table, column_names.labels, names, where=source, usual=(ANSWERS,))
    if len(labels) > 1:
        raise DataError("answers stand in one column", where="--label-column", remedy="name one")
    answers = _answers(table[labels[0]][:], kept, contexts, source) if labels else None
    blank = len(contexts) - len(kept)
    notes = (f"{counted(blank, 'blank context', 'blank contexts')} left out",) if blank else ()
    chosen = [questions[row] for row in kept], [contexts[row] for row in kept]
    return TaskData(source, Rows(task, _table(*chosen, answers)), names, labels, notes=notes)


def _holds_answers(table: Dataset, name: str) -> bool:
    """Whether a column is of the form {"text": [...], …}, or a list of {"text": …, …}."""
    kind = table.features.get(name)
    return isinstance(getattr(kind, "feature", kind), dict)


def _answers(
    values: Sequence[Any], kept: Sequence[int], contexts: Sequence[str], source: str
) -> list[dict[str, Any]]:
    """Return {"text": [...], "start": [...]} of each row; empty lists where there is no answer."""
    answers = []
    for row in kept:
        texts, starts = _read_answer(values[row], row + 1, source)
        for text, start in zip(texts, starts, strict=True):
            if contexts[row][start : start + len(text)] != text:
                raise DataError(
                    f"row {row + 1}: the answer {text!r} does not stand at character {start} of "
                    "the context",
                    where=source,
                    remedy=_REMEDY,
                )
        answers.append({"text": texts, "start": starts})
    return answers


def _read_answer(value: Any, row: int, source: str) -> tuple[list[str], list[int]]:
    """Read {"text": [...], "answer_start": [...]}, or a list of {"text": …, "answer_start": …}."""
    if isinstance(value, list):
        each = [answer if isinstance(answer, dict) else {} for answer in value]
        value = {key: [answer.get(key) for answer in each] for key in ("text", "answer_start")}
    parts = value if isinstance(value, dict) else {}
    texts, starts = parts.get("text"), parts.get("answer_start")
    if (
        not isinstance(texts, list)
        or not isinstance(starts, list)
        or len(texts) != len(starts)
        or not all(isinstance(text, str) and text for text in texts)
        or not all(isinstance(start, int) and start >= 0 for start in starts)
    ):
        raise DataError(
            f"row {row}: the answers are not of the form text and answer_start",
            where=source,
            remedy=_REMEDY,
        )
    return texts, starts


def _table(
    questions: list[str], contexts: list[str], answers: list[dict[str, Any]] | None
) -> Dataset:
    from datasets import Dataset, Features, List, Value

    columns: dict[str, Any] = {QUESTION: questions, CONTEXT: contexts}
    features: dict[str, Any] = {QUESTION: Value("string"), CONTEXT: Value("string")}
    if answers is not None:
        columns[LABEL] = answers
        features[LABEL] = {"text": List(Value("string")), "start": List(Value("int64"))}
    return Dataset.from_dict(columns, features=Features(features))


def _first(answer: dict[str, Any]) -> tuple[int, int] | None:
    """Return the characters from and to of the first answer."""
    if not answer["text"]:
        return None
    return answer["start"][0], answer["start"][0] + len(answer["text"][0])


def _best_span(start: Tensor, end: Tensor, window: Window) -> AnswerSpan:
    """Choose the span of the context, at most 30 tokens long, whose two logits sum to the most."""
    import torch

    first, last = window.tokens
    none = float(start[window.none] + end[window.none])
    if first == last:
        return AnswerSpan("", -float("inf"), none)
    sums = start[first:last, None] + end[None, first:last]
    allowed = torch.ones_like(sums, dtype=torch.bool).triu().tril(_LONGEST_ANSWER - 1)
    best = int(sums.masked_fill(~allowed, -float("inf")).argmax())
    from_token, to_token = divmod(best, last - first)
    text = window.context[window.offsets[from_token][0] : window.offsets[to_token][1]]
    return AnswerSpan(text, float(sums[from_token, to_token]), none)


def _chosen(windows: Sequence[AnswerSpan], *, may_be_none: bool) -> str:
    best = max(windows, key=lambda span: span.score)
    none = min(span.none for span in windows)
    return "" if may_be_none and none > best.score else best.text
