"""The result in one sentence, without claims beyond the measurements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from bertslim.records import Measurement, Record
from bertslim.records.units import SCORE_PREFIX
from bertslim.report.measurement_text import (
    change,
    from_to,
    interval,
    label,
    no_change_seen,
    shape,
    slim_value,
    speed_up,
)
from bertslim.report.numbers import fixed, tenths

_HEADLINE_SHAPE = {"batch": 1, "length": 128}
_FIDELITY = ("fidelity.agreement", "fidelity.cosine", "fidelity.kl", "fidelity.pearson")


def headline(record: Record) -> str:
    """Summarise speed, size and quality against the base; "" if nothing is known.

    A difference whose 95 % interval holds "no change" is written as not measurable.
    """
    return ", ".join(_clauses(record))


def _clauses(record: Record) -> Iterator[str]:
    if latencies := record.find("latency"):
        yield from _speed(at_headline_shape(latencies))
    for parameters in record.find("parameters")[:1]:
        yield from _size(parameters)
    yield from _quality(record)


def at_headline_shape(latencies: Sequence[Measurement]) -> Measurement:
    """Return the latency of one text of 128 tokens, or the first where there is none."""
    fitting = (
        latency
        for latency in latencies
        if all(latency.context.get(key) == value for key, value in _HEADLINE_SHAPE.items())
    )
    return next(fitting, latencies[0])


def _speed(latency: Measurement) -> Iterator[str]:
    if not latency.ratio:
        return
    where = f" at {shape(latency)}" if shape(latency) else ""
    times = speed_up(min(latency.ratio, 1 / latency.ratio))
    if no_change_seen(latency) or times == speed_up(1):
        yield f"no measurable difference in latency{where} ({from_to(latency)})"
    else:
        yield f"{times} {'faster' if latency.ratio < 1 else 'slower'}{where}"


def _size(parameters: Measurement) -> Iterator[str]:
    if parameters.ratio is None:
        return
    percent = abs(1 - parameters.ratio) * 100
    if percent == 0:
        yield "the same number of parameters"
        return
    amount = fixed(percent) if percent >= 10 else tenths(percent)
    yield f"{amount} % {'fewer' if parameters.ratio < 1 else 'more'} parameters"


def _quality(record: Record) -> Iterator[str]:
    figure = quality_figure(record)
    if figure is None:
        return
    if figure.name.startswith(SCORE_PREFIX):
        yield _metric(figure)
    else:
        yield f"{label(figure)} {slim_value(figure)}{_in_brackets(_interval_words(figure))}"


def quality_figure(record: Record) -> Measurement | None:
    """Return the main metric, or without labels the most telling figure of fidelity."""
    metrics = (score for score in record.measurements if score.name.startswith(SCORE_PREFIX))
    fidelity = (measurement for name in _FIDELITY for measurement in record.find(name))
    return next(chain(metrics, fidelity), None)


def _metric(metric: Measurement) -> str:
    if metric.base is None or metric.slim is None:
        return f"{label(metric)} {slim_value(metric)}{_in_brackets(_interval_words(metric))}"
    moved = [change(metric), *_interval_words(metric)]
    if no_change_seen(metric):
        values = ", ".join([from_to(metric), *moved])
        return f"no measurable difference in {label(metric)} ({values})"
    return f"{label(metric)} {from_to(metric)}{_in_brackets(moved)}"


def _interval_words(measurement: Measurement) -> list[str]:
    """The interval, without its unit if the change before it has the unit."""
    if measurement.interval is None:
        return []
    return [f"95 % {interval(measurement).removesuffix(' points')}"]


def _in_brackets(words: Sequence[str]) -> str:
    return f" ({', '.join(words)})" if words else ""
