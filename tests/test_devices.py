"""What runs on a GPU comes to what it comes to on the CPU; and which device is chosen.

Without a GPU, a stand-in for one refuses whatever mixes tensors of two devices. `pytest -m gpu`
runs the same on a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset

from bertslim.analyze.layer_cka import measure_cka
from bertslim.analyze.probes import LabelledTexts, measure_probes
from bertslim.analyze.sensitivity import measure_sensitivity
from bertslim.cli import run
from bertslim.data.paired_batches import PairedBatch
from bertslim.data.task import Batch, Rows
from bertslim.data.text_classification import TextClassification
from bertslim.devices import Devices
from bertslim.errors import InputError
from bertslim.measure import gpu
from bertslim.measure.gpu import resolve_devices
from bertslim.measure.latency import LatencyResult
from bertslim.measure.predictions import compare_predictions
from bertslim.model.checkpoint import Checkpoint, build_slim, load_checkpoint, sharing_copy
from bertslim.progress import Progress
from bertslim.recipe.plan import make_plan
from bertslim.records import Repair, read_record
from bertslim.repair.reconstruct import reconstruct
from bertslim.search.levels import CRITERION, HEAD_CRITERION, possible_choices
from bertslim.search.library import build_library
from bertslim.search.stitched import StitchedModels
from bertslim.surgery.block_damage import block_damage
from bertslim.surgery.layer_surgery import operate
from bertslim.surgery.survey import survey
from support.calibration import random_texts
from support.pretend_device import is_away, pretend_device

SILENT = Progress(visible=False)
HEAD = "SequenceClassification"
BATCHES = random_texts(12, 12, 6)
RECIPES = {
    "narrowed": [{"op": "resize_ffn", "layers": "all", "width": 16, "criterion": "kfac_obs"}],
    "by activation": [
        {"op": "resize_ffn", "layers": "odd", "width": 24, "criterion": "activation"}
    ],
    "by fisher": [{"op": "resize_ffn", "layers": [1], "width": 16, "criterion": "fisher"}],
    "by magnitude": [
        {"op": "resize_ffn", "layers": [1, 2], "width": 16, "bypass": True},
        {"op": "prune_heads", "layers": [0], "heads": 2, "criterion": "magnitude"},
    ],
    "heads": [{"op": "prune_heads", "layers": "odd", "heads": 2, "criterion": "obs"}],
    "filled": [
        {"op": "drop_ffn", "layers": [1], "fill": "linear", "rank": 8},
        {"op": "drop_ffn", "layers": [3], "fill": "attention"},
        {"op": "scale_ffn", "layers": [2], "gain": "fit"},
    ],
    "deleted": [
        {"op": "drop_layer", "layers": [1]},
        {"op": "drop_attention", "layers": [2]},
        {"op": "drop_ffn", "layers": [3], "fill": "linear"},
    ],
    "shared": [{"op": "share_ffn", "layers": [0, 2]}],
}


@dataclass(frozen=True)
class Away:
    """A device beside the CPU, and how far its figures may be from the CPU's."""

    pretended: bool
    tolerance: float

    def is_there(self, values: Any) -> bool:
        return is_away(values) if self.pretended else values.is_cuda


@pytest.fixture(params=["stand-in", pytest.param("GPU", marks=pytest.mark.gpu)])
def away(request: pytest.FixtureRequest) -> Iterator[Away]:
    if request.param == "GPU":
        yield Away(False, 2e-3)
        return
    with pretend_device():
        yield Away(True, 0.0)


def same(found: Any, expected: Any, away: Away) -> None:
    found, expected = (np.asarray(each, dtype=np.float64) for each in (found, expected))
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=away.tolerance * scale)


def on(device: str, directory: Path) -> Checkpoint:
    checkpoint = load_checkpoint(directory)
    checkpoint.model.to(device)
    return checkpoint


@dataclass(frozen=True)
class Repaired:
    """A repaired model, back on the CPU."""

    model: Any
    repairs: tuple[Repair, ...]
    scores: dict[Any, torch.Tensor]


def repaired(device: str, directory: Path, recipe: Any, weights: str) -> Repaired:
    base = on(device, directory)
    plan = make_plan(recipe, base.facts)
    surveyed = survey(
        base,
        BATCHES,
        plan,
        seed=0,
        progress=SILENT,
        token_weights=weights == "fisher",
        gradient_moments=True,
    )
    assert surveyed.gradient_moments is not None
    for values in (*surveyed.scores.values(), surveyed.gradient_moments):
        assert values.device.type == "cpu"
    model = sharing_copy(base.model)
    operate(model, plan, surveyed.scores)
    slim = build_slim(replace(base, model=model), plan.record)
    repairs = reconstruct(
        base,
        slim,
        plan,
        BATCHES,
        sensitivity=surveyed.token_weights,
        gradient_moments=surveyed.gradient_moments,
        seed=0,
        progress=SILENT,
    )
    assert all(parameter.device.type == device for parameter in slim.parameters())
    return Repaired(slim.to("cpu"), repairs, dict(surveyed.scores))


