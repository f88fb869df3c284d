"""The best number to multiply a block by, against the sums written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bertslim.errors import ModelError
from bertslim.ranks import Ranks
from bertslim.repair.calibration import Calibration, CalibrationBatch
from bertslim.repair.gain import FittedGain, fit_gain
from bertslim.repair.split_moments import Target
from support.calibration import calibration_batch


def batch(length: int, *, held: int) -> CalibrationBatch:
    """Two sequences of which some of the second's tokens are held out, and the last is padding."""
    tokens = torch.ones(2, length, dtype=torch.bool)
    tokens[:, -1] = False
    is_held = torch.zeros_like(tokens)
    is_held[1, :held] = True
    states = [torch.randn(2, length, 4) for _ in range(4)]
    return calibration_batch(tokens, is_held, *states)


@pytest.fixture
def texts() -> list[CalibrationBatch]:
    return [batch(6, held=2), batch(9, held=4)]


@pytest.fixture
def weights(texts) -> list[Tensor]:
    return [torch.rand(text.fit.shape) for text in texts]


@pytest.fixture
def fitted(texts, weights) -> Callable[..., FittedGain]:
    def fit(said: Callable[[CalibrationBatch], Tensor]) -> FittedGain:
        by_text = {id(text): weight for text, weight in zip(texts, weights, strict=True)}
        target = Target(lambda text: text.states.ffn_sum, lambda text: by_text[id(text)])
        return fit_gain(Calibration(texts, Ranks()), said, target, layer=3)

    return fit


def chosen(texts: Any, weights: Any, *which: str) -> tuple[Any, Any, Any]:
    """Return y, y* and w of the tokens of a part, in numpy."""
    y, target, w = [], [], []
    for text, weight in zip(texts, weights, strict=True):
        for name in which:
            mask = getattr(text, name)
            y.append(text.states.slim[mask].double().numpy())
            target.append(text.states.ffn_sum[mask].double().numpy())
            w.append(weight[mask].double().numpy())
    return np.concatenate(y), np.concatenate(target), np.concatenate(w)[:, None]


def test_the_gain_is_the_least_squares_one(texts, weights, fitted) -> None:
    for text in texts:
        text.states.ffn_sum.copy_(0.3 * text.states.slim + 0.1 * torch.randn_like(text.states.slim))
    found = fitted(lambda text: text.states.slim)
    y, target, w = chosen(texts, weights, "fit", "held")
    assert found.gain == pytest.approx(np.sum(w * y * target) / np.sum(w * y * y), rel=1e-6)
    y, target, w = chosen(texts, weights, "fit")
    gain = np.sum(w * y * target) / np.sum(w * y * y)
    y, target, w = chosen(texts, weights, "held")
    spread = np.sum(w * target**2)
    assert found.before == pytest.approx(np.sum(w * (y - target) ** 2) / spread, rel=1e-6)
    assert found.after == pytest.approx(np.sum(w * (gain * y - target) ** 2) / spread, rel=1e-6)
    assert found.after < found.before


def test_a_block_that_says_nothing_keeps_a_gain_of_one(fitted) -> None:
    found = fitted(lambda text: torch.zeros_like(text.states.slim))
    assert found == FittedGain(gain=1.0, before=1.0, after=1.0)


def test_a_block_that_is_right_already_keeps_a_gain_of_one(texts, fitted) -> None:
    for text in texts:
        text.states.ffn_sum.copy_(text.states.slim)
    found = fitted(lambda text: text.states.slim)
    assert found.gain == 1.0
    assert found.before == found.after == pytest.approx(0, abs=1e-12)


def test_nothing_wanted_is_no_division_by_zero(texts, fitted) -> None:
    for text in texts:
        text.states.ffn_sum.zero_()
    assert fitted(lambda text: text.states.slim).gain == 0.0


def test_what_is_not_finite_is_refused(texts, fitted) -> None:
    texts[0].states.slim[0, 0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"^layer 3 puts out numbers that are not finite"):
        fitted(lambda text: text.states.slim)
