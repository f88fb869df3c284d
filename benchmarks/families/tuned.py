"""What a repair saves of fine-tuned tiny models, and what int8 costs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import bertslim
from benchmarks.families.bases import LABELLED, TRAINING_STEPS, tuned_base
from benchmarks.families.results import CutKl, Int8Kl, TunedResult
from benchmarks.families.trials import SILENT, Bench, export
from bertslim.data.load import load_splits
from bertslim.data.splits import Splits
from bertslim.errors import RecipeError
from bertslim.export.formats import Format
from bertslim.export.int8 import quantise
from bertslim.export.onnx_model import OnnxModel
from bertslim.measure.evaluation import evaluate
from bertslim.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from bertslim.model.copied_files import copy_files
from bertslim.model.families import Family
from bertslim.model.head_facts import describe_head
from bertslim.model.layer import model_layers
from bertslim.model.tokenizer import load_tokenizer
from bertslim.recipe.recipe_files import load_recipe
from bertslim.recipe.schema import Recipe
from bertslim.records import Measurement

RECIPES = ("narrow_odd", "quarter_width_repaired")
STRONG, STRENGTH = 2, 300.0  # neurons in each block, and how strong


def measure_tuned(family: Family, scratch: Path) -> TunedResult:
    """Fine-tune a tiny model, cut it with repair and without, and quantise it."""
    training, accuracy = tuned_base(family, scratch / "tuned")
    base = load_checkpoint(scratch / "tuned")
    head = describe_head(base.directory, base.config, base.facts)
    splits = load_splits(LABELLED, head, SILENT)
    bench = Bench(base.directory, LABELLED, scratch)
    strong = with_strong_neurons(base, scratch / "strong")
    return TunedResult(
        steps=TRAINING_STEPS,
        seconds=training.seconds,
        accuracy=accuracy,
        rows=len(splits.report),
        cuts=tuple(_cut(bench, base, splits, load_recipe(name).recipe) for name in RECIPES),
        int8=_planned_int8(base),
        int8_throughout=_int8_throughout(base, splits, scratch),
        strong=_planned_int8(strong),
        strong_throughout=_int8_throughout(strong, splits, scratch),
    )


def without_repair(recipe: Recipe) -> Recipe:
    """Return the same cut without the repair."""
    left: dict[str, Any] = recipe.model_dump(mode="json", exclude_none=True)
    left.pop("reconstruct")
    return Recipe.model_validate(left | {"name": f"{recipe.name}_unrepaired"})


def _cut(bench: Bench, base: Checkpoint, splits: Splits, recipe: Recipe) -> CutKl:
    try:
        repaired, unrepaired = (
            figure(compare(base, bertslim.load(bench.cut(one)), splits), "fidelity.kl")
            for one in (recipe, without_repair(recipe))
        )
    except RecipeError:
        return CutKl(recipe=recipe.name)
    return CutKl(recipe=recipe.name, unrepaired=unrepaired, repaired=repaired)


@torch.no_grad()
def with_strong_neurons(base: Checkpoint, directory: Path) -> Checkpoint:
    """Write a checkpoint with a few neurons of each FFN block that are far stronger than others.

    Their inputs are multiplied and their outputs divided by STRENGTH: the model says nearly the
    same, and one scale for all neurons leaves the others hardly a step of int8.
    """
    made = load_checkpoint(base.directory)
    for layer in model_layers(made.model):
        block = layer.ffn
        for neuron in range(STRONG):
            for parameter in block.input.parameters():
                parameter[neuron] *= STRENGTH
            block.output.weight[:, neuron] /= STRENGTH
    directory.mkdir()
    save_checkpoint(made.model, directory, made.extra, made.config)
    copy_files(base.directory, directory)
    return load_checkpoint(directory)


def compare(base: Checkpoint, other: Callable[..., Any], splits: Splits) -> tuple[Measurement, ...]:
    """Compare a model with the base on held-out texts."""
    tokenizer = load_tokenizer(base.directory)
    found = evaluate(base, other, splits, tokenizer, seed=0, progress=SILENT)
    return found.measurements


def figure(measurements: tuple[Measurement, ...], name: str) -> float:
    """Return the figure of that name of the slim model."""
    (found,) = (one.slim for one in measurements if one.name == name)
    assert found is not None
    return found


def _planned_int8(base: Checkpoint) -> Int8Kl:
    """Quantise as `bertslim export` does: what int8 harms most stays in float32."""
    record = export(base.directory, Format.ONNX, "int8", LABELLED)
    return _int8_kl(record.measurements, record.in_float32)


def _int8_throughout(base: Checkpoint, splits: Splits, scratch: Path) -> Int8Kl:
    """Quantise all products, as where there are no texts to go by."""
    path = scratch / "throughout.onnx"
    quantise(base, None, path, SILENT)
    return _int8_kl(compare(base, OnnxModel(path), splits))


def _int8_kl(measurements: tuple[Measurement, ...], in_float32: tuple[str, ...] = ()) -> Int8Kl:
    return Int8Kl(
        kl=figure(measurements, "fidelity.kl"),
        agreement=figure(measurements, "fidelity.agreement"),
        in_float32=in_float32,
    )
