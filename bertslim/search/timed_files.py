"""Models written as the files of a runtime, and timed beside one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from transformers import PreTrainedModel

from bertslim.data.outputs import model_inputs
from bertslim.data.task import Batch
from bertslim.measure.latency import LatencyBench, run_launches
from bertslim.measure.runtimes import TimedModel
from bertslim.measure.shapes import Shape
from bertslim.model.checkpoint import Checkpoint, build_slim, save_checkpoint, sharing_copy
from bertslim.progress import Progress
from bertslim.recipe.plan import CutPlan
from bertslim.records import Interval
from bertslim.search.levels import CRITERION, HEAD_CRITERION
from bertslim.search.search_runtimes import SearchRuntime
from bertslim.surgery.criteria import Ranking
from bertslim.surgery.layer_surgery import operate

LAUNCHES = 2
_AT_ONCE = 5  # models beside the one that they are compared with: each is a process
_MOST_SAMPLES = 8  # texts that ranges of int8 are taken from: for times any do
_MIN_ROUNDS = 8
_BASE = "base"


@dataclass(frozen=True)
class RuntimeTime:
    """What a model takes beside the base.

    Attributes:
        fastest_ms: The fastest call, which other programs slow down least.
        base_fastest_ms: The same of what it was timed beside.
        median_ratio: Of the medians, round by round.
        interval: Of that.
    """

    fastest_ms: float
    base_fastest_ms: float
    median_ratio: float
    interval: Interval | None

    @property
    def ratio(self) -> float:
        """Of the fastest calls."""
        return self.fastest_ms / self.base_fastest_ms


@dataclass(frozen=True)
class FileWriter:
    """Writes models as the files of a runtime.

    int8 files are in int8 throughout, where `bertslim export` may leave a map in float32.

    Attributes:
        base: What the models are made of.
        runtime: What is to run them.
        texts: Any texts, for what fixes ranges by them.
        folder: Where the files go.
        timed_texts: A file of texts that models are timed on; None: there are none.
    """

    base: Checkpoint
    runtime: SearchRuntime
    texts: Sequence[Batch]
    folder: Path
    timed_texts: Path | None = None

    @cached_property
    def base_file(self) -> TimedModel:
        """The base as the file of the runtime, written when it is first asked for."""
        return self.write(_BASE, self.base)

    def write_cut(self, name: str, plan: CutPlan) -> TimedModel:
        """Write the base as the recipe of a configuration cuts it, without a repair."""
        return self.write(name, cut_copy(self.base, plan))

    def write(self, name: str, checkpoint: Checkpoint) -> TimedModel:
        """Write a model.

        Args:
            name: Of its folder.
            checkpoint: The model, with its shape.

        Raises:
            BertslimError: It cannot be exported.
        """
        folder = self.folder / name
        folder.mkdir()
        path = self._write_into(folder, checkpoint)
        return TimedModel(path, self.runtime.files.runtime, self.timed_texts)

    def _write_into(self, folder: Path, checkpoint: Checkpoint) -> Path:
        if self.runtime is SearchRuntime.TORCH:
            save_checkpoint(checkpoint.model, folder, checkpoint.extra, checkpoint.config)
            return folder
        if self.runtime in (SearchRuntime.ONNXRUNTIME, SearchRuntime.ONNXRUNTIME_INT8):
            return self._write_onnx(folder, checkpoint)
        return self._write_ir(folder, checkpoint)

    def _write_onnx(self, folder: Path, checkpoint: Checkpoint) -> Path:
        from bertslim.export.int8_plan import Int8Plan
        from bertslim.export.onnx import convert, save
        from bertslim.export.quantize import quantize_dynamic

        path = folder / "model.onnx"
        if self.runtime.files.int8:
            save(quantize_dynamic(convert(checkpoint, Int8Plan())), path)
        else:
            save(convert(checkpoint), path)
        return path

    def _write_ir(self, folder: Path, checkpoint: Checkpoint) -> Path:
        from bertslim.export.openvino import convert, quantize_static, save

        path = folder / "openvino_model.xml"
        model = convert(checkpoint)
        if self.runtime.files.int8:
            model = quantize_static(model, self._samples(), checkpoint)
        save(model, path, path.with_suffix(".bin"))
        checkpoint.model.config.save_pretrained(folder)  # which settles the inputs of an IR
        return path

    def _samples(self) -> list[dict[str, torch.Tensor]]:
        """Return texts one by one, without their padding."""
        samples = []
        for batch in self.texts:
            for number in range(len(batch.rows)):
                one = batch.part(slice(number, number + 1))
                real = one.inputs["attention_mask"][0].bool()
                inputs = {name: values[:, real] for name, values in one.inputs.items()}
                samples.append(model_inputs(replace(one, inputs=inputs), self.base.facts.head))
                if len(samples) == _MOST_SAMPLES:
                    return samples
        return samples


@torch.no_grad()
def cut_copy(base: Checkpoint, plan: CutPlan) -> Checkpoint:
    """Return the base cut by a recipe; times do not depend on which neurons are left.

    Args:
        base: Left as it is; the copy shares its tensors.
        plan: The recipe of a configuration.
    """
    scores = {}
    for number, layer in enumerate(base.facts.layers):
        scores[Ranking(CRITERION, "ffn", number)] = torch.ones(layer.intermediate_size).double()
        scores[Ranking(HEAD_CRITERION, "attention", number)] = torch.ones(layer.heads).double()
    model = sharing_copy(base.model)
    operate(model, plan, scores)
    return as_checkpoint(base, build_slim(replace(base, model=model), plan.record), plan)


def as_checkpoint(base: Checkpoint, slim: PreTrainedModel, plan: CutPlan) -> Checkpoint:
    """Return a slim model with the facts of its plan."""
    facts = base.facts.model_copy(update={"layers": plan.record.slim_layers})
    return replace(base, model=slim, facts=facts)


def time_models(
    base: TimedModel,
    models: Mapping[str, TimedModel],
    shape: Shape,
    *,
    threads: int,
    seconds: float,
    seed: int,
    progress: Progress,
    launches: int = LAUNCHES,
) -> dict[str, RuntimeTime]:
    """Time models beside the base, a few at once, all taking turns.

    Args:
        base: What each is compared with.
        models: By any names.
        shape: What they are run on.
        threads: Threads of each.
        seconds: For each of them.
        seed: Settles the random inputs and the bootstrap.
        progress: Shows the rounds.
        launches: How often all are started anew: on some machines a process is slower by a sixth
            for as long as it lives, and only another one shows it.

    Raises:
        BertslimError: A model cannot be loaded or run.
    """
    names = list(models)
    timed: dict[str, RuntimeTime] = {}
    for start in range(0, len(names), _AT_ONCE):
        group = {name: models[name] for name in names[start : start + _AT_ONCE]}
        with LatencyBench(
            {_BASE: base, **group},
            [shape],
            threads=threads,
            seed=seed,
            progress=progress,
            min_rounds=_MIN_ROUNDS,
        ) as bench:
            run_launches(bench, launches, seconds * (len(group) + 1))
            timed |= {name: _time_of(bench, name, shape) for name in group}
    return timed


def without_drift(timed: Mapping[str, RuntimeTime]) -> tuple[float, dict[str, float]]:
    """Return the fastest call of the base, and those of the models by name, in ms.

    What the base is slower by in a group of models, they are taken to be, too.

    Args:
        timed: Beside the same base, all in the same runs or in several.
    """
    least = min(one.base_fastest_ms for one in timed.values())
    return least, {
        name: one.fastest_ms * least / one.base_fastest_ms for name, one in timed.items()
    }


def _time_of(bench: LatencyBench, name: str, shape: Shape) -> RuntimeTime:
    latency = bench.compare(_BASE, name).measurements[0]
    assert latency.ratio is not None  # noqa: S101
    return RuntimeTime(
        bench.fastest_ms(name, shape),
        bench.fastest_ms(_BASE, shape),
        latency.ratio,
        latency.interval,
    )
