"""Linear probes: what they are fitted to, and what they find where something is planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from bertslim.analyze.features import gather_features
from bertslim.analyze.probes import LabelledTexts, measure_probes
from bertslim.analyze.representations import watched
from bertslim.data.task import Batch
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.progress import Progress
from bertslim.records import Site

SILENT = Progress(visible=False)
LENGTH, WORDS = 8, 40
TOLD, OTHERS = (50, 60), range(10, 10 + WORDS)


@dataclass(frozen=True)
class Made:
    """Texts of random words, and a label for each text, or for each word."""

    batches: list[Batch]
    labels: list[int]


def texts(count: int, seed: int, *, per_token: bool) -> Made:
    """A text of class 1 has the word 60 in place of the word 50; of words, 60 is of class 1."""
    draw = torch.Generator().manual_seed(seed)
    batches, labels = [], []
    for start in range(0, count, 16):
        ids = torch.randint(min(OTHERS), max(OTHERS), (16, LENGTH), generator=draw)
        kind = torch.randint(2, (16,), generator=draw)
        ids[:, 3] = torch.tensor(TOLD)[kind]
        target = kind
        if per_token:
            target = torch.full(ids.shape, -100)
            target[:, 1] = 0
            target[:, 3] = kind
        mask = torch.ones_like(ids)
        mask[::2, -2:] = 0
        inputs = {"input_ids": ids, "attention_mask": mask}
        batches.append(Batch(inputs, tuple(range(start, start + 16)), {"labels": target}))
        labels += target[target != -100].tolist()
    return Made(batches, labels)


@pytest.fixture
def checkpoint(make_checkpoint) -> Checkpoint:
    return load_checkpoint(make_checkpoint("bert", "SequenceClassification"))


def test_of_texts_the_mean_over_their_tokens_is_kept(checkpoint) -> None:
    made, site = texts(48, 0, per_token=False), Site(layer=2, block="attention")
    with gather_features(checkpoint, made.batches, SILENT, most=1000) as found:
        assert found.labels.tolist() == made.labels
        assert found.words.tolist() == list(range(48))
        kept = found.at(site)
        folder = found.folder
    assert not folder.exists()
    batch = made.batches[1]
    with torch.inference_mode(), watched(checkpoint) as states:
        checkpoint.model(**batch.inputs)
    for row, (hidden, mask) in enumerate(
        zip(states[site], batch.inputs["attention_mask"], strict=True)
    ):
        expected = hidden[mask.bool()].mean(dim=0).numpy()
        assert np.allclose(kept[16 + row], expected, atol=1e-5)


def test_of_tokens_those_with_a_label_are_kept(checkpoint) -> None:
    made, site = texts(32, 0, per_token=True), Site(layer=0, block="ffn")
    with gather_features(checkpoint, made.batches, SILENT, most=1000) as found:
        assert found.labels.tolist() == made.labels
        assert set(found.words[1::2]) == set(TOLD)
        kept = found.at(site)
    with torch.inference_mode(), watched(checkpoint) as states:
        checkpoint.model(**made.batches[0].inputs)
    assert np.allclose(kept[1], states[site][0, 3].numpy(), atol=1e-5)


@pytest.mark.parametrize("per_token", [False, True])
def test_no_more_than_are_wanted(checkpoint, per_token: bool) -> None:
    made = texts(48, 0, per_token=per_token)
    with gather_features(checkpoint, made.batches, SILENT, most=21) as found:
        assert found.labels.tolist() == made.labels[:21]
        assert len(found.at(Site(layer=1, block="ffn"))) == 21


@pytest.mark.parametrize(
    ("per_token", "unit", "metric"), [(False, "texts", "accuracy"), (True, "tokens", "macro F1")]
)
def test_what_is_planted_is_read_at_every_site(
    checkpoint, per_token: bool, unit: str, metric: str
) -> None:
    fit, report = (texts(count, count, per_token=per_token) for count in (320, 160))
    given = {"base": LabelledTexts(fit.batches, report.batches)}
    found = measure_probes({"base": checkpoint}, given, SILENT, seed=0)
    assert (found.unit, found.metric) == (unit, metric)
    assert found.fitted == len(fit.labels)
    assert found.scored == len(report.labels)
    assert len(found.points) == 2 * 4
    for one in found.points:
        assert one.score > 0.7
        assert one.low <= one.score <= one.high
    first = found.points[0]
    if per_token:
        assert first.control > found.chance + 0.1, "each word tells its own random label"
    else:
        assert abs(first.control - 0.5) < 0.2
        assert first.selectivity > 0.3
    assert found == measure_probes({"base": checkpoint}, given, SILENT, seed=0)


def test_two_models_are_read_one_after_the_other(checkpoint) -> None:
    fit, report = texts(64, 1, per_token=False), texts(32, 2, per_token=False)
    given = LabelledTexts(fit.batches, report.batches)
    models = {"base": checkpoint, "slim": checkpoint}
    found = measure_probes(models, {"base": given, "slim": given}, SILENT, seed=0)
    base, slim = ([one for one in found.points if one.model == role] for role in models)
    assert [one.score for one in base] == [one.score for one in slim]


def test_one_class_is_named_always(checkpoint) -> None:
    made = texts(32, 0, per_token=False)
    for batch in made.batches:
        batch.targets["labels"].zero_()
    given = {"base": LabelledTexts(made.batches, made.batches)}
    found = measure_probes({"base": checkpoint}, given, SILENT, seed=0)
    assert found.chance == 1.0
    assert {one.score for one in found.points} == {1.0}
