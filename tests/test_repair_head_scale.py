"""The number that logits are multiplied by, against a plain search for the least divergence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from torch import Tensor

from bertslim.data.task import Batch
from bertslim.errors import ModelError
from bertslim.model.checkpoint import load_checkpoint, sharing_copy
from bertslim.model.families import FAMILIES
from bertslim.ranks import Ranks
from bertslim.recipe.plan import make_plan
from bertslim.records import Repair
from bertslim.repair.calibration import Calibration, CalibrationBatch
from bertslim.repair.context import RepairContext
from bertslim.repair.head_scale import (
    ScaledDecisions,
    best_scale,
    fit_head_scale,
    has_scale,
    output_map,
)
from bertslim.repair.scope import Scope
from support.calibration import calibration_batch
from support.families import every_head_of

each_family = pytest.mark.parametrize("model_type", FAMILIES)
CLASSIFIERS = ("SequenceClassification", "TokenClassification", "QuestionAnswering")
ALONE = Ranks()
REPAIRED = {"reconstruct": {"samples": 8}}


def choices(
    noise: float, *, classes: int = 3, rows: int = 40, size: float = 4.0
) -> ScaledDecisions:
    """Return a base's answers and those of a model that errs by noise."""
    draw = torch.Generator().manual_seed(5)
    logits = size * torch.randn(rows, classes, generator=draw, dtype=torch.float64)
    erring = logits + noise * torch.randn(rows, classes, generator=draw, dtype=torch.float64)
    weight = torch.rand(rows, generator=draw, dtype=torch.float64) + 0.1
    return ScaledDecisions(
        logits.log_softmax(-1), erring, weight, torch.zeros(rows, dtype=torch.bool)
    )


def divergence(scale: float, *parts: ScaledDecisions) -> float:
    """Write sum w KL(p || softmax(a z)) out."""
    total = 0.0
    for one in parts:
        base, slim = one.base.numpy(), log_softmax(scale * one.slim.numpy(), axis=1)
        for row, weight in enumerate(one.weight.tolist()):
            total += weight * float(np.sum(np.exp(base[row]) * (base[row] - slim[row])))
    return total


@pytest.mark.parametrize("noise", [0.5, 3.0, 8.0])
@pytest.mark.parametrize("classes", [2, 7])
def test_the_scale_is_the_one_of_the_least_divergence(noise: float, classes: int) -> None:
    parts = choices(noise, classes=classes), choices(noise, classes=classes, rows=9, size=2)
    wanted = minimize_scalar(divergence, bounds=(0.01, 5), args=parts, options={"xatol": 1e-9})
    found = best_scale(parts, ALONE)
    assert found == pytest.approx(wanted.x, rel=1e-6)
    assert found < 1


@pytest.mark.parametrize("times", [1e-3, 0.3, 40.0])
def test_what_is_only_too_loud_or_too_low_is_put_right(times: float) -> None:
    one = choices(0.0)
    louder = ScaledDecisions(one.base, times * one.slim, one.weight, one.held)
    assert best_scale([louder], ALONE) == pytest.approx(min(1 / times, 100), rel=1e-6)


def test_logits_that_say_nothing_or_the_contrary_give_a_number() -> None:
    one = choices(0.0)
    silent = ScaledDecisions(one.base, torch.zeros_like(one.slim), one.weight, one.held)
    assert best_scale([silent], ALONE) == 1
    contrary = ScaledDecisions(one.base, -one.slim, one.weight, one.held)
    assert best_scale([contrary], ALONE) == 0.01
    assert best_scale([], ALONE) == 1


def hidden_batches(change: Callable[[Tensor], Tensor]) -> list[CalibrationBatch]:
    """Return texts whose last states in the slim model are those of the base, changed."""
    draw = torch.Generator().manual_seed(3)
    texts = []
    for number in range(4):
        mask = torch.ones(6, 7, dtype=torch.long)
        mask[-1, 4:] = 0
        ids = torch.randint(5, 90, mask.shape, generator=draw)
        rows = tuple(range(6 * number, 6 * number + 6))
        batch = Batch({"input_ids": ids, "attention_mask": mask}, rows)
        held = mask.bool() & (torch.arange(6) == number).unsqueeze(1)
        base = torch.randn(6, 7, 32, generator=draw)
        texts.append(calibration_batch(mask.bool(), held, base, change(base), batch=batch))
    return texts