@pytest.mark.parametrize(
    ("model_type", "recipe", "weights"),
    [
        *(("bert", name, "variance") for name in RECIPES),
        ("bert", "narrowed", "fisher"),
        ("bert", "filled", "fisher"),
        ("modernbert", "narrowed", "variance"),
        ("deberta-v2", "heads", "variance"),
        ("mpnet", "heads", "variance"),
        ("albert", "narrowed", "variance"),
    ],
)
def test_survey_and_repair(
    model_type: str,
    recipe: str,
    weights: str,
    make_checkpoint: Callable[..., Path],
    make_recipe: Callable[..., Any],
    away: Away,
) -> None:
    directory = make_checkpoint(model_type)
    refine = 3 if recipe in ("narrowed", "heads", "by magnitude") else 0
    loaded = make_recipe(*RECIPES[recipe], reconstruct={"weights": weights, "refine": refine})
    here, there = (repaired(device, directory, loaded, weights) for device in ("cpu", "cuda"))
    for ranking, scores in here.scores.items():
        same(there.scores[ranking], scores, away)
    assert [each.part for each in here.repairs] == [each.part for each in there.repairs]
    for before, after in zip(here.repairs, there.repairs, strict=True):
        same(after.after, before.after, away)
    with torch.inference_mode():
        answers = [one.model(**BATCHES[0].inputs).logits for one in (here, there)]
    same(answers[1], answers[0], away)


@pytest.mark.parametrize("head", [HEAD, "", "TokenClassification", "MaskedLM", "MultipleChoice"])
def test_answers_are_compared(head: str, make_checkpoint: Callable[..., Path], away: Away) -> None:
    directory = make_checkpoint("bert", head)
    other = make_checkpoint("bert", head, num_hidden_layers=1)
    pairs = [PairedBatch(batch, batch) for batch in BATCHES]
    here, there = (
        compare_predictions(on(device, directory), on(device, other).model, pairs)
        for device in ("cpu", "cuda")
    )
    for name in ("kl", "agreement", "cosine"):
        expected = getattr(here, name)
        if expected is not None:
            same(getattr(there, name), expected, away)


def test_a_model_that_is_there_is_compared_with_one_that_is_here(
    make_checkpoint: Callable[..., Path], away: Away
) -> None:
    directory = make_checkpoint("bert", HEAD)
    pairs = [PairedBatch(batch, batch) for batch in BATCHES]
    found = compare_predictions(on("cuda", directory), on("cpu", directory).model, pairs)
    assert found.kl is not None
    same(found.kl, np.zeros_like(found.kl), away)


def test_layers_are_analyzed(make_checkpoint: Callable[..., Path], away: Away) -> None:
    directory = make_checkpoint("bert", HEAD)
    labels = [row % 2 for batch in BATCHES for row in batch.rows]
    table = Dataset.from_dict({"text": [str(row) for row in range(30)], "label": labels})
    rows = Rows(TextClassification(), table)
    labelled = [
        replace(batch, targets={"labels": torch.tensor([row % 2 for row in batch.rows])})
        for batch in BATCHES
    ]

    def analyzed(device: str) -> tuple[Any, ...]:
        model = on(device, directory)
        cka = measure_cka({"base": model}, {"base": BATCHES}, SILENT, seed=0)
        probes = measure_probes(
            {"base": model}, {"base": LabelledTexts(labelled, labelled)}, SILENT, seed=0
        )
        sensitivity = measure_sensitivity(model, rows, BATCHES, SILENT, length=16, seed=0)
        return (
            [matrix.values for matrix in cka.matrices],
            [point.score for point in probes.points],
            [effect.damage for effect in sensitivity.effects],
            block_damage(model, BATCHES, SILENT),
        )

    for found, expected in zip(analyzed("cuda"), analyzed("cpu"), strict=True):
        same(found, expected, away)


@pytest.mark.parametrize(
    ("model_type", "head"), [("bert", HEAD), ("bert", ""), ("modernbert", HEAD)]
)
def test_levels_are_solved_and_weighed(
    model_type: str,
    head: str,
    make_checkpoint: Callable[..., Path],
    make_recipe: Callable[..., Any],
    away: Away,
) -> None:
    directory = make_checkpoint(model_type, head)
    ranked = make_recipe(
        {"op": "resize_ffn", "layers": "all", "width": 8, "criterion": CRITERION},
        {"op": "prune_heads", "layers": "all", "heads": 1, "criterion": HEAD_CRITERION},
        reconstruct={},
    )

    def weighed(device: str) -> dict[Any, float]:
        base = on(device, directory)
        plan, choices = make_plan(ranked, base.facts), possible_choices(base.facts)
        scores = survey(base, BATCHES, plan, seed=0, progress=SILENT).scores
        library = build_library(base, choices, BATCHES, scores, seed=0, progress=SILENT)
        return StitchedModels(library, BATCHES).damages(choices, SILENT)

    here, there = weighed("cpu"), weighed("cuda")
    assert list(here) == list(there)
    same(list(there.values()), list(here.values()), away)


