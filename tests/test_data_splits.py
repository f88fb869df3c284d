from __future__ import annotations

import random

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from bertslim.data.splits import Splits, only_report, split
from bertslim.data.task import Rows, TaskData
from bertslim.data.text_classification import TextClassification
from bertslim.errors import DataError


def data_of(
    texts: list[str],
    labels: list[int] | None = None,
    *,
    source: str = "data.csv",
    names: tuple[str, ...] = ("no", "yes"),
    notes: tuple[str, ...] = (),
) -> TaskData:
    columns: dict[str, list[str] | list[int]] = {"text": texts}
    if labels is not None:
        columns["label"] = labels
    return TaskData(
        source=source,
        rows=Rows(TextClassification(), Dataset.from_dict(columns)),
        text_columns=("sentence",),
        label_columns=("gold",) if labels is not None else (),
        label_names=names if labels is not None else (),
        notes=notes,
    )


def placed(splits: Splits) -> dict[str, set[str]]:
    return {
        name: set(getattr(splits, name).table["text"][:]) for name in ("fit", "select", "report")
    }


WORDS = [f"text number {number}" for number in range(2000)]


def test_the_shares_are_80_10_10() -> None:
    splits = split(data_of(WORDS))
    assert len(splits.fit) + len(splits.select) + len(splits.report) == 2000
    assert len(splits.fit) == pytest.approx(1600, abs=60)
    assert len(splits.select) == pytest.approx(200, abs=45)
    assert len(splits.report) == pytest.approx(200, abs=45)
    assert splits.notes == ()


def test_where_a_text_goes_never_changes_between_versions() -> None:
    splits = split(data_of(WORDS[:60]))
    assert [WORDS.index(text) for text in splits.report.table["text"]] == [1, 22, 43, 49, 52, 59]
    assert [WORDS.index(text) for text in splits.select.table["text"]] == [10, 33, 37, 55]


@settings(max_examples=40, deadline=None)
@given(extra=st.lists(st.text(min_size=1, max_size=8), max_size=30), seed=st.integers(0, 2**32))
def test_splits_are_disjoint_complete_and_stable(extra: list[str], seed: int) -> None:
    texts = [*WORDS[:200], *extra, *extra[:5]]
    shuffled = texts[:]
    random.Random(seed).shuffle(shuffled)

    before, after = placed(split(data_of(texts))), placed(split(data_of(shuffled)))
    fewer = placed(split(data_of(WORDS[:200])))

    assert before == after
    assert before["fit"] | before["select"] | before["report"] == set(texts)
    assert not before["fit"] & before["select"]
    assert not before["report"] & (before["fit"] | before["select"])
    assert all(fewer[name] <= before[name] for name in before)


def test_rows_keep_their_labels_and_repetitions() -> None:
    texts = WORDS[:100] * 2
    splits = split(data_of(texts, [int(text[-1]) % 2 for text in texts]))
    parts = (splits.fit, splits.select, splits.report)
    assert sum(len(part) for part in parts) == 200
    for part in parts:
        assert part.table["label"][:] == [int(text[-1]) % 2 for text in part.table["text"][:]]


def test_texts_that_differ_in_case_or_white_space_stay_together() -> None:
    alike = [f(text) for text in WORDS[:100] for f in (str.upper, str.title, "  {}\n".format)]
    splits = placed(split(data_of([*WORDS[:100], *alike])))
    for texts in splits.values():
        assert len(texts) == 4 * len({" ".join(text.split()).lower() for text in texts})


def test_the_record_tells_sources_sizes_and_hashes() -> None:
    labels = [number % 2 for number in range(2000)]
    splits = split(data_of(WORDS, labels))
    record = splits.record
    assert (record.source, record.task, record.text_columns, record.label_columns) == (
        "data.csv",
        "text-classification",
        ("sentence",),
        ("gold",),
    )
    assert record.labels == ("no", "yes")
    assert record.sha256 == data_of(WORDS, labels).rows.sha256
    assert [row.name for row in record.splits] == ["fit", "select", "report"]
    assert [row.rows for row in record.splits] == [
        len(splits.fit),
        len(splits.select),
        len(splits.report),
    ]
    assert record.splits[0].sha256 == splits.fit.sha256
    assert len({row.sha256 for row in record.splits}) == 3


def test_evaluation_data_are_the_report_and_nothing_else() -> None:
    evaluation = data_of([*WORDS[:150], " TEXT number 150"], source="dev.csv", notes=("a note",))
    splits = split(data_of(WORDS, notes=("another",)), evaluation)
    where = placed(splits)
    assert splits.report.table["text"][:] == evaluation.rows.table["text"][:]
    assert where["fit"] | where["select"] == set(WORDS[151:])
    assert len(splits.select) == pytest.approx(185, abs=45)
    assert splits.notes == (
        "data.csv: another",
        "dev.csv: a note",
        "151 rows left out of fit and select: the evaluation data hold the same texts",
    )
    assert splits.record.source == "data.csv"
    assert splits.record.report_source == "dev.csv"
    assert splits.record.splits[2].sha256 == evaluation.rows.sha256


def test_unlabelled_texts_may_be_fit_beside_labelled_evaluation_data() -> None:
    splits = split(data_of(WORDS[200:]), data_of(WORDS[:200], [0, 1] * 100))
    assert "label" not in splits.fit.table.column_names
    assert splits.report.table["label"][:] == [0, 1] * 100
    assert (splits.record.label_columns, splits.record.labels) == (("gold",), ("no", "yes"))


def test_two_sources_must_number_their_labels_alike() -> None:
    evaluation = data_of(WORDS[:20], [0, 1] * 10, source="dev.csv", names=("yes", "no"))
    with pytest.raises(DataError) as caught:
        split(data_of(WORDS, [0, 1] * 1000), evaluation)
    assert str(caught.value) == "dev.csv: the labels are yes, no, those of data.csv are no, yes"


def test_too_few_texts() -> None:
    with pytest.raises(DataError) as caught:
        split(data_of(WORDS[:9]))
    assert str(caught.value) == (
        "data.csv: 9 texts cannot be split; 10 are the fewest, hundreds are better; "
        "give more texts, or a second file as --eval-data"
    )
    with pytest.raises(DataError) as caught:
        split(data_of(WORDS[:12]), data_of(WORDS[:11]))
    assert str(caught.value) == (
        "data.csv: 1 text not in the evaluation data cannot be split; 10 are the fewest, "
        "hundreds are better; give more texts"
    )


def test_a_split_that_nothing_fell_into() -> None:
    with pytest.raises(DataError) as caught:
        split(data_of(["one and the same"] * 12))
    assert str(caught.value) == (
        "data.csv: of 12 texts none fell into the split select or report; "
        "give more texts, or a second file as --eval-data"
    )


def test_a_small_report_is_noted() -> None:
    splits = split(data_of(WORDS[:300]))
    assert splits.notes == (
        f"only {len(splits.report)} texts to report on: small differences may be due to chance",
    )


def test_rows_that_are_all_held_out_are_all_reported_on() -> None:
    splits = only_report(data_of(WORDS[:5], [0, 1, 0, 1, 0], notes=("1 row left out",)))

    assert placed(splits) == {"fit": set(), "select": set(), "report": set(WORDS[:5])}
    assert {one.name: one.rows for one in splits.record.splits} == {
        "fit": 0, "select": 0, "report": 5,
    }  # fmt: skip
    assert splits.record.source == "data.csv"
    assert splits.notes[0] == "data.csv: 1 row left out"
    assert "only 5 texts to report on" in splits.notes[1]
