"""One block altered: the same as in a copy of the model where it really is."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from bertslim.export.model_inputs import ANSWERS_ALONE
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.families import FAMILIES
from bertslim.model.heads import heads_of
from bertslim.model.layer import model_layers
from bertslim.records import AlterationKind
from bertslim.surgery.altered_outputs import (
    Alteration,
    altered_outputs,
    possible_alterations,
)
from bertslim.surgery.importance import keep_best, magnitude
from support.checkpoints import facts_of

KINDS: tuple[AlterationKind, ...] = ("drop_ffn", "halve_ffn", "drop_attention")


def really_altered(model: Any, one: Alteration) -> Any:
    changed = copy.deepcopy(model)
    layer = model_layers(changed)[one.layer]
    if one.kind == "drop_ffn":
        layer.ffn.remove()
    elif one.kind == "drop_attention":
        layer.attention.remove()
    else:
        ffn_out = layer.ffn.output
        lost, scores = set(range(ffn_out.in_features)), magnitude(layer.ffn.inputs, ffn_out)
        lost -= set(keep_best(scores, ffn_out.in_features // 2).tolist())
        with torch.no_grad():
            ffn_out.weight[:, sorted(lost)] = 0
    return changed


def answers(model: Any, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return dict(model(**inputs, **ANSWERS_ALONE))


@torch.no_grad()
@pytest.mark.parametrize(
    ("model_type", "head"),
    [(name, head) for name, family in FAMILIES.items() for head in heads_of(family)],
)
def test_it_is_what_an_altered_copy_says(
    model_type: str, head: str, tiny_model, example_inputs
) -> None:
    model = tiny_model(model_type, head).double()
    inputs = example_inputs()
    if head == "MultipleChoice":
        inputs = {name: torch.stack([values, values.flip(1)], 1) for name, values in inputs.items()}
    alterations = possible_alterations(facts_of(model), KINDS)
    layers, possible = len(model_layers(model)), 2 if model_type == "albert" else 3
    assert len(alterations) == possible * layers
    outputs = altered_outputs(model, inputs, alterations)
    whole, first = next(outputs)
    assert whole is None
    expected = answers(model, inputs)
    for name, values in expected.items():
        assert torch.allclose(first[name], values, atol=1e-10)
    for one, found in outputs:
        changed = answers(really_altered(model, one), inputs)
        for name, values in changed.items():
            assert torch.allclose(found[name], values, atol=1e-10)
        name, values = next(iter(changed.items()))
        assert not torch.allclose(values, expected[name], atol=1e-6)


@torch.no_grad()
def test_layers_below_are_not_run_again(tiny_model, example_inputs) -> None:
    model = tiny_model("bert", "SequenceClassification")
    runs = [0] * 4
    for number, layer in enumerate(model_layers(model)):

        def count(*_: Any, number: int = number) -> None:
            runs[number] += 1

        layer.ffn.norm_after.register_forward_hook(count)
    alterations = possible_alterations(facts_of(model), ["drop_ffn"])
    list(altered_outputs(model, example_inputs(), alterations))
    assert runs == [2, 3, 4, 5]


def test_what_is_gone_cannot_be_altered(make_checkpoint, cut) -> None:
    slim = load_checkpoint(cut(make_checkpoint("bert", "SequenceClassification"), "drop_odd"))
    found = possible_alterations(slim.facts, KINDS)
    assert [one.layer for one in found if one.kind == "drop_ffn"] == [0, 2]
    assert [one.layer for one in found if one.kind == "halve_ffn"] == [0, 2]
    assert [one.layer for one in found if one.kind == "drop_attention"] == [0, 1, 2, 3]