def test_a_batch_moves_with_its_targets(away: Away) -> None:
    batch = Batch({"input_ids": torch.ones(1, 2)}, (0,), {"labels": torch.ones(1)})
    moved = batch.to("cuda")
    assert away.is_there(moved.inputs["input_ids"])
    assert away.is_there(moved.targets["labels"])
    assert not away.is_there(batch.inputs["input_ids"])


@pytest.mark.parametrize(
    ("choice", "there", "expected"),
    [
        ("auto", False, Devices("cpu", "cpu")),
        ("auto", True, Devices("cuda", "cpu")),
        ("cpu", True, Devices("cpu", "cpu")),
        ("cuda", True, Devices("cuda", "cuda")),
    ],
)
def test_models_are_timed_on_a_gpu_only_by_name(
    choice: Any, there: bool, expected: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "has_cuda", lambda: there)
    assert resolve_devices(choice) == expected


def test_a_gpu_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    make_checkpoint: Callable[..., Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(gpu, "has_cuda", lambda: False)
    with pytest.raises(InputError, match="finds no GPU"):
        resolve_devices("cuda")
    monkeypatch.chdir(tmp_path)
    model = str(make_checkpoint("bert", HEAD, tokenizer=True, num_labels=2))
    for command in (
        ["cut", model, "-r", "drop_odd"],
        ["retrain", model, "--data", "builtin:pydocs", "--new-head"],
        ["analyze", model],
        ["bench", model],
        ["search", model, "--data", "builtin:pydocs"],
        ["cut", model, "--target-latency", "0.5x", "--data", "builtin:pydocs"],
        ["export", model, "--onnx", "--int8"],
    ):
        assert run([*command, "--device", "cuda", "--quiet"]) == 2, command
        assert capfd.readouterr().err == (
            "bertslim: --device cuda: PyTorch finds no GPU here; leave it out, or install a driver "
            "and a build of PyTorch for CUDA\n"
        )
    assert list(tmp_path.iterdir()) == []


def test_a_cut_says_where_each_figure_is_from(
    make_checkpoint: Callable[..., Path],
    away: Away,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The whole command, with times that are left out: another process takes them."""
    seen: list[str] = []

    def no_times(*_: Any, device: str, **__: Any) -> LatencyResult:
        seen.append(device)
        return LatencyResult(())

    if away.pretended:
        monkeypatch.setattr(gpu, "has_cuda", lambda: True)
        name_of = {"cpu": None, "cuda": "Some GPU"}
        monkeypatch.setattr("bertslim.commands.slim_result.gpu_name", name_of.get)
    monkeypatch.setattr("bertslim.commands.cut_work.measure_latency", no_times)
    monkeypatch.chdir(tmp_path)
    model = make_checkpoint("bert", HEAD, tokenizer=True, num_labels=2)
    data = tmp_path / "texts.txt"
    data.write_text("\n".join(f"good film {'abcdefgh'[n % 8]} {n}" for n in range(90)))
    figures = {}
    for choice in ("cpu", "auto", "cuda"):
        words = ["cut", str(model), "-r", "drop_odd_repaired", "--data", str(data), "-o", choice]
        assert run([*words, "--device", choice, "--quiet", "--threads", "1"]) == 0
        record = read_record(tmp_path / choice)
        figures[choice] = [one.after for one in record.repairs]
        (kl,) = record.find("fidelity.kl")
        place = "cpu" if choice == "cpu" else "cuda"
        assert (record.device, kl.context["device"]) == (place, place)
        assert (record.environment.gpu is None) == (choice == "cpu")
        report = (tmp_path / choice / "report.md").read_text()
        assert ("| GPU" in report) == (choice != "cpu")
        assert "device" in report
    assert seen == ["cpu", "cpu", "cuda"]
    same(figures["auto"], figures["cpu"], away)


@pytest.mark.gpu
def test_training_and_timing_on_a_gpu(
    make_checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = make_checkpoint("bert", HEAD, tokenizer=True, num_labels=2)
    data = tmp_path / "rows.csv"
    lines = [f"{'good' if n % 2 else 'bad'} film {n},{n % 2}" for n in range(400)]
    data.write_text("\n".join(["text,label", *lines]))
    brief = ["--steps", "6", "--batch-size", "16", "--dtype", "float32", "--quiet"]
    losses = {}
    for device in ("cpu", "cuda"):
        words = ["retrain", str(model), "--data", str(data), "-o", device, "--device", device]
        assert run([*words, "--no-dropout", *brief]) == 0
        training = read_record(tmp_path / device).training
        assert training is not None
        assert training.device == device
        losses[device] = [look.loss for look in training.looks if look.loss is not None]
    np.testing.assert_allclose(losses["cuda"], losses["cpu"], rtol=1e-3)
    times = ["--seconds", "0.2", "--launches", "1", "--batch", "1", "--length", "8"]
    words = ["cut", str(model), "-r", "drop_odd", "-o", "timed", "--device", "cuda"]
    assert run([*words, *times, "--quiet"]) == 0
    record = read_record(tmp_path / "timed")
    assert {one.context["device"] for one in record.find("latency")} == {"cuda"}
    (memory,) = record.find("memory.peak")
    assert "GPU" in str(memory.context["what"])
    assert memory.slim
