"""Public forms of data, held to a second implementation of their scores.

Each form is written from the same fixed rows as public data sets have it. What bertslim records of
the base is what scikit-learn, seqeval, scipy or SQuAD's own rules make of the answers of the model,
run text by text by transformers alone. Right answers are those of the model where the number of the
row allows it, so that a label that is read as another one always changes the score.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from support.reference_models import ROWS, TEXTS, Reference, ReferenceModels

OTHERS = [TEXTS[(n * 5 + 3) % ROWS] for n in range(ROWS)]
CLASSES = ["contradiction", "entailment", "neutral"]
TOXIC = ["toxic", "insult", "threat"]


@pytest.fixture(scope="module")
def reference(
    make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> ReferenceModels:
    return ReferenceModels(make_checkpoint, tmp_path_factory.mktemp("references"))


def delimited(columns: dict[str, Sequence[Any]], separator: str, **style: Any) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator="\n", **style)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return file.getvalue()


def bare(columns: dict[str, Sequence[Any]]) -> str:
    """Write tab-separated columns as GLUE does, where quotes mean nothing."""
    rows = [columns, *zip(*columns.values(), strict=True)]
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def objects(columns: dict[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


# One label a text or pair

NUMBERS = range(ROWS)
SINGLE: dict[str, tuple[str, Callable[..., str], dict[str, Any], bool]] = {
    # file name, content from ids and names of the labels, options, whether the rows are pairs
    "SST-2": ("a.tsv", lambda ids, names: bare({"sentence": TEXTS, "label": ids}), {}, False),
    "MRPC": (
        "a.tsv",
        lambda ids, names: bare(
            {
                "Quality": ids,
                "#1 ID": NUMBERS,
                "#2 ID": NUMBERS,
                "#1 String": TEXTS,
                "#2 String": OTHERS,
            }
        ),
        {"text_columns": ("#1 String", "#2 String"), "label_columns": ("Quality",)},
        True,
    ),
    "QQP": (
        "a.tsv",
        lambda ids, names: bare(
            {
                "id": NUMBERS,
                "qid1": NUMBERS,
                "qid2": NUMBERS,
                "question1": TEXTS,
                "question2": OTHERS,
                "is_duplicate": ids,
            }
        ),
        {"label_columns": ("is_duplicate",)},
        True,
    ),
    "QNLI": (
        "a.tsv",
        lambda ids, names: bare(
            {"index": NUMBERS, "question": TEXTS, "sentence": OTHERS, "label": names}
        ),
        {},
        True,
    ),
    "CSV of commas": (
        "a.csv",
        lambda ids, names: delimited({"text": TEXTS, "label": names}, ","),
        {},
        False,
    ),
    "CSV of semicolons": (
        "a.csv",
        lambda ids, names: delimited({"text": TEXTS, "label": ids}, ";"),
        {},
        False,
    ),
    "CSV of tabs": (
        "a.csv",
        lambda ids, names: delimited({"label": names, "text": TEXTS}, "\t"),
        {},
        False,
    ),
    "JSON list": (
        "a.json",
        lambda ids, names: json.dumps(objects({"text": TEXTS, "label": ids})),
        {},
        False,
    ),
    "JSON lines": (
        "a.jsonl",
        lambda ids, names: "\n".join(map(json.dumps, objects({"text": TEXTS, "label": names}))),
        {},
        False,
    ),
    "JSON under a key": (
        "a.json",
        lambda ids, names: json.dumps({"data": objects({"text": TEXTS, "label": ids})}, indent=1),
        {},
        False,
    ),
    "JSON by columns": (
        "a.json",
        lambda ids, names: json.dumps({"premise": TEXTS, "hypothesis": OTHERS, "label": names}),
        {},
        True,
    ),
}


@pytest.mark.parametrize("form", SINGLE)
def test_one_label_a_text(form: str, reference: ReferenceModels, tmp_path: Path) -> None:
    name, content, options, paired = SINGLE[form]
    model = reference("SequenceClassification", CLASSES)
    rows = zip(TEXTS, OTHERS, strict=True) if paired else zip(TEXTS)
    answers = [int(model(*row)[1].logits.argmax()) for row in rows]
    truth = [answer if n % 3 else (answer + 1 + n % 2) % 3 for n, answer in enumerate(answers)]
    truth[:3] = [0, 1, 2]

    (tmp_path / name).write_text(content(truth, [CLASSES[label] for label in truth]))

    assert model.recorded(tmp_path / name, **options) == pytest.approx(
        {
            "accuracy.accuracy": accuracy_score(truth, answers),
            "accuracy.macro_f1": f1_score(truth, answers, average="macro", zero_division=0),
            "accuracy.mcc": matthews_corrcoef(truth, answers),
        },
        abs=1e-6,
    )


# Any number of labels a text


def of_sets(truth: list[list[int]]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return file name, content and options of each form."""
    named = [[TOXIC[place] for place in range(3) if row[place]] for row in truth]
    columns = {"id": NUMBERS, "comment_text": TEXTS}
    columns |= {label: [row[place] for row in truth] for place, label in enumerate(TOXIC)}
    return {
        "lists of names": ("a.json", json.dumps(objects({"text": TEXTS, "labels": named})), {}),
        "vectors": ("a.json", json.dumps(objects({"text": TEXTS, "labels": truth})), {}),
        "columns": (
            "a.csv",
            delimited(columns, ","),
            {"text_columns": ("comment_text",), "label_columns": tuple(reversed(TOXIC))},
        ),
        "vectors of floats as text": (
            "a.csv",
            delimited({"text": TEXTS, "labels": [[float(n) for n in row] for row in truth]}, ","),
            {},
        ),
    }


