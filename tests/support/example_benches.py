"""What `bertslim bench --alternatives` measures, made up for the tests of its tables."""

from __future__ import annotations

from bertslim.records import (
    ComparedModel,
    DataRecord,
    Environment,
    Interval,
    ServedModel,
    SplitRecord,
    TimeRatio,
    Timing,
    compare,
)

SOME_MACHINE = Environment(
    cpu="Some CPU",
    cores=8,
    threads=2,
    memory_bytes=2**33,
    os="Linux",
    python="3.11.7",
    versions={"bertslim": "0.1.0"},
)
DATA = DataRecord(
    source="reviews.csv",
    text_columns=("text",),
    sha256="0" * 64,
    splits=(SplitRecord(name="report", rows=900, sha256="1" * 64),),
)
MODELS = (
    ComparedModel(name="whole", role="whole", source="my-classifier", made="as it is"),
    ComparedModel(name="slim", role="given", source="slim", made="cut by the recipe r"),
)
_WHOLE = 0.9  # the accuracy of the first model


def served(
    model: str,
    score: float,
    *,
    runtime: str = "torch",
    dtype: str = "float32",
    size: int = 90_000_000,
    spread: float = 0.02,
) -> ServedModel:
    """A model in a form, and its accuracy beside the whole model's."""
    is_first = (model, dtype) == ("whole", "float32")
    change = score if is_first else score - _WHOLE
    of = "slim" if is_first else "difference"
    interval = Interval(of=of, low=change - spread, high=change + spread)
    base = None if is_first else _WHOLE
    figure = compare("accuracy.accuracy", base, score, interval=interval, n=900)
    return ServedModel(model=model, runtime=runtime, dtype=dtype, size=size, score=figure)


def timed(one: ServedModel, ratio: float, *, length: int = 128, whole_ms: float = 10.0) -> Timing:
    """The times of a form that takes this share of the first one's."""
    is_first = (one.model, one.runtime, one.dtype) == ("whole", "torch", "float32")
    interval = Interval(of="ratio", low=ratio * 0.8, high=ratio * 1.25)
    beside = TimeRatio(model="whole", runtime="torch", ratio=ratio, interval=interval)
    ms = whole_ms * ratio
    return Timing(
        model=one.model,
        runtime=one.runtime,
        dtype=one.dtype,
        batch=1,
        length=length,
        tokens=length,
        padding=0,
        median_ms=ms,
        p90_ms=1.1 * ms,
        p99_ms=1.2 * ms,
        texts_per_second=1000 / ms,
        calls=100,
        to_first=None if is_first else beside,
        to_base=None,
        fastest=False,
    )
