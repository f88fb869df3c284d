"""Comparisons turned into figures with intervals."""

from __future__ import annotations

import numpy as np
import pytest

from bertslim.measure.fidelity import measure_fidelity
from bertslim.measure.predictions import PredictionComparison

CONTEXT = {"data": "made up", "split": "report", "n": 50}


def values(low: float, high: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, size=50)


def measure(comparison: PredictionComparison, seed: int = 0):
    return {one.name: one for one in measure_fidelity(comparison, seed=seed, context=CONTEXT)}


def test_classifiers_have_kl_and_agreement() -> None:
    kl, agreement = values(0, 0.4), values(0, 1, seed=1).round()
    outputs = values(-1, 1).reshape(25, 2)
    found = measure(
        PredictionComparison(kl=kl, agreement=agreement, base_outputs=outputs, slim_outputs=outputs)
    )
    assert list(found) == ["fidelity.kl", "fidelity.agreement"]
    assert found["fidelity.kl"].unit == "nats"
    assert found["fidelity.agreement"].unit == "share"
    for name, expected in (("fidelity.kl", kl), ("fidelity.agreement", agreement)):
        figure = found[name]
        assert figure.slim == pytest.approx(sum(expected) / len(expected))
        assert figure.base is figure.ratio is None
        assert figure.context == CONTEXT
        assert figure.interval.of == "slim"
        assert figure.interval.low < figure.slim < figure.interval.high
        spread = 1.96 * expected.std() / len(expected) ** 0.5
        assert figure.interval.high - figure.interval.low == pytest.approx(2 * spread, rel=0.15)


def test_encoders_have_a_cosine_that_says_how_they_were_pooled() -> None:
    comparison = PredictionComparison(cosine=values(0.9, 1))
    found = measure(comparison)
    assert list(found) == ["fidelity.cosine"]
    assert found["fidelity.cosine"].context == CONTEXT | {"pooling": "mean"}
    (figure,) = measure_fidelity(comparison, seed=0, context=CONTEXT, pooling="cls")
    assert figure.context["pooling"] == "cls"


def test_regressors_have_the_correlation_of_their_outputs() -> None:
    base = values(-1, 1).reshape(-1, 1)
    slim = 3 * base + 5 + 0.1 * values(-1, 1, seed=1).reshape(-1, 1)
    found = measure(PredictionComparison(base_outputs=base, slim_outputs=slim))
    assert list(found) == ["fidelity.pearson"]
    one, other = base.ravel() - base.mean(), slim.ravel() - slim.mean()
    expected = (one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum())
    assert found["fidelity.pearson"].slim == pytest.approx(expected)
    assert 0.99 < expected < 1


@pytest.mark.parametrize("which", ["base", "slim"])
def test_no_correlation_with_what_never_changes(which: str) -> None:
    outputs = {"base_outputs": values(-1, 1), "slim_outputs": values(-1, 1)}
    outputs[f"{which}_outputs"] = np.full(50, 0.3)
    assert measure(PredictionComparison(**outputs)) == {}


def test_nothing_compared_is_nothing_measured() -> None:
    assert measure_fidelity(PredictionComparison(), seed=0, context={}) == ()


def test_a_model_against_itself_is_certain() -> None:
    found = measure(PredictionComparison(kl=np.zeros(50), agreement=np.ones(50)))
    for name, expected in (("fidelity.kl", 0), ("fidelity.agreement", 1)):
        assert found[name].slim == found[name].interval.low == found[name].interval.high == expected


def test_the_seed_settles_the_interval() -> None:
    comparison = PredictionComparison(kl=values(0, 1))
    assert measure(comparison, seed=3) == measure(comparison, seed=3)
    assert measure(comparison, seed=3) != measure(comparison, seed=4)
