"""Make BERT-family models smaller and faster, and measure that they are still good.

    import bertslim

    result = bertslim.cut(bertslim.CutOptions("bert-base-uncased", recipe="drop_odd"))
    model = bertslim.load(result.directory)

Names are imported when they are first used, so that `import bertslim` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bertslim.version import __version__

if TYPE_CHECKING:
    from bertslim.api import (
        AnalyzeOptions,
        AnalyzeResult,
        BenchOptions,
        BenchResult,
        CheckOptions,
        CheckResult,
        CutOptions,
        CutResult,
        DataOptions,
        ExportOptions,
        ExportResult,
        Inspection,
        InspectOptions,
        MaxAccuracyDrop,
        MaxBytes,
        MaxLatency,
        MaxLatencyRatio,
        MaxParameters,
        MaxRegression,
        MeasureOptions,
        ReportOptions,
        ReportResult,
        RetrainOptions,
        RetrainResult,
        SearchOptions,
        SearchResult,
        SlimResult,
        analyze,
        bench,
        check,
        cut,
        export,
        inspect,
        load,
        report,
        retrain,
        search,
    )
    from bertslim.errors import BertslimError
    from bertslim.records import Record, read_record

_HOMES = {
    "AnalyzeOptions": "bertslim.api",
    "AnalyzeResult": "bertslim.api",
    "BenchOptions": "bertslim.api",
    "BenchResult": "bertslim.api",
    "BertslimError": "bertslim.errors",
    "CheckOptions": "bertslim.api",
    "CheckResult": "bertslim.api",
    "CutOptions": "bertslim.api",
    "CutResult": "bertslim.api",
    "DataOptions": "bertslim.api",
    "ExportOptions": "bertslim.api",
    "ExportResult": "bertslim.api",
    "InspectOptions": "bertslim.api",
    "Inspection": "bertslim.api",
    "MaxAccuracyDrop": "bertslim.api",
    "MaxBytes": "bertslim.api",
    "MaxLatency": "bertslim.api",
    "MaxLatencyRatio": "bertslim.api",
    "MaxParameters": "bertslim.api",
    "MaxRegression": "bertslim.api",
    "MeasureOptions": "bertslim.api",
    "Record": "bertslim.records",
    "ReportOptions": "bertslim.api",
    "ReportResult": "bertslim.api",
    "RetrainOptions": "bertslim.api",
    "RetrainResult": "bertslim.api",
    "SearchOptions": "bertslim.api",
    "SearchResult": "bertslim.api",
    "SlimResult": "bertslim.api",
    "analyze": "bertslim.api",
    "bench": "bertslim.api",
    "check": "bertslim.api",
    "cut": "bertslim.api",
    "export": "bertslim.api",
    "inspect": "bertslim.api",
    "load": "bertslim.api",
    "read_record": "bertslim.records",
    "report": "bertslim.api",
    "retrain": "bertslim.api",
    "search": "bertslim.api",
}

__all__ = [
    "AnalyzeOptions",
    "AnalyzeResult",
    "BenchOptions",
    "BenchResult",
    "BertslimError",
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
    "Record",
    "ReportOptions",
    "ReportResult",
    "RetrainOptions",
    "RetrainResult",
    "SearchOptions",
    "SearchResult",
    "SlimResult",
    "__version__",
    "analyze",
    "bench",
    "check",
    "cut",
    "export",
    "inspect",
    "load",
    "read_record",
    "report",
    "retrain",
    "search",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
