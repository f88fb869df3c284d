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
        CutOptions,
        CutResult,
        DataOptions,
        MeasureOptions,
        RetrainOptions,
        RetrainResult,
        SlimResult,
        cut,
        load,
        retrain,
    )
    from bertslim.errors import BertslimError
    from bertslim.records import Record, read_record

_HOMES = {
    "BertslimError": "bertslim.errors",
    "CutOptions": "bertslim.api",
    "CutResult": "bertslim.api",
    "DataOptions": "bertslim.api",
    "MeasureOptions": "bertslim.api",
    "Record": "bertslim.records",
    "RetrainOptions": "bertslim.api",
    "RetrainResult": "bertslim.api",
    "SlimResult": "bertslim.api",
    "cut": "bertslim.api",
    "load": "bertslim.api",
    "read_record": "bertslim.records",
    "retrain": "bertslim.api",
}

__all__ = [
    "BertslimError",
    "CutOptions",
    "CutResult",
    "DataOptions",
    "MeasureOptions",
    "Record",
    "RetrainOptions",
    "RetrainResult",
    "SlimResult",
    "__version__",
    "cut",
    "load",
    "read_record",
    "retrain",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
