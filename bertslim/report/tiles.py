"""The three figures that a reader sees first: how much faster, how much smaller, how good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bertslim.records import Measurement, Record
from bertslim.report.figures import (
    change,
    from_to,
    interval,
    label,
    no_change_seen,
    shape,
    slim_value,
    speed_up,
)
from bertslim.report.headline import at_headline_shape, quality_figure


@dataclass(frozen=True)
class Tile:
    """A figure, and what it is of.

    Attributes:
        figure: Such as "1.42 x".
        words: Such as "faster at 1x128: 11.9 ms → 8.4 ms".
    """

    figure: str
    words: str


def tiles_of(record: Record) -> tuple[Tile, ...]:
    """Return what was measured of speed, size and quality, in this order."""
    return tuple(_tiles(record))


def _tiles(record: Record) -> Iterator[Tile]:
    if latencies := record.find("latency"):
        yield from _speed(at_headline_shape(latencies))
    for parameters in record.find("parameters")[:1]:
        yield Tile(change(parameters), f"parameters: {from_to(parameters)}")
    quality = quality_figure(record)
    if quality is not None:
        yield _quality(quality)


def _speed(latency: Measurement) -> Iterator[Tile]:
    if not latency.ratio:
        return
    times = speed_up(min(latency.ratio, 1 / latency.ratio))
    way = "faster" if latency.ratio < 1 else "slower"
    if no_change_seen(latency):
        times, way = "no difference", "in latency that can be measured"
    yield Tile(times, f"{way} at {shape(latency)}: {from_to(latency)}{_sure(latency)}")


def _quality(measurement: Measurement) -> Tile:
    if measurement.base is None:
        return Tile(slim_value(measurement), f"{label(measurement)}{_sure(measurement)}")
    words = f"{label(measurement)}: {from_to(measurement)}{_sure(measurement)}"
    return Tile(change(measurement), words)


def _sure(measurement: Measurement) -> str:
    return f" (95 % {interval(measurement)})" if measurement.interval else ""
