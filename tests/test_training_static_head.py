"""A logistic head on static embeddings: what it is fitted to, what chooses it, where it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_splits
from bertslim.data.splits import Splits
from bertslim.errors import DataError
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from bertslim.training import static_head
from bertslim.training.static_head import fit_static, static_obstacle
from support.sentence_transformers import save_sentence_transformer

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def write_rows(path: Path, label: Callable[[int], object], name: str = "label") -> Path:
    lines = [
        f"{'good' if n % 2 else 'bad'} {LETTERS[n % 26]} {LETTERS[n // 26]},{label(n)}"
        for n in range(400)
    ]
    path.write_text("\n".join([f"text,{name}", *lines]))
    return path


def load(directory: Path, data: Path, task: str | None = None) -> tuple[Checkpoint, Splits]:
    checkpoint = load_checkpoint(directory)
    head = describe_head(directory, checkpoint.config, checkpoint.facts)
    options = DataOptions(str(data), task=task)
    return checkpoint, load_splits(options, head, Progress(visible=False))


@pytest.fixture
def classifier(make_checkpoint: Callable[..., Path]) -> Callable[[int], Path]:
    return lambda labels: make_checkpoint(
        "bert", "SequenceClassification", tokenizer=True, num_labels=labels
    )


@pytest.mark.parametrize("labels", [2, 3])
def test_it_is_the_regression_of_its_ridge(
    labels: int, classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The optimum of the penalised log-likelihood on standardised means, by another solver."""
    monkeypatch.setattr(static_head, "STRENGTHS", (0.1,))
    directory = classifier(labels)
    checkpoint, splits = load(
        directory, write_rows(tmp_path / "a.csv", lambda n: (n % 2) + (n % 26 == 3) * (labels - 2))
    )
    tokenizer = load_tokenizer(directory)
    static = fit_static(checkpoint, tokenizer, splits)
    assert static.head is not None
    texts, truth = splits.fit.table["text"][:], np.array(splits.fit.table["label"][:])
    means = static.means(tokenizer(texts)["input_ids"])
    standard = (means - means.mean(axis=0)) / means.std(axis=0)

    def loss(flat):
        weight, bias = np.split(flat, [labels * standard.shape[1]])
        logits = standard @ weight.reshape(-1, labels) + bias
        log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        # of two classes scikit-learn penalises the difference of the two logits' weights
        weights = weight.reshape(-1, labels)
        penalty = ((weights[:, 1] - weights[:, 0]) ** 2 if labels == 2 else weights**2).sum()
        return -0.1 * log_p[np.arange(len(truth)), truth].sum() + penalty / 2

    found = minimize(loss, np.zeros((standard.shape[1] + 1) * labels), options={"maxiter": 5000})
    weight, bias = np.split(found.x, [labels * standard.shape[1]])
    expected = standard @ weight.reshape(-1, labels) + bias
    given = means @ static.head.weight + static.head.bias
    expected, given = (logits - logits.mean(axis=1, keepdims=True) for logits in (expected, given))
    np.testing.assert_allclose(given, expected, atol=0.02)


def test_the_select_split_chooses_the_ridge_and_the_report_split_is_not_read(
    classifier, tmp_path: Path
) -> None:
    directory = classifier(2)
    checkpoint, splits = load(directory, write_rows(tmp_path / "a.csv", lambda n: n % 2))
    tokenizer = load_tokenizer(directory)
    head = fit_static(checkpoint, tokenizer, splits).head
    without = Splits(splits.fit, splits.select, splits.report.select([]), splits.record)
    again = fit_static(checkpoint, tokenizer, without).head
    np.testing.assert_array_equal(head.weight, again.weight)
    means = fit_static(checkpoint, tokenizer, splits).means(
        tokenizer(splits.report.table["text"][:])["input_ids"]
    )
    answers = (means @ head.weight + head.bias).argmax(axis=1)
    assert (answers == splits.report.table["label"][:]).all(), "one word tells the class"


def test_a_class_without_rows_is_never_chosen(classifier, tmp_path: Path) -> None:
    directory = classifier(4)
    checkpoint, splits = load(directory, write_rows(tmp_path / "a.csv", lambda n: 3 * (n % 2)))
    head = fit_static(checkpoint, load_tokenizer(directory), splits).head
    assert (head.bias[[1, 2]] < -1000).all()
    assert not head.weight[:, [1, 2]].any()


def test_one_class_alone_is_refused(classifier, tmp_path: Path) -> None:
    directory = classifier(2)
    checkpoint, splits = load(directory, write_rows(tmp_path / "a.csv", lambda _: 1))
    with pytest.raises(DataError, match="one class alone"):
        fit_static(checkpoint, load_tokenizer(directory), splits)


def test_where_they_cannot_do_the_task_it_is_said_why(
    make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    scores = write_rows(tmp_path / "a.csv", lambda n: n / 7, "score")
    regression = make_checkpoint("bert", "SequenceClassification", tokenizer=True, num_labels=1)
    checkpoint, splits = load(regression, scores)
    assert static_obstacle(checkpoint, splits.fit) == "no head is fitted on them for regression"
    encoder = make_checkpoint("bert", "", tokenizer=True)
    checkpoint, splits = load(encoder, scores)
    assert static_obstacle(checkpoint, splits.fit) is None
    first = save_sentence_transformer(encoder, tmp_path / "first", pooling={"pooling_mode": "cls"})
    checkpoint, splits = load(first, scores)
    assert "the model embeds by cls" in str(static_obstacle(checkpoint, splits.fit))
