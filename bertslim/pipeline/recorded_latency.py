"""What a record says of latency: with what to compare, and on which shapes and threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bertslim.gate.baseline import find_baseline
from bertslim.measure.latency import RUNTIME, check_shapes
from bertslim.measure.latency_process import Shape
from bertslim.model.facts import read_facts
from bertslim.model.files import read_config
from bertslim.pipeline.cut import MeasureOptions
from bertslim.records import Measurement, Record


@dataclass(frozen=True)
class RecordedLatency:
    """What a record says of latency."""

    record: Record

    @cached_property
    def baseline(self) -> tuple[Measurement, ...]:
        """The latencies in the runtime that is timed again."""
        found = self.record.find("latency")
        return tuple(one for one in found if one.context.get("runtime") == RUNTIME)

    @property
    def threads(self) -> int:
        """Threads of each model: those of all latencies, else those of the run."""
        recorded = {one.context.get("threads") for one in self.baseline}
        return int(recorded.pop() or 1) if len(recorded) == 1 else self.record.environment.threads

    def shapes(
        self, directory: Path, batches: tuple[int, ...] | None, lengths: tuple[int, ...] | None
    ) -> tuple[Shape, ...]:
        """Return the shapes asked for, the rest as in the record, or as `cut` has them.

        Args:
            directory: The result, which has to take them.
            batches: Batch sizes; None: as in the record.
            lengths: Lengths in tokens; None: as in the record.

        Raises:
            InputError: A shape is not possible.
        """
        max_length = read_facts(read_config(directory)).max_length
        recorded = tuple(_shape(one) for one in self.baseline)
        if recorded and batches is None and lengths is None:
            check_shapes(recorded, max_length)
            return recorded
        own_batches = tuple(dict.fromkeys(shape.batch for shape in recorded))
        own_lengths = tuple(dict.fromkeys(shape.length for shape in recorded))
        wanted = MeasureOptions(
            batches or own_batches or MeasureOptions().batches, lengths or own_lengths
        )
        return wanted.shapes(max_length)

    def lacking(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Return the shapes whose latency it does not hold."""
        return [shape for shape in shapes if find_baseline(_at(shape), self.baseline) is None]


def _shape(measurement: Measurement) -> Shape:
    return Shape(int(measurement.context["batch"]), int(measurement.context["length"]))


def _at(shape: Shape) -> Measurement:
    context = {"runtime": RUNTIME, "batch": shape.batch, "length": shape.length}
    return Measurement(name="latency", unit="ms", context=context)
