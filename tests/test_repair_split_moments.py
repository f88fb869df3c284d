"""One regression over the calibration texts: which tokens go where."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bertslim.errors import ModelError
from bertslim.ranks import Ranks
from bertslim.repair.calibration import Calibration, CalibrationBatch
from bertslim.repair.ridge import Affine
from bertslim.repair.split_moments import SplitMoments, Target, gather_moments
from bertslim.surgery.statistics import Moments, MomentSums
from support.calibration import calibration_batch


@pytest.fixture
def texts() -> list[CalibrationBatch]:
    """Two batches with padding, the states of which are float32."""
    made = []
    for length, held in ((6, 1), (4, 2)):
        tokens = torch.ones(3, length, dtype=torch.bool)
        tokens[2, 2:] = False
        is_held = tokens & (torch.arange(3) < held).unsqueeze(1)
        states = [torch.randn(3, length, 4) for _ in range(4)]
        for state in states:
            state[~tokens] = float("inf")  # nothing may be read there
        made.append(calibration_batch(tokens, is_held, *states))
    return made


@pytest.fixture
def weights(texts) -> list[Tensor]:
    return [torch.rand(text.fit.shape) + 0.1 for text in texts]


def solve_from(texts: list[CalibrationBatch], weights: list[Tensor]) -> SplitMoments:
    by_text = {id(text): weight for text, weight in zip(texts, weights, strict=True)}
    return gather_moments(
        Calibration(texts, Ranks()),
        lambda text: text.states.slim,
        Target(
            lambda text: text.states.base[..., :2] - text.states.slim[..., :2],
            lambda text: by_text[id(text)],
        ),
        layer=7,
    )


def of_part(texts: list[CalibrationBatch], weights: list[Tensor], part: str) -> Moments:
    masks = [getattr(text, part) for text in texts]
    x = torch.cat([text.states.slim[mask] for text, mask in zip(texts, masks, strict=True)])
    base = torch.cat([text.states.base[mask] for text, mask in zip(texts, masks, strict=True)])
    w = torch.cat([one[mask] for one, mask in zip(weights, masks, strict=True)])
    sums = MomentSums(4, 2)
    sums.add(x.double(), (base - x)[:, :2].double(), w.double())
    return sums.moments()


def assert_alike(found: Moments, expected: Moments) -> None:
    for name in ("weight", "mean_x", "mean_y", "xx", "xy", "yy"):
        torch.testing.assert_close(
            getattr(found, name), getattr(expected, name), rtol=1e-5, atol=1e-5
        )


def test_tokens_to_solve_from_and_held_out_ones_are_kept_apart(texts, weights) -> None:
    found = solve_from(texts, weights)
    fit, held = (of_part(texts, weights, part) for part in ("fit", "held"))
    assert_alike(found.fit, fit)
    assert_alike(found.held, held)
    assert_alike(found.both, fit.merged(held))
    matrix = torch.randn(4, 3, dtype=torch.float64)
    assert_alike(found.projected(matrix).held, held.projected(matrix))
    doubled = found.merged(found)
    assert_alike(doubled.held, held.merged(held))
    assert doubled.fit.weight == 2 * found.fit.weight


def test_a_map_that_is_there_is_found(texts, weights) -> None:
    truth = Affine(torch.randn(4, 2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    for text in texts:
        said = text.states.slim.double() @ truth.weight + truth.bias
        text.states.base[..., :2] = (said + text.states.slim[..., :2]).float()
    found = solve_from(texts, weights).solve(Affine(truth.weight * 0, truth.bias * 0))
    torch.testing.assert_close(found.affine.weight, truth.weight, rtol=1e-2, atol=1e-2)
    assert found.after < 1e-4 * found.before


@pytest.mark.parametrize("part", ["fit", "held"])
@pytest.mark.parametrize("state", ["base", "slim"])
def test_a_token_that_is_no_number_is_refused(part: str, state: str, texts, weights) -> None:
    places = getattr(texts[1], part).nonzero()
    getattr(texts[1].states, state)[places[0][0], places[0][1], 1] = float("nan")
    with pytest.raises(ModelError, match=r"^layer 7 puts out numbers that are not finite"):
        solve_from(texts, weights)
