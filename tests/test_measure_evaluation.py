"""Every task from a file to figures: two tiny models compared on what the file holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_splits
from bertslim.data.task import Rows
from bertslim.measure.evaluation import Evaluation, evaluate
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from support.task_files import (
    CLASSES,
    PAIRS,
    QUESTIONS,
    ROWS,
    SEVERAL,
    TAGGED,
    TEXTS,
)

MULTI = {"problem_type": "multi_label_classification"}
ENGLISH = {"num_labels": 3, "id2label": {0: "B-X", 1: "I-X", 2: "O"}}


@pytest.fixture
def measure(make_checkpoint, cut, tmp_path: Path) -> Callable[..., Evaluation]:
    """Return a function that measures a tiny model against the one cut from it."""

    def run(
        head: str, name: str, content: str, *,
        model_type="bert", task=None, show_texts=False, **changes: Any,
    ):  # fmt: skip
        (tmp_path / name).write_text(content, encoding="utf-8")
        directory = make_checkpoint(model_type, head, tokenizer=True, **changes)
        base, slim = (load_checkpoint(path) for path in (directory, cut(directory, "drop_odd")))
        splits = load_splits(
            DataOptions(str(tmp_path / name), task=task),
            describe_head(directory, base.config, base.facts),
            Progress(visible=False),
        )
        tokenizer = load_tokenizer(directory)
        progress = Progress(visible=False)
        return evaluate(
            base, slim.model, splits, tokenizer, seed=0, progress=progress, show_texts=show_texts
        )

    return run


LABELLED = [
    ("SequenceClassification", "a.tsv", CLASSES, {}, ["accuracy", "macro_f1", "mcc"], "kl"),
    ("SequenceClassification", "a.jsonl", SEVERAL, MULTI, ["micro_f1", "macro_f1", "subset_accuracy"], "kl"),
    ("SequenceClassification", "a.tsv", PAIRS, {"num_labels": 1}, ["spearman", "pearson"], "pearson"),
    ("TokenClassification", "a.conll", TAGGED, {}, ["token_accuracy"], "kl"),
    (
        "TokenClassification",
        "a.conll",
        TAGGED.replace("LABEL_0", "B-X").replace("LABEL_1", "I-X").replace("LABEL_2", "O"),
        ENGLISH,
        ["span_f1", "span_precision", "span_recall", "token_accuracy"],
        "kl",
    ),
    ("QuestionAnswering", "a.jsonl", QUESTIONS, {}, ["f1", "exact_match"], "kl"),
    ("MaskedLM", "a.txt", "\n".join(TEXTS), {}, ["masked_accuracy", "pseudo_perplexity"], "kl"),
    ("PreTraining", "a.txt", "\n".join(TEXTS), {}, ["masked_accuracy", "pseudo_perplexity"], "kl"),
    ("", "a.tsv", PAIRS, {}, ["spearman", "pearson"], "cosine"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "name", "content", "changes", "metrics", "fidelity"), LABELLED)
def test_labelled_rows_have_scores_and_fidelity(
    head: str,
    name: str,
    content: str,
    changes: dict[str, Any],
    metrics: list[str],
    fidelity: str,
    measure,
) -> None:
    found = measure(head, name, content, **changes)
    names = [one.name for one in found.measurements]
    assert [one for one in names if one.startswith("accuracy.")] == [
        f"accuracy.{metric}" for metric in metrics
    ]
    assert f"fidelity.{fidelity}" in names
    for one in found.measurements:
        assert one.context["split"] == "report"
        assert one.slim is not None
        if one.name.startswith("accuracy."):
            assert one.interval is not None
            assert one.interval.of == "difference"
            assert one.interval.low <= one.slim - one.base <= one.interval.high
    assert not any("accuracy was not measured" in note for note in found.notes)


@pytest.mark.parametrize(
    ("head", "changes", "fidelity"),
    [
        ("SequenceClassification", {}, {"kl", "agreement"}),
        ("SequenceClassification", {"num_labels": 1}, {"pearson"}),
        ("TokenClassification", {}, {"kl", "agreement"}),
        ("QuestionAnswering", {}, {"kl", "agreement"}),
        ("MultipleChoice", {}, {"kl", "agreement"}),
        ("NextSentencePrediction", {}, {"kl", "agreement"}),
        ("", {}, {"cosine"}),
    ],
)
@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", "\n".join(TEXTS)), ("a.conll", TAGGED.replace("\tLABEL_", "\tX-")), ("a.jsonl", QUESTIONS)],
)  # fmt: skip
def test_any_data_serve_for_fidelity(
    head: str, changes: dict[str, Any], fidelity: set[str], name: str, content: str, measure
) -> None:
    found = measure(head, name, content, task="plain-text", **changes)
    assert {one.name for one in found.measurements} == {f"fidelity.{one}" for one in fidelity}
    assert "accuracy was not measured: no labels that this model predicts" in found.notes


def test_a_head_that_tells_replaced_tokens_restores_none(measure) -> None:
    found = measure("PreTraining", "a.txt", "\n".join(TEXTS), model_type="electra")
    assert [one.name for one in found.measurements] == ["fidelity.kl", "fidelity.agreement"]


def test_unlabelled_data_may_be_fit_beside_labelled_evaluation_data(
    make_checkpoint, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("\n".join(f"{text} too" for text in TEXTS) + f"\n{TEXTS[0]}")
    (tmp_path / "b.conll").write_text(TAGGED)
    directory = make_checkpoint("bert", "TokenClassification", tokenizer=True)
    base = load_checkpoint(directory)
    splits = load_splits(
        DataOptions(str(tmp_path / "a.txt"), str(tmp_path / "b.conll")),
        describe_head(directory, base.config, base.facts),
        Progress(visible=False),
    )
    assert (splits.fit.task.name, splits.report.task.name) == ("plain-text", "token-classification")
    assert splits.record.task == "token-classification"
    assert len(splits.fit) + len(splits.select) == ROWS  # the last text is a sentence of the other
    assert splits.report.labelled


def test_what_the_data_were_taken_for_is_told_once(
    make_checkpoint, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tsv").write_text(PAIRS)
    directory = make_checkpoint("bert", "", tokenizer=True)
    base = load_checkpoint(directory)
    head = describe_head(directory, base.config, base.facts)
    load_splits(DataOptions(str(tmp_path / "a.tsv")), head, Progress())
    assert capfd.readouterr() == (
        "",
        "data: a.tsv, task feature-extraction, texts query + passage, labels score\n"
        "labels: numbers; report split scores 0 to 3, mean 1.278\n",
    )


# A slim model with a tokenizer of its own


@pytest.fixture
def measure_pruned(make_checkpoint, cut, prune_vocabulary, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that measures a cut model, as it is and with a pruned vocabulary.

    The data are read from the fit split, which has more rows.
    """

    def run(head: str, name: str, content: str, texts: list[str], **changes: Any):
        (tmp_path / name).write_text(content, encoding="utf-8")
        directory = make_checkpoint("bert", head, tokenizer=True, **changes)
        whole = cut(directory, "drop_odd")
        pruned = prune_vocabulary(whole, texts)
        base = load_checkpoint(directory)
        splits = load_splits(
            DataOptions(str(tmp_path / name)),
            describe_head(directory, base.config, base.facts),
            Progress(visible=False),
        )
        tokenizer = load_tokenizer(directory)

        def measure(slim: Path, rows: Rows, own: Any = None) -> Evaluation:
            return evaluate(
                base,
                load_checkpoint(slim).model,
                replace(splits, report=rows),
                tokenizer,
                slim_tokenizer=own,
                seed=0,
                progress=Progress(visible=False),
            )

        found = measure(pruned, splits.fit, load_tokenizer(pruned))
        alike = [
            row
            for row, text in enumerate(splits.fit.split_keys())
            if "film" not in text or any("film" in kept for kept in texts)
        ]
        rows = splits.fit, splits.fit.select(alike)
        return found, *(measure(whole, some) for some in rows), rows

    return run


