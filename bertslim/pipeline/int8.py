"""Quantise a model, and leave in float32 what held-out texts show to suffer from int8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.data.batches import Batch, batches
from bertslim.data.feature_extraction import pooling_of
from bertslim.data.paired_batches import PairedBatch
from bertslim.data.splits import Splits
from bertslim.data.task import Rows
from bertslim.export.int8_plan import Int8Plan
from bertslim.export.int8_survey import survey
from bertslim.export.onnx import convert, save
from bertslim.export.onnx_model import OnnxModel
from bertslim.export.parity import check_parity
from bertslim.export.quantize import quantize_dynamic, quantize_static
from bertslim.measure.decisions import model_inputs
from bertslim.measure.fidelity import measure_fidelity
from bertslim.measure.predictions import compare_predictions
from bertslim.model.checkpoint import Checkpoint
from bertslim.pipeline.texts import BATCH_SIZE, text_length
from bertslim.progress import Progress
from bertslim.wording import counted, listed

if TYPE_CHECKING:
    import onnx_ir
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

SURVEY_ROWS = 64
SELECT_ROWS = 512
CLOSE_ENOUGH = 0.002  # nats of KL, or what a cosine or a correlation lacks to 1
ROUNDED_WORDS = 0.1  # how far int8 word embeddings may move answers to random words
_SURVEY_BATCH = 16
_MOST_IN_FLOAT = 0.5


@dataclass(frozen=True)
class OnnxGraph:
    """An ONNX graph, and what is known of it.

    Attributes:
        model: The graph.
        in_float32: What is computed in float32, in words.
        notes: What the reader should know.
    """

    model: onnx_ir.Model
    in_float32: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Int8Texts:
    """Texts that an int8 model is made by, none of which is reported on.

    Attributes:
        survey: To see what int8 does to each map.
        select: To see how far the whole model is from float32.
        tokenizer: The model's tokenizer.
    """

    survey: Rows
    select: Rows
    tokenizer: PreTrainedTokenizerBase

    @classmethod
    def of(cls, splits: Splits, tokenizer: PreTrainedTokenizerBase) -> Int8Texts:
        """Take as many as are needed."""
        return cls(
            survey=splits.fit.select(range(min(SURVEY_ROWS, len(splits.fit)))),
            select=splits.select.select(range(min(SELECT_ROWS, len(splits.select)))),
            tokenizer=tokenizer,
        )


def quantise(
    checkpoint: Checkpoint,
    texts: Int8Texts | None,
    path: Path,
    progress: Progress,
    *,
    static: bool = False,
) -> OnnxGraph:
    """Make the int8 graph of a model and write it.

    The graph must answer as PyTorch does before any of it becomes int8. With texts, outlier neurons
    stay in float32, and 1, 2, 4, 8 … of the maps that suffer most until what the model says of
    held-out texts is CLOSE_ENOUGH to float32, or half of the maps stay.

    Args:
        checkpoint: The model; its weights become float32.
        texts: What to go by; None: all of it becomes int8.
        path: The file to write.
        progress: Shows the steps.
        static: Whether to settle the scales of activations by the texts, too.

    Raises:
        BertslimError: The graph does not answer as PyTorch does.
    """
    checkpoint.model.float()
    if texts is None:
        graph = _checked(checkpoint, Int8Plan(), path, progress)
        model = _write(graph, path)
        return OnnxGraph(model, notes=("int8 was not checked on texts: there is no tokenizer",))
    with progress.step("see what int8 changes"):
        select = _batches(checkpoint, texts.select, texts, BATCH_SIZE)
        seen = _batches(checkpoint, texts.survey, texts, _SURVEY_BATCH)
        plan = replace(survey(checkpoint, seen), static=static)
    most, left, tried = int(len(plan.sensitive) * _MOST_IN_FLOAT), 0, plan
    graph = _checked(checkpoint, plan, path, progress)
    calibration = [model_inputs(one, checkpoint.facts.head) for one in seen] if static else []
    while True:
        with progress.step("quantise"):
            model = _write(graph, path, calibration)
        with progress.step("compare on held-out texts"):
            distance = _distance(checkpoint, texts, select, path)
        if distance is None or distance <= CLOSE_ENOUGH or left >= most:
            return OnnxGraph(model, _in_words(tried), _notes(distance))
        left = min(most, 2 * left or 1)
        tried = plan.leaving(left)
        with progress.step("convert"):
            graph = convert(checkpoint, tried)


def _checked(
    checkpoint: Checkpoint, plan: Int8Plan, path: Path, progress: Progress
) -> onnx_ir.Model:
    """Convert the model as the plan wants it, and see that it is still the same model.

    Word embeddings are int8 in it already, and nothing else.
    """
    with progress.step("convert"):
        graph = convert(checkpoint, plan)
        save(graph, path, for_cpu=False)
    with progress.step("compare to PyTorch before int8"):
        check_parity(checkpoint, OnnxModel(path), "int8", bound=ROUNDED_WORDS)
    return graph


def _write(
    graph: onnx_ir.Model, path: Path, calibration: Sequence[dict[str, Tensor]] = ()
) -> onnx_ir.Model:
    model = quantize_static(graph, calibration) if calibration else quantize_dynamic(graph)
    save(model, path)
    return model


def _distance(
    checkpoint: Checkpoint, texts: Int8Texts, select: Sequence[Batch], path: Path
) -> float | None:
    """How far int8 is from float32: KL, or what the cosine or the correlation lacks to 1."""
    comparison = compare_predictions(
        checkpoint.model,
        OnnxModel(path),
        [PairedBatch(one, one) for one in select],
        checkpoint.facts,
        pooling=pooling_of(texts.select),
    )
    found = {one.name: one.slim for one in measure_fidelity(comparison, seed=0, context={})}
    if (kl := found.get("fidelity.kl")) is not None:
        return kl
    likeness = found.get("fidelity.cosine", found.get("fidelity.pearson"))
    return None if likeness is None else 1 - likeness


def _batches(checkpoint: Checkpoint, rows: Rows, texts: Int8Texts, size: int) -> list[Batch]:
    length = text_length(checkpoint.facts)
    return batches(rows, texts.tokenizer, batch_size=size, max_length=length)


def _in_words(plan: Int8Plan) -> tuple[str, ...]:
    neurons = sum(map(len, plan.outlier_neurons.values()))
    apart = counted(neurons, "outlier neuron", "outlier neurons")
    layers = listed([str(layer) for layer in plan.outlier_neurons])
    where = f"{apart} of the FFN blocks of layers {layers}"
    return (*((where,) if neurons else ()), *map(str, plan.float_maps))


def _notes(distance: float | None) -> tuple[str, ...]:
    if distance is None or distance <= CLOSE_ENOUGH:
        return ()
    return (
        f"int8 does not follow float32 closely: {distance:.2g} on held-out texts, with half of the "
        f"maps in float32; {CLOSE_ENOUGH:g} was aimed at",
    )
