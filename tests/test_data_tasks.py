from __future__ import annotations

import numpy as np
import pytest

from bertslim.data.tasks import metrics_for, most_likely, task_for_head
from bertslim.errors import DataError

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 0, 2, 2])


def test_the_metrics_of_text_classification() -> None:
    metrics = metrics_for("text-classification")
    assert list(metrics) == ["accuracy", "macro_f1"]
    assert metrics["accuracy"](LABELS, PREDICTIONS) == 6 / 8
    # F1: 3 of 4 and 3 of 4 -> .75; 1 of 2 and 1 of 2 -> .5; all -> 1.
    assert metrics["macro_f1"](LABELS, PREDICTIONS) == pytest.approx((0.75 + 0.5 + 1) / 3)


def test_a_class_never_predicted_counts_as_zero_and_says_nothing(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    score = metrics_for("text-classification")["macro_f1"](np.array([0, 1]), np.array([0, 0]))
    assert score == pytest.approx((2 / 3 + 0) / 2)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_logits_become_classes() -> None:
    logits = np.array([[0.1, 2.0, -1.0], [3.0, 2.9, 0.0]], dtype=np.float32)
    predictions = most_likely(logits)
    assert predictions.tolist() == [1, 0]
    assert predictions.dtype == np.int64


def test_a_head_has_its_task() -> None:
    task = task_for_head("SequenceClassification")
    assert task is not None
    assert task.name == "text-classification"
    assert dict(task.metrics) == metrics_for(task.name)
    assert task_for_head("") is None


def test_an_unknown_task() -> None:
    with pytest.raises(DataError) as caught:
        metrics_for("sorting")
    assert str(caught.value) == "sorting: no such task; use one of text-classification"