def figures(quality: Evaluation, start: str) -> dict[str, Any]:
    """The figures of a kind. Ranks are left out: cosines that are all but equal settle them."""
    return {
        one.name: (one.context["n"], pytest.approx(one.slim, rel=1e-4, abs=1e-6))
        for one in quality.measurements
        if one.name.startswith(start) and one.name != "accuracy.spearman"
    }


@pytest.mark.parametrize(("head", "name", "content", "changes", "metrics", "fidelity"), LABELLED)
def test_a_vocabulary_that_has_all_tokens_of_the_data_changes_no_figure(
    head: str,
    name: str,
    content: str,
    changes: dict[str, Any],
    metrics: list[str],
    fidelity: str,
    measure_pruned,
) -> None:
    found, usual, _, _ = measure_pruned(head, name, content, TEXTS, **changes)
    assert found.notes == usual.notes
    assert {one.name for one in found.measurements} == {one.name for one in usual.measurements}
    if head not in ("MaskedLM", "PreTraining"):  # there the words to choose from are fewer
        for start in ("accuracy.", "fidelity."):
            assert figures(found, start) == figures(usual, start)


@pytest.mark.parametrize(("head", "name", "content", "changes", "metrics", "fidelity"), LABELLED)
def test_texts_that_are_read_as_other_tokens(
    head: str,
    name: str,
    content: str,
    changes: dict[str, Any],
    metrics: list[str],
    fidelity: str,
    measure_pruned,
) -> None:
    """Without `film`: what is said of tokens is compared on the rows that do not have it."""
    found, usual, on_alike, (all_rows, alike) = measure_pruned(
        head, name, content, ["good bad"], **changes
    )
    assert 0 < len(alike) < len(all_rows)
    note = (
        f"the slim model reads {len(all_rows) - len(alike)} of {len(all_rows)} rows as other tokens"
    )
    words = head in ("MaskedLM", "PreTraining")
    if head in ("TokenClassification", "QuestionAnswering"):
        note += f"; fidelity: measured on the other {len(alike)}"
        assert figures(found, "fidelity.") == figures(on_alike, "fidelity.")
    elif words:
        note += f"; fidelity and accuracy: measured on the other {len(alike)}"
    assert found.notes == (*usual.notes, note)
    per_token = head in ("TokenClassification", "QuestionAnswering") or words
    for one in found.measurements:
        scored = one.name.startswith(("accuracy.", "classes.")) and not words
        assert one.context["n"] == len(all_rows if scored or not per_token else alike)
    before = {one.name: one.base for one in (on_alike if words else usual).measurements}
    for one in found.measurements:
        if one.name.startswith("accuracy.") and one.name != "accuracy.spearman":
            assert one.base == pytest.approx(before[one.name], rel=1e-3)


