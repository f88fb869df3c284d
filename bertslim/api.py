"""The library: the commands as functions, and loading of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bertslim.commands.analyze import AnalyzeResult
from bertslim.commands.analyze import analyze as _analyze
from bertslim.commands.bench import bench as _bench
from bertslim.commands.check import check as _check
from bertslim.commands.cut import cut as _cut
from bertslim.commands.export import ExportResult, export_checkpoint
from bertslim.commands.inspect import Inspection, inspect_model
from bertslim.commands.report import ReportResult
from bertslim.commands.report import report as _report
from bertslim.commands.retrain import retrain as _retrain
from bertslim.commands.search import SearchResult
from bertslim.commands.search import search as _search
from bertslim.commands.slim_result import SlimResult
from bertslim.data.data_options import DataOptions
from bertslim.gate.accuracy_rule import MaxAccuracyDrop
from bertslim.gate.check_result import CheckResult
from bertslim.gate.latency_rules import MaxLatency, MaxLatencyRatio, MaxRegression
from bertslim.gate.size_rules import MaxBytes, MaxParameters
from bertslim.measure.measure_options import MeasureOptions
from bertslim.model.model_source import find_model
from bertslim.options.analyze import AnalyzeOptions
from bertslim.options.bench import BenchOptions
from bertslim.options.check import CheckOptions
from bertslim.options.cut import CutOptions
from bertslim.options.export import ExportOptions
from bertslim.options.inspect import InspectOptions
from bertslim.options.report import ReportOptions
from bertslim.options.retrain import RetrainOptions
from bertslim.options.search import SearchOptions
from bertslim.progress import Progress, runs_in_notebook
from bertslim.records import BenchResult

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CutResult: TypeAlias = SlimResult
RetrainResult: TypeAlias = SlimResult

__all__ = [
    "AnalyzeOptions",
    "AnalyzeResult",
    "BenchOptions",
    "BenchResult",
    "CheckOptions",
    "CheckResult",
    "CutOptions",
    "CutResult",
    "DataOptions",
    "ExportOptions",
    "ExportResult",
    "InspectOptions",
    "Inspection",
    "MaxAccuracyDrop",
    "MaxBytes",
    "MaxLatency",
    "MaxLatencyRatio",
    "MaxParameters",
    "MaxRegression",
    "MeasureOptions",
    "ReportOptions",
    "ReportResult",
    "RetrainOptions",
    "RetrainResult",
    "SearchOptions",
    "SearchResult",
    "SlimResult",
    "analyze",
    "bench",
    "check",
    "cut",
    "export",
    "inspect",
    "load",
    "report",
    "retrain",
    "search",
]


def load(model: str | Path) -> PreTrainedModel:
    """Load a base or slim checkpoint in eval mode, without running code of the checkpoint's own.

    Args:
        model: A local directory, `pkg:NAME` or a Hub id, which may end in `@` and a revision.

    Raises:
        ModelError: The checkpoint is missing, damaged or of a family not supported.
    """
    from bertslim.model.checkpoint import load_model

    return load_model(find_model(str(model)).directory)


def inspect(options: InspectOptions) -> Inspection:
    """Describe a model without building it, as `bertslim inspect` does.

    Raises:
        ModelError: There is no such checkpoint, or its family is not supported.
    """
    return inspect_model(options)


def cut(options: CutOptions) -> SlimResult:
    """Cut a model by recipe and write the slim one, with its report, as `bertslim cut` does.

    Raises:
        InputError: The model, the recipe, the data or the output is not usable.
    """
    return _cut(options, _progress())


def search(options: SearchOptions) -> SearchResult:
    """Search for the best cut of a model within a target, as `bertslim search` does.

    Returns:
        What was found; its `enforce` fails where that is not what was asked for.

    Raises:
        InputError: The model, the data, the target or the output is not usable.
    """
    return _search(options, _progress())


def retrain(options: RetrainOptions) -> SlimResult:
    """Fine-tune a model on labelled texts, as `bertslim retrain` does.

    Raises:
        InputError: The model, the data or the output is not usable.
    """
    return _retrain(options, _progress())


def analyze(options: AnalyzeOptions) -> AnalyzeResult:
    """Analyze the layers of a model, as `bertslim analyze` does.

    Raises:
        InputError: A model, the data or the output is not usable.
    """
    return _analyze(options, _progress())


def export(options: ExportOptions) -> ExportResult:
    """Write a checkpoint for another runtime, as `bertslim export` does.

    Raises:
        InputError: The checkpoint, the data or the output is not usable, or a package is missing.
        BertslimError: The model cannot be exported, or its outputs differ from PyTorch's.
    """
    return export_checkpoint(options, _progress())


def bench(options: BenchOptions) -> BenchResult:
    """Time models in several runtimes, all taking turns, as `bertslim bench` does.

    Raises:
        InputError: A model or a runtime is not available, or a shape is not possible.
        BertslimError: A model could not be loaded or run.
    """
    return _bench(options, _progress())


def check(options: CheckOptions) -> CheckResult:
    """Judge a result by rules, as `bertslim check` does.

    Returns:
        The verdicts; the `enforce` of its `rule_results` fails where a rule does.

    Raises:
        InputError: There is no record, or the base or the data are not usable.
    """
    return _check(options, _progress())


def report(options: ReportOptions) -> ReportResult:
    """Report results, an analysis or a search, as `bertslim report` does.

    Raises:
        InputError: A directory holds no record, or an analysis is named among others.
        OutputError: The output exists and may not be replaced, or cannot be written.
    """
    return _report(options)


def _progress() -> Progress:
    return Progress(visible=runs_in_notebook())