@pytest.mark.parametrize("form", of_sets([[0, 0, 0]] * ROWS))
def test_any_number_of_labels_a_text(form: str, reference: ReferenceModels, tmp_path: Path) -> None:
    model = reference("SequenceClassification", TOXIC, problem_type="multi_label_classification")
    answers = [(model(text)[1].logits[0] > 0).int().tolist() for text in TEXTS]
    truth = [
        [label ^ (n % 3 == place) for place, label in enumerate(row)] if n % 2 else row
        for n, row in enumerate(answers)
    ]
    name, content, options = of_sets(truth)[form]
    (tmp_path / name).write_text(content)

    assert model.recorded(tmp_path / name, **options) == pytest.approx(
        {
            "accuracy.micro_f1": f1_score(truth, answers, average="micro"),
            "accuracy.macro_f1": f1_score(truth, answers, average="macro", zero_division=0),
            "accuracy.subset_accuracy": accuracy_score(truth, answers),
        },
        abs=1e-6,
    )


# Scores of pairs

STS = {
    "STS-B": ("a.tsv", bare, str),
    "decimal commas": (
        "a.csv",
        lambda columns: delimited(columns, ";"),
        lambda score: str(score).replace(".", ","),
    ),
    "percentages": ("a.csv", lambda columns: delimited(columns, ","), lambda score: f"{score} %"),
}


@pytest.mark.parametrize("form", STS)
def test_scores_of_pairs(form: str, reference: ReferenceModels, tmp_path: Path) -> None:
    name, write, number = STS[form]
    model = reference("")
    pairs = zip(TEXTS, OTHERS, strict=True)
    cosines = [
        float(torch.cosine_similarity(*(_embedding(model, text) for text in pair), dim=0))
        for pair in pairs
    ]
    truth = [round(5 * cosine + n % 3, 2) for n, cosine in enumerate(cosines)]
    columns = {"sentence1": TEXTS, "sentence2": OTHERS, "score": list(map(number, truth))}
    (tmp_path / name).write_text(write(columns))

    assert model.recorded(tmp_path / name) == pytest.approx(
        {
            "accuracy.spearman": spearmanr(truth, cosines).statistic,
            "accuracy.pearson": pearsonr(truth, cosines).statistic,
        },
        abs=1e-6,
    )


def _embedding(model: Reference, text: str) -> Any:
    return model(text)[1].last_hidden_state[0].mean(dim=0)
