"""The fastest runtime is taken whose file of the base answers as PyTorch does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bertslim.data.task import Batch
from bertslim.measure.shapes import Shape
from bertslim.model.checkpoint import Checkpoint, load_checkpoint, sharing_copy
from bertslim.progress import Progress
from bertslim.records import RuntimeTried, runtimes_in_words
from bertslim.search import choose_runtime
from bertslim.search.choose_runtime import RuntimeChoice, RuntimeChooser, runtimes_at_hand
from bertslim.search.search_runtimes import SearchRuntime
from bertslim.search.timed_files import FileWriter, RuntimeTime

TORCH, ONNX, INT8 = (
    SearchRuntime.TORCH,
    SearchRuntime.ONNXRUNTIME,
    SearchRuntime.ONNXRUNTIME_INT8,
)
MS = {"torch": 5.0, "onnxruntime": 3.0}


@pytest.fixture(scope="module")
def base(make_checkpoint: Callable[..., Path]) -> Checkpoint:
    directory = make_checkpoint("bert", "SequenceClassification", num_labels=2)
    return load_checkpoint(directory)


@pytest.fixture(autouse=True)
def _made_up_times(monkeypatch: pytest.MonkeyPatch) -> None:
    def time_models(base, models, shape, **_) -> dict[str, RuntimeTime]:
        base_ms = MS[base.runtime]
        return {
            name: RuntimeTime(MS[model.runtime], base_ms, 1.0, None)
            for name, model in models.items()
        }

    monkeypatch.setattr(choose_runtime, "time_models", time_models)


def texts(base: Checkpoint) -> list[Batch]:
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(5, base.facts.vocab_size, (16, 9), generator=draw)
    inputs = {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "token_type_ids": torch.zeros_like(ids),
    }
    return [Batch(inputs, rows=tuple(range(16)))]


def choose(
    base: Checkpoint, folder: Path, *runtimes: SearchRuntime, other: Checkpoint | None = None
) -> RuntimeChoice:
    """Choose among runtimes; the files of all but PyTorch may be those of another model."""

    def writer(runtime: SearchRuntime) -> FileWriter:
        (folder / runtime).mkdir()
        made = FileWriter(base, runtime, [], folder / runtime)
        if other is not None and runtime is not TORCH:
            made.__dict__["base_file"] = made.write("other", other)
        return made

    progress = Progress(visible=False)
    chooser = RuntimeChooser(writer, texts(base), Shape(1, 16), 1, 0, progress)
    return chooser.choose(runtimes)


@torch.no_grad()
def with_other_weights(base: Checkpoint) -> Checkpoint:
    model = sharing_copy(base.model)
    weight = model.get_input_embeddings().weight
    model.get_input_embeddings().weight = torch.nn.Parameter(weight.flip(0) * 3)
    return replace(base, model=model)


def test_the_fastest_is_taken_and_its_file_is_there(base: Checkpoint, tmp_path: Path) -> None:
    choice = choose(base, tmp_path, TORCH, ONNX)
    assert choice.writer.runtime is ONNX
    assert choice.tried == (
        RuntimeTried(name="onnxruntime", ms=3.0),
        RuntimeTried(name="torch", ms=5.0),
    )
    assert choice.writer.base_file.path.is_file()
    assert runtimes_in_words(choice.tried) == "onnxruntime, 3 ms a call of the base (torch 5 ms)"


@pytest.mark.parametrize("runtime", [ONNX, INT8])
def test_a_file_that_answers_otherwise_is_left_out(
    base: Checkpoint, tmp_path: Path, runtime: SearchRuntime
) -> None:
    choice = choose(base, tmp_path, TORCH, runtime, other=with_other_weights(base))
    assert choice.writer.runtime is TORCH
    only, left_out = choice.tried
    assert only == RuntimeTried(name="torch")
    assert left_out.name == runtime
    assert left_out.ms is None
    assert left_out.left_out
    words = runtimes_in_words(choice.tried)
    assert words.startswith(f"torch, the only one; {runtime} is left out: ")


def test_what_is_at_hand_is_installed_and_made_for_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_hand(*, bfloat16: bool) -> tuple[SearchRuntime, ...]:
        monkeypatch.setattr(choose_runtime, "cpu_multiplies_bfloat16", lambda: bfloat16)
        return runtimes_at_hand()

    monkeypatch.setattr("bertslim.measure.runtimes.is_installed", lambda package: True)
    assert set(at_hand(bfloat16=True)) == set(SearchRuntime)
    assert set(SearchRuntime) - set(at_hand(bfloat16=False)) == {SearchRuntime.OPENVINO_BF16}
    monkeypatch.setattr(
        "bertslim.measure.runtimes.is_installed", lambda package: package == "torch"
    )
    assert at_hand(bfloat16=True) == (TORCH,)
