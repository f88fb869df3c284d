"""Disjoint splits: fit feeds statistics and training, select chooses, report is only measured.

The hash of a text alone decides where it goes, so that rows may be reordered or added without one
moving, and the same text never stands in two splits. Of pairs it is the hash of both, of questions
that of the context.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from bertslim.data.task import Rows, TaskData
from bertslim.errors import DataError
from bertslim.records import DataRecord, LabelSummary, SplitRecord
from bertslim.wording import counted, listed

SplitName = Literal["fit", "select", "report"]

FEWEST_ROWS = 10
_FEW_TO_REPORT = 100
_SHARES: dict[SplitName, float] = {"fit": 0.8, "select": 0.1, "report": 0.1}
_SHARES_BESIDE_EVAL: dict[SplitName, float] = {"fit": 0.9, "select": 0.1}


@dataclass(frozen=True)
class Splits:
    """The three splits and their account.

    Attributes:
        fit: For statistics and training.
        select: For choosing a ridge, a checkpoint, a search point.
        report: For the figures that are reported, and nothing else.
        record: Sources, sizes and hashes.
        notes: What a reader of the result should know.
    """

    fit: Rows
    select: Rows
    report: Rows
    record: DataRecord
    notes: tuple[str, ...] = ()


def split(data: TaskData, eval_data: TaskData | None = None) -> Splits:
    """Split 80 / 10 / 10 by text hash, or 90 / 10 beside evaluation data, which are the report.

    Texts that differ in case or white space only count as the same. Those of the evaluation data
    are taken out of the others.

    Raises:
        DataError: There are too few rows, or the labels of the two sources differ.
    """
    if eval_data is None:
        parts, seen = _parts(data, _SHARES, frozenset()), 0
        report = data.rows.select(parts["report"])
    else:
        _check_same_labels(data, eval_data)
        held_out = frozenset(_key(text) for text in eval_data.rows.split_keys())
        parts = _parts(data, _SHARES_BESIDE_EVAL, held_out)
        seen = len(data.rows) - sum(len(part) for part in parts.values())
        report = eval_data.rows
    fit, select = data.rows.select(parts["fit"]), data.rows.select(parts["select"])
    splits: dict[SplitName, Rows] = {"fit": fit, "select": select, "report": report}
    _check_sizes(splits, data, eval_data, seen)
    record = _record(splits, data, eval_data)
    return Splits(
        fit=fit,
        select=select,
        report=report,
        record=record,
        notes=_notes(record, data, eval_data, seen),
    )


def only_report(data: TaskData) -> Splits:
    """Take all rows for the report, where nothing is fitted or chosen.

    Args:
        data: Rows that nothing was fitted or chosen on before.
    """
    none = data.rows.select([])
    splits: dict[SplitName, Rows] = {"fit": none, "select": none, "report": data.rows}
    record = _record(splits, data, None)
    return Splits(
        fit=none,
        select=none,
        report=data.rows,
        record=record,
        notes=_notes(record, data, None, seen=0),
    )


def _key(text: str) -> bytes:
    return hashlib.sha256(" ".join(text.split()).casefold().encode()).digest()


def _parts(
    data: TaskData, shares: dict[SplitName, float], held_out: frozenset[bytes]
) -> dict[SplitName, list[int]]:
    """Deal the row numbers out by hash, those of held-out texts to no split."""
    parts: dict[SplitName, list[int]] = {name: [] for name in shares}
    for row, text in enumerate(data.rows.split_keys()):
        key = _key(text)
        if key not in held_out:
            parts[_split_of(key, shares)].append(row)
    return parts


def _split_of(key: bytes, shares: dict[SplitName, float]) -> SplitName:
    place = int.from_bytes(key[:8], "big") / 2**64
    for name, share in shares.items():
        place -= share
        if place < 0:
            return name
    return name  # the shares' sum was rounded to less than 1


def _check_same_labels(data: TaskData, eval_data: TaskData) -> None:
    if data.label_names and eval_data.label_names and data.label_names != eval_data.label_names:
        raise DataError(
            f"the labels are {listed(eval_data.label_names)}, "
            f"those of {data.source} are {listed(data.label_names)}",
            where=eval_data.source,
        )


def _check_sizes(
    splits: dict[SplitName, Rows], data: TaskData, eval_data: TaskData | None, seen: int
) -> None:
    left = len(data.rows) - seen
    besides = " not in the evaluation data" if seen else ""
    what = f"{counted(left, 'text', 'texts')}{besides}"
    remedy = "give more texts" if eval_data else "give more texts, or a second file as --eval-data"
    if left < FEWEST_ROWS:
        raise DataError(
            f"{what} cannot be split; {FEWEST_ROWS} are the fewest, hundreds are better",
            where=data.source,
            remedy=remedy,
        )
    empty = [name for name, rows in splits.items() if len(rows) == 0]
    if empty:
        raise DataError(
            f"of {what} none fell into the split {' or '.join(empty)}",
            where=data.source,
            remedy=remedy,
        )


def _record(
    splits: dict[SplitName, Rows], data: TaskData, eval_data: TaskData | None
) -> DataRecord:
    report = eval_data or data
    return DataRecord(
        source=data.source,
        report_source=eval_data.source if eval_data else None,
        task=report.rows.task.name,
        text_columns=data.text_columns,
        label_columns=data.label_columns or report.label_columns,
        labels=data.label_names or report.label_names,
        label_rule=data.label_rule or report.label_rule,
        labels_as=data.labels_as or report.labels_as,
        reading=data.reading,
        report_reading=eval_data.reading if eval_data else (),
        sha256=data.rows.sha256,
        splits=tuple(
            SplitRecord(
                name=name, rows=len(rows), sha256=rows.sha256, labels=_summary_of_labels(rows)
            )
            for name, rows in splits.items()
        ),
    )


def _summary_of_labels(rows: Rows) -> LabelSummary | None:
    return rows.task.summarise_labels(rows.table) if rows.labelled and len(rows) else None


def _notes(
    record: DataRecord, data: TaskData, eval_data: TaskData | None, seen: int
) -> tuple[str, ...]:
    (report,) = (split for split in record.splits if split.name == "report")
    notes = [f"{data.source}: {note}" for note in data.notes]
    if eval_data is not None:
        notes += [f"{eval_data.source}: {note}" for note in eval_data.notes]
    if seen:
        rows = counted(seen, "row", "rows")
        notes.append(f"{rows} left out of fit and select: the evaluation data hold the same texts")
    scores = report.labels.scores if report.labels else None
    if scores is not None and scores.low == scores.high:
        notes.append(
            f"every score reported on is {scores.low:g}: a correlation with them is not defined, "
            "and none is given"
        )
    if report.rows < _FEW_TO_REPORT:
        texts = counted(report.rows, "text", "texts")
        notes.append(f"only {texts} to report on: small differences may be due to chance")
    return tuple(notes)
