"""The library: the commands as functions, and loading of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bertslim.commands.cut import cut as _cut
from bertslim.commands.retrain import retrain as _retrain
from bertslim.commands.slim_result import SlimResult
from bertslim.data.data_options import DataOptions
from bertslim.measure.measure_options import MeasureOptions
from bertslim.model.model_source import find_model
from bertslim.options.cut import CutOptions
from bertslim.options.retrain import RetrainOptions
from bertslim.progress import Progress

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CutResult: TypeAlias = SlimResult
RetrainResult: TypeAlias = SlimResult

__all__ = [
    "CutOptions",
    "CutResult",
    "DataOptions",
    "MeasureOptions",
    "RetrainOptions",
    "RetrainResult",
    "SlimResult",
    "cut",
    "load",
    "retrain",
]


def load(model: str | Path) -> PreTrainedModel:
    """Load a base or slim checkpoint in eval mode, without running code of the checkpoint's own.

    Args:
        model: A local directory, `pkg:NAME` or a Hub id.

    Raises:
        ModelError: The checkpoint is missing, damaged or of a family not supported.
    """
    from bertslim.model.checkpoint import load_model

    return load_model(find_model(str(model)).directory)


def cut(options: CutOptions) -> SlimResult:
    """Cut a model by recipe and write the slim one, with its report, as `bertslim cut` does.

    Raises:
        InputError: The model, the recipe, the data or the output is not usable.
    """
    return _cut(options, Progress(visible=False))


def retrain(options: RetrainOptions) -> SlimResult:
    """Fine-tune a model on labelled texts, as `bertslim retrain` does.

    Raises:
        InputError: The model, the data or the output is not usable.
    """
    return _retrain(options, Progress(visible=False))