@pytest.mark.parametrize("head", ["MaskedLM", "TokenClassification"])
def test_no_text_that_is_read_as_before(head: str, measure_pruned) -> None:
    name, content = "a.txt", "\n".join(f"film {text}" for text in TEXTS)
    if head == "TokenClassification":
        name, content = "a.conll", "film\tLABEL_1\n" + TAGGED.replace("\n\n", "\n\nfilm\tLABEL_1\n")
    found, _, _, (rows, _) = measure_pruned(head, name, content, ["good bad"])
    assert not any(one.name.startswith("fidelity.") for one in found.measurements)
    assert bool(found.measurements) is (head == "TokenClassification")
    scored = "" if head == "TokenClassification" else " and accuracy"
    assert found.notes[-1] == (
        f"the slim model reads {len(rows)} of {len(rows)} rows as other tokens; "
        f"fidelity{scored}: not measured"
    )


WITH_WORDS = [
    ("SequenceClassification", "a.tsv", CLASSES, {}),
    ("SequenceClassification", "a.txt", "\n".join(TEXTS), {}),
    ("SequenceClassification", "a.jsonl", SEVERAL, MULTI),
    ("SequenceClassification", "a.tsv", PAIRS, {"num_labels": 1}),
    ("TokenClassification", "a.conll", TAGGED, {}),
    ("QuestionAnswering", "a.jsonl", QUESTIONS, {}),
]


@pytest.mark.parametrize(("head", "name", "content", "changes"), WITH_WORDS)
def test_texts_are_told_where_they_are_asked_for(
    head: str, name: str, content: str, changes: dict[str, Any], measure
) -> None:
    assert measure(head, name, content, **changes).disagreements is None
    found = measure(head, name, content, show_texts=True, **changes)
    told = found.disagreements
    assert told is not None
    assert told.different <= told.rows == found.measurements[0].context["n"]
    assert len(told.shown) == told.different
    assert all(one.base != one.slim for one in told.shown)
    if name != "a.txt" and told.shown:
        assert told.shown[0].truth is not None
    assert measure(head, name, content, **changes).measurements == found.measurements


def test_embeddings_have_no_words(measure) -> None:
    found = measure("", "a.txt", "\n".join(TEXTS), show_texts=True)
    assert found.disagreements is None
    found = measure("", "a.tsv", PAIRS, show_texts=True)
    assert any("no texts are shown" in note for note in found.notes)
