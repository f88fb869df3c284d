"""Quantise a model, and leave in float32 what held-out texts show to suffer from int8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.data.batches import batches
from bertslim.data.load import BATCH_SIZE, text_length
from bertslim.data.outputs import model_inputs
from bertslim.data.splits import Splits
from bertslim.data.task import Batch, Rows
from bertslim.export.distance import CLOSE_ENOUGH, Distance, distance_on
from bertslim.export.int8_plan import Int8Plan
from bertslim.export.int8_survey import survey
from bertslim.export.onnx import convert, save
from bertslim.export.onnx_model import OnnxModel
from bertslim.export.parity import check_parity
from bertslim.export.quantize import quantize_dynamic, quantize_static
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.wording import counted, listed

if TYPE_CHECKING:
    import onnx_ir
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

SURVEY_ROWS = 64
SELECT_ROWS = 512
ROUNDED_WORDS = 0.1  # how far int8 word embeddings may move answers to random words
_SURVEY_BATCH = 16
_MOST_IN_FLOAT = 0.5
_AS_NEAR = 1.25


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
        survey: To measure what int8 does to each map.
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


@dataclass(frozen=True)
class Trial:
    """How far a model is from float32 that leaves so many maps in float32."""

    maps: int
    distance: Distance


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
    stay in float32, and 1, 2, 4, 8 … of the maps that suffer most, up to half of them, while what
    the model puts out for held-out texts is surely not CLOSE_ENOUGH to float32. If it never is, no
    more maps stay than help.

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
    graph = _checked(checkpoint, plan, path, progress)
    calibration = [model_inputs(batch, checkpoint.facts.head) for batch in seen] if static else []

    def write(maps: int) -> onnx_ir.Model:
        left = graph
        if maps:
            with progress.step("convert"):
                left = convert(checkpoint, plan.leaving(maps))
        with progress.step("quantise"):
            return _write(left, path, calibration)

    trials: list[Trial] = []
    for maps in _doubling(int(len(plan.sensitive) * _MOST_IN_FLOAT)):
        model = write(maps)
        with progress.step("compare on held-out texts"):
            distance = distance_on(select, checkpoint, OnnxModel(path))
        if distance is None or distance.is_small:
            return OnnxGraph(model, _in_words(plan.leaving(maps)))
        trials.append(Trial(maps, distance))
    chosen = fewest_that_help(trials)
    if chosen is not trials[-1]:
        model = write(chosen.maps)
    return OnnxGraph(model, _in_words(plan.leaving(chosen.maps)), (_far(chosen, trials[-1]),))


def _doubling(most: int) -> Iterator[int]:
    """Count 0, 1, 2, 4, 8 …, and the most."""
    count = 0
    while count < most:
        yield count
        count = 2 * count or 1
    yield most


def fewest_that_help(trials: Sequence[Trial]) -> Trial:
    """Return that with the fewest maps in float32 of those about as near as the nearest."""
    nearest = min(trial.distance.estimate for trial in trials)
    return next(trial for trial in trials if trial.distance.estimate <= _AS_NEAR * nearest)


def _far(chosen: Trial, last: Trial) -> str:
    """Say that int8 is not close, and what more maps in float32 would do."""
    message = (
        f"int8 does not follow float32 closely: {chosen.distance.estimate:.2g} on held-out texts, "
        f"{CLOSE_ENOUGH:g} was aimed at"
    )
    if chosen is last:
        return f"{message}, with half of the maps in float32"
    return f"{message}; with half of the maps in float32 it is {last.distance.estimate:.2g}"


def _checked(
    checkpoint: Checkpoint, plan: Int8Plan, path: Path, progress: Progress
) -> onnx_ir.Model:
    """Convert the model as the plan has it, and check that it is still the same model.

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


def _batches(checkpoint: Checkpoint, rows: Rows, texts: Int8Texts, size: int) -> list[Batch]:
    length = text_length(checkpoint.facts, texts.tokenizer, rows.task)
    return batches(rows, texts.tokenizer, batch_size=size, max_length=length)


def _in_words(plan: Int8Plan) -> tuple[str, ...]:
    neurons = sum(map(len, plan.outlier_neurons.values()))
    apart = counted(neurons, "outlier neuron", "outlier neurons")
    layers = listed([str(layer) for layer in plan.outlier_neurons])
    where = f"{apart} of the FFN blocks of layers {layers}"
    return (*((where,) if neurons else ()), *map(str, plan.float_maps))
