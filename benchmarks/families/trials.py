"""One operation on one tiny model through all steps: cut, repair, reload, ONNX, OpenVINO, int8."""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import bertslim
from benchmarks.families.operations import ALL_LAYERS, Operation
from benchmarks.families.results import OperationResult, Outcome
from bertslim.commands.export import export_checkpoint
from bertslim.data.batches import batches
from bertslim.data.load import BATCH_SIZE, load_splits, text_length
from bertslim.data.outputs import model_inputs
from bertslim.data.task import Batch
from bertslim.errors import InputError
from bertslim.export.formats import Format, Precision
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import load_tokenizer
from bertslim.options.export import ExportOptions
from bertslim.printable import one_line, shortened
from bertslim.progress import Progress
from bertslim.recipe.schema import Recipe
from bertslim.records import ExportRecord, Measurement

SILENT = Progress(visible=False)
_LONGEST = 300
FAR = "int8 does not follow float32"  # how a note of an export begins
SELECTOR = "layers: "  # what the message of a layer follows


@dataclass(frozen=True)
class Trial:
    """An operation that was carried out, before it is reloaded and exported.

    Attributes:
        operation: What was done.
        directory: The checkpoint, the repaired one where there is a repair; None: refused.
        result: What came of cut and repair.
    """

    operation: Operation
    directory: Path | None
    result: OperationResult


@dataclass(frozen=True)
class Bench:
    """A tiny model, and the texts that it is cut by and judged on.

    Attributes:
        base: Its directory.
        data: The texts.
        scratch: Where slim models go.
    """

    base: Path
    data: bertslim.DataOptions
    scratch: Path

    def cut(self, recipe: Recipe) -> Path:
        """Carry a recipe out as `bertslim cut` does."""
        path = self.scratch / f"{recipe.name}.yaml"
        path.write_text(recipe.to_yaml(), encoding="utf-8")
        options = bertslim.CutOptions(
            str(self.base),
            str(path),
            output=self.scratch / recipe.name,
            data=self.data,
            measure=None,
            threads=1,
            force=True,
        )
        return bertslim.cut(options).directory

    def held_out(self, base: Checkpoint) -> list[Batch]:
        """Return the texts that no cut and no repair has seen."""
        head = describe_head(base.directory, base.config, base.facts)
        rows = load_splits(self.data, head, SILENT).report
        tokenizer = load_tokenizer(base.directory)
        length = text_length(base.facts, tokenizer, rows.task)
        return batches(rows, tokenizer, batch_size=BATCH_SIZE, max_length=length)


def attempt(step: Callable[[], Outcome]) -> Outcome:
    """Run a step; a refusal on purpose is one thing, any other failure a fault."""
    try:
        return step()
    except InputError as error:
        return Outcome(state="refused", message=_reason(error))
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return Outcome(
            state="fault", message=shortened(one_line(f"{type(error).__name__}: {error}"), _LONGEST)
        )


def _reason(error: InputError) -> str:
    """Return a refusal without the name of the file of the recipe."""
    return str(error).splitlines()[0].rpartition(SELECTOR)[2]


def carry_out(bench: Bench, operation: Operation) -> Trial:
    """Cut and repair; where single layers are refused, all of them together."""
    trial = _carry_out(bench, operation, operation.layers)
    refused = trial.result.cut
    if refused.state != "refused" or operation.layers in ({}, ALL_LAYERS):
        return trial
    together = _carry_out(bench, operation, ALL_LAYERS)
    if together.result.cut.state == "refused":
        return trial
    result = together.result.model_copy(update={"everywhere": refused.message})
    return Trial(operation, together.directory, result)


def _carry_out(bench: Bench, operation: Operation, layers: Mapping[str, Any]) -> Trial:
    made: list[Path] = []

    def cut() -> Outcome:
        made.append(bench.cut(operation.recipe(layers, repair=False)))
        return Outcome(state="passed")

    def repair() -> Outcome:
        made.append(bench.cut(operation.recipe(layers, repair=True)))
        base = load_checkpoint(bench.base)
        held_out = bench.held_out(base)
        before, after = (stream_error(base, load_checkpoint(path), held_out) for path in made)
        if after < before:
            return Outcome(state="passed", figure=after / before)
        what = f"held-out error does not fall: {before:.3g} -> {after:.3g}"
        return Outcome(state="fault", figure=after / before if before else None, message=what)

    result = OperationResult(operation=operation.name, cut=attempt(cut))
    if made and operation.repaired:
        result = result.model_copy(update={"repair": attempt(repair)})
    return Trial(operation, made[-1] if made else None, result)


@torch.inference_mode()
def stream_error(base: Checkpoint, slim: Checkpoint, held_out: Iterable[Batch]) -> float:
    """Return the mean squared error of the last hidden states, as a share of their mean square."""
    apart = whole = 0.0
    for batch in held_out:
        inputs = model_inputs(batch, base.facts.head)
        tokens = inputs["attention_mask"].bool()
        before, after = (
            one.model.base_model(**inputs).last_hidden_state[tokens].double()
            for one in (base, slim)
        )
        apart += float((after - before).square().sum())
        whole += float(before.square().sum())
    return apart / whole


def export_all(bench: Bench, directory: Path) -> dict[str, Outcome]:
    """Export a checkpoint as `bertslim export` does; each export is held to PyTorch."""
    return {
        "onnx": attempt(lambda: _exported(export(directory, Format.ONNX))),
        "openvino": attempt(lambda: _exported(export(directory, Format.OPENVINO))),
        "int8": attempt(lambda: _quantised(export(directory, Format.ONNX, "int8", bench.data))),
    }


def export(
    directory: Path,
    form: Format,
    precision: Precision = "fp32",
    data: bertslim.DataOptions | None = None,
) -> ExportRecord:
    """Export a checkpoint as `bertslim export` does."""
    options = ExportOptions(
        directory, format=form, precision=precision, data=data, threads=1, force=True
    )
    return export_checkpoint(options, SILENT).record


def _exported(record: ExportRecord) -> Outcome:
    return Outcome(state="passed", figure=record.difference)


def _quantised(record: ExportRecord) -> Outcome:
    """Take the export's word for it whether int8 is close to float32 on texts that it may see."""
    loss = fidelity_loss(record.measurements)
    if not math.isfinite(loss):
        return Outcome(state="fault", message="int8 answers are not finite")
    far = [note for note in record.notes if note.startswith(FAR)]
    return Outcome(state="far" if far else "passed", figure=loss, message="; ".join(far))


def fidelity_loss(measurements: Iterable[Measurement]) -> float:
    """Return KL on held-out texts, or what the cosine of bare encoders lacks to 1."""
    figures = {one.name: one.slim for one in measurements}
    if (kl := figures.get("fidelity.kl")) is not None:
        return kl
    cosine = figures["fidelity.cosine"]
    assert cosine is not None
    return 1 - cosine
