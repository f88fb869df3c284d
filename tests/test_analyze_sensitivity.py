"""What each block is worth, beside models where it is really gone."""

from __future__ import annotations

import pytest
import torch
from datasets import Dataset

from bertslim.analyze.sensitivity import measure_sensitivity
from bertslim.data.task import Batch, Rows
from bertslim.data.text_classification import TextClassification
from bertslim.model.checkpoint import load_checkpoint
from bertslim.progress import Progress
from bertslim.recipe.sizes import count
from bertslim.surgery.block_damage import block_damage

SILENT = Progress(visible=False)


@pytest.fixture
def checkpoint(make_checkpoint):
    return load_checkpoint(make_checkpoint("bert", "SequenceClassification"))


@pytest.fixture
def batches(example_inputs) -> list[Batch]:
    return [Batch(inputs=example_inputs(), rows=(2, 0, 1))]


def rows_with(labels: list[int]) -> Rows:
    table = Dataset.from_dict({"text": ["a", "b", "c"], "label": labels})
    return Rows(TextClassification(), table)


def measured(checkpoint, batches, labels):
    return measure_sensitivity(checkpoint, rows_with(labels), batches, SILENT, length=16, seed=0)


def test_dropped_ffn_blocks_do_what_block_damage_says(checkpoint, batches) -> None:
    found = measured(checkpoint, batches, [0, 1, 0])
    assert found.measure == "KL in nats"
    assert found.rows == 3
    expected = block_damage(checkpoint, batches, SILENT)
    assert [one.damage for one in found.of_kind("drop_ffn")] == pytest.approx(expected)
    for one in found.effects:
        assert one.low is not None
        assert one.low <= one.damage <= one.high
    halves = [one.damage for one in found.of_kind("halve_ffn")]
    assert sum(halves) < sum(expected)


def test_scores_are_those_of_the_answers(checkpoint, batches) -> None:
    with torch.inference_mode():
        answers = checkpoint.model(**batches[0].inputs).logits.argmax(dim=-1).tolist()
    labels = [answers[batches[0].rows.index(row)] for row in range(3)]
    found = measured(checkpoint, batches, labels)
    assert (found.metric, found.unit) == ("accuracy", "share")
    assert found.score == 1.0
    assert all(one.score is not None for one in found.effects)


def test_without_labels_there_is_no_score(checkpoint, batches) -> None:
    rows = Rows(TextClassification(), Dataset.from_dict({"text": ["a", "b", "c"]}))
    found = measure_sensitivity(checkpoint, rows, batches, SILENT, length=16, seed=0)
    assert found.metric is None
    assert {one.score for one in found.effects} == {None}


def test_savings_are_those_of_a_model_without_the_block(checkpoint, batches) -> None:
    found = measured(checkpoint, batches, [0, 1, 0])
    facts = checkpoint.facts
    whole = count(facts, facts.layers, 16)
    gone = {"drop_ffn": {"intermediate_size": 0}, "drop_attention": {"heads": 0}}
    gone["halve_ffn"] = {"intermediate_size": facts.layers[0].intermediate_size // 2}
    for one in found.effects:
        layers = list(facts.layers)
        layers[one.layer] = layers[one.layer].model_copy(update=gone[one.kind])
        less = count(facts, layers, 16)
        assert one.parameters == whole.parameters - less.parameters > 0
        assert one.macs == whole.macs - less.macs > 0