@pytest.fixture
def scaled(make_checkpoint, make_recipe) -> Callable[..., tuple[Any, Any, Repair]]:
    """Return a function that scales the head of a slim model that differs from its base so."""

    def run(
        model_type: str = "bert",
        head: str = CLASSIFIERS[0],
        *,
        times: float = 1.0,
        change: Callable[[Tensor], Tensor] = Tensor.clone,
        **changes: Any,
    ) -> tuple[Any, Any, Repair]:
        base = load_checkpoint(make_checkpoint(model_type, head, **changes))
        slim = sharing_copy(base.model)
        linear = output_map(slim)
        assert linear is not None
        linear.weight = torch.nn.Parameter(times * linear.weight.detach())
        linear.bias = torch.nn.Parameter(times * linear.bias.detach())
        with torch.no_grad():
            recipe = make_recipe({"op": "scale_ffn", "layers": "all", "gain": 0.5}, **REPAIRED)
            plan = make_plan(recipe, base.facts)
            calibration = Calibration(hidden_batches(change), ALONE)
            scope = Scope.of(plan)
            repair = fit_head_scale(RepairContext(base, slim, plan.record, scope, calibration))
        return base.model, slim, repair

    return run


@every_head_of(*CLASSIFIERS)
def test_a_head_that_is_too_loud_is_turned_down(model_type: str, head: str, scaled) -> None:
    base, slim, repair = scaled(model_type, head, times=4.0)
    assert (repair.layer, repair.part) == (None, "head scale")
    assert repair.factor == pytest.approx(0.25, rel=1e-4)
    assert 0 <= repair.after < repair.before
    for one, other in zip(
        output_map(base).parameters(), output_map(slim).parameters(), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_several_labels_are_scaled_as_decisions_of_their_own(scaled) -> None:
    _, _, repair = scaled(times=4.0, problem_type="multi_label_classification", num_labels=5)
    assert repair.factor == pytest.approx(0.25, rel=1e-4)


def test_only_the_head_of_the_slim_model_changes(scaled) -> None:
    base, slim, _ = scaled(change=lambda hidden: hidden + torch.randn_like(hidden))
    other = dict(base.named_parameters())
    changed = {name for name, one in slim.named_parameters() if one is not other[name]}
    assert changed == {"classifier.weight", "classifier.bias"}


def test_what_is_right_already_stays(scaled) -> None:
    base, slim, repair = scaled()
    assert repair.factor == 1
    assert repair.before == repair.after == pytest.approx(0, abs=1e-9)
    assert torch.equal(output_map(base).weight, output_map(slim).weight)


def test_numbers_that_are_not_finite_are_refused(scaled) -> None:
    with pytest.raises(ModelError, match="layer 3 puts out numbers that are not finite"):
        scaled(change=lambda hidden: hidden * torch.nan)


@pytest.mark.parametrize(
    ("head", "changes"),
    [
        ("", {}),
        ("MaskedLM", {}),
        ("MultipleChoice", {}),
        ("SequenceClassification", {"num_labels": 1}),
        ("SequenceClassification", {"problem_type": "regression", "num_labels": 3}),
    ],
)
def test_what_is_no_choice_between_classes_has_no_scale(
    head: str, changes: dict[str, Any], make_checkpoint
) -> None:
    found = load_checkpoint(make_checkpoint("bert", head, **changes))
    assert not has_scale(found)


@every_head_of(*CLASSIFIERS)
def test_classifiers_have_one(model_type: str, head: str, make_checkpoint) -> None:
    found = load_checkpoint(make_checkpoint(model_type, head))
    assert has_scale(found)
