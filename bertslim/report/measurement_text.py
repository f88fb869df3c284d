"""One measurement in words: its label, base, slim, the change and its interval."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bertslim.records import Interval, Measurement, Scalar
from bertslim.records.sources import shown_source, without_paths
from bertslim.records.units import metric_named
from bertslim.report.numbers import fixed, percent_change, quantity, signed, significant
from bertslim.report.tables import NOTHING


def label(measurement: Measurement) -> str:
    """Name what was measured, such as "macro F1" or "latency at 1x128"."""
    kind, at = kind_of(measurement.name), shape(measurement)
    return f"{kind} at {at}" if at else kind


def kind_of(name: str) -> str:
    """Put the name of a measurement in words, such as "macro F1" for "accuracy.macro_f1"."""
    return metric_named(name).words


def shape(measurement: Measurement) -> str:
    """Name the input that was run: "1x128" is one text of 128 tokens."""
    batch, length = (measurement.context.get(key) for key in ("batch", "length"))
    if length is None:
        return "" if batch is None else f"batch {batch}"
    return f"length {length}" if batch is None else f"{batch}x{length}"


def base_value(measurement: Measurement) -> str:
    """Write the base's figure with its unit."""
    return _value(measurement, measurement.base)


def slim_value(measurement: Measurement) -> str:
    """Write the slim model's figure with its unit."""
    return _value(measurement, measurement.slim)


def from_to(measurement: Measurement) -> str:
    """Write both figures with their units."""
    return f"{base_value(measurement)} → {slim_value(measurement)}"


def change(measurement: Measurement) -> str:
    """Write how the slim model differs: percent, or points where the figure is a share."""
    base, slim = measurement.base, measurement.slim
    if base is None or slim is None:
        return NOTHING
    if measurement.metric.unit.difference is not None:
        return difference(measurement, slim - base)
    return NOTHING if measurement.ratio is None else percent_change(measurement.ratio)


def difference(measurement: Measurement, value: float) -> str:
    """Write a difference in the measurement's own unit; shares differ by points."""
    unit = measurement.metric.unit
    notation = unit.difference or unit.notation(measurement.base, measurement.slim)
    return signed(quantity(value, notation))


def interval(measurement: Measurement) -> str:
    """Write the 95 % interval in the words of the change that it belongs to."""
    bounds = measurement.interval
    if bounds is None:
        return NOTHING
    low, high = (_bound(measurement, bounds, value) for value in (bounds.low, bounds.high))
    return between(low, high)


def between(low: str, high: str) -> str:
    """Join two bounds, with one unit if both have the same."""
    _, _, unit = high.partition(" ")
    return f"{low.removesuffix(f' {unit}') if unit else low} to {high}"


def speed_up(ratio: float) -> str:
    """Write a latency ratio, slim / base, as how many times faster: 0.5 is "2.00 x"."""
    return f"{fixed(1 / ratio, 2)} x"


def speed_up_interval(measurement: Measurement) -> str:
    """Write the interval of a latency ratio as that of the speed-up."""
    limits = measurement.interval
    if limits is None or limits.of != "ratio" or not limits.low or not limits.high:
        return NOTHING
    return between(speed_up(limits.high), speed_up(limits.low))


def no_change_seen(measurement: Measurement) -> bool:
    """Whether the interval holds the value that means "no change"."""
    bounds = measurement.interval
    if bounds is None or bounds.of == "slim":
        return False
    neutral = 1.0 if bounds.of == "ratio" else 0.0
    return bounds.low <= neutral <= bounds.high


def constant_context(
    measurements: Sequence[Measurement], *, without: Iterable[str] = ()
) -> dict[str, str]:
    """The context that all measurements have in common."""
    first = measurements[0].context
    return {
        key: context_value(key, value)
        for key, value in first.items()
        if key not in without
        and all(measurement.context.get(key) == value for measurement in measurements)
    }


def varying_context(
    measurements: Sequence[Measurement], *, without: Iterable[str] = ()
) -> tuple[str, ...]:
    """The keys of the context whose values differ between the measurements."""
    keys = dict.fromkeys(key for measurement in measurements for key in measurement.context)
    constant = constant_context(measurements, without=without)
    return tuple(key for key in keys if key not in constant and key not in set(without))


def context_value(key: str, value: Scalar) -> str:
    """Write one value of a context; local paths are shortened."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return shown_source(value) if key == "dataset" else without_paths(value)
    return f"{value:,}" if isinstance(value, int) else significant(value)


def _value(measurement: Measurement, value: float | None) -> str:
    if value is None:
        return NOTHING
    unit = measurement.metric.unit
    return quantity(value, unit.notation(measurement.base, measurement.slim))


def _bound(measurement: Measurement, bounds: Interval, value: float) -> str:
    if bounds.of == "ratio":
        return percent_change(value)
    if bounds.of == "difference":
        return difference(measurement, value)
    return _value(measurement, value)
