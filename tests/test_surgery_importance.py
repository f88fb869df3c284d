"""Scores of neurons against slow loops, and which of them are kept."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from bertslim.recipe.operations import ResizeFfn
from bertslim.surgery.criteria import GRADIENT_CRITERIA, OUTPUT_CRITERIA
from bertslim.surgery.importance import keep_best, magnitude


def slow_magnitude(ffn_in: nn.Linear, ffn_out: nn.Linear) -> list[float]:
    scores = []
    for neuron in range(ffn_in.out_features):
        into = ffn_in.bias[neuron].item() ** 2
        for value in ffn_in.weight[neuron].tolist():
            into += value**2
        out_of = sum(row[neuron] ** 2 for row in ffn_out.weight.tolist())
        scores.append(math.sqrt(into) * math.sqrt(out_of))
    return scores


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_magnitude_is_the_product_of_the_norms(dtype: torch.dtype) -> None:
    ffn_in, ffn_out = nn.Linear(5, 17, dtype=dtype), nn.Linear(17, 5, dtype=dtype)
    scores = magnitude([ffn_in], ffn_out)
    assert scores.dtype == torch.float64
    assert scores.tolist() == pytest.approx(slow_magnitude(ffn_in, ffn_out), rel=1e-12)


def test_magnitude_of_half_precision_neither_overflows_nor_vanishes() -> None:
    ffn_in, ffn_out = (nn.Linear(2, 2, dtype=torch.float16) for _ in range(2))
    with torch.no_grad():
        for linear, weights in ((ffn_in, [60000.0, 1e-4]), (ffn_out, [1e-4, 60000.0])):
            linear.weight.copy_(torch.diag(torch.tensor(weights)))
            linear.bias.zero_()
    scores = magnitude([ffn_in], ffn_out)
    assert scores.isfinite().all()
    assert scores.tolist() == pytest.approx(slow_magnitude(ffn_in, ffn_out), rel=1e-12)


@given(st.floats(1e-3, 1e3), st.integers(0, 6))
def test_magnitude_ignores_which_map_carries_a_factor(factor: float, neuron: int) -> None:
    torch.manual_seed(1)
    ffn_in, ffn_out = nn.Linear(3, 7, dtype=torch.float64), nn.Linear(7, 3, dtype=torch.float64)
    before = magnitude([ffn_in], ffn_out)
    with torch.no_grad():
        ffn_in.weight[neuron] *= factor
        ffn_in.bias[neuron] *= factor
        ffn_out.weight[:, neuron] /= factor
    torch.testing.assert_close(magnitude([ffn_in], ffn_out), before, rtol=1e-9, atol=0)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.data())
def test_the_best_are_kept_and_of_equals_the_first(values: list[int], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(values)))
    kept = keep_best(torch.tensor(values, dtype=torch.float64), count).tolist()
    ranked = sorted(range(len(values)), key=lambda neuron: (-values[neuron], neuron))
    assert kept == sorted(ranked[:count])


def test_every_criterion_of_a_recipe_is_there() -> None:
    known = {"magnitude", *OUTPUT_CRITERIA, *GRADIENT_CRITERIA}
    assert known == set(get_args(ResizeFfn.model_fields["criterion"].annotation))
