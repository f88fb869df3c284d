"""A stand-in for LatencyBench whose times are made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bertslim.measure.latency import LatencyResult
from bertslim.measure.runtimes import TimedModel
from bertslim.measure.shapes import Shape, shape_of
from bertslim.records import Interval, Measurement

SPREAD = 0.02


class ScriptedBench:
    """Stands for LatencyBench: each runtime of a model takes as long as a script says."""

    def __init__(self, script: Mapping[tuple[str, str], float]) -> None:
        self.script = script
        self.seconds: list[float] = []
        self.restarts = 0
        self.disturbed: tuple[str, ...] = ()
        self.doubts: Mapping[Shape, str] = {}

    def __call__(
        self, models: Mapping[str, TimedModel], shapes: Sequence[Shape], **options: Any
    ) -> ScriptedBench:
        """Take the place of the class."""
        self.models, self.shapes, self.options = models, shapes, options
        return self

    def __enter__(self) -> ScriptedBench:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def restart(self) -> None:
        """Count."""
        self.restarts += 1

    def run(self, seconds: float) -> None:
        """Count the seconds."""
        self.seconds.append(seconds)

    def compare(self, base: str | None, slim: str) -> LatencyResult:
        """Compare by the script."""
        told = [one for one in self._figures(base, slim) if shape_of(one) not in self.doubts]
        return LatencyResult(tuple(told), self.doubts)

    def disturbance(self) -> tuple[str, ...]:
        """Say what is made up."""
        return self.disturbed

    def texts_per_second(self, name: str, shape: Shape) -> float:
        """Work it out from the script."""
        return 1000 * shape.batch / (self.ms_of(name) * shape.tokens)

    def texts_of(self, name: str) -> None:
        """There are none."""

    def _figures(self, base: str | None, slim: str) -> Iterator[Measurement]:
        ms = self.ms_of(slim)
        ratio = None if base is None else ms / self.ms_of(base)
        interval = ratio and Interval(of="ratio", low=ratio - SPREAD, high=ratio + SPREAD)
        for shape in self.shapes:
            dtype = self.dtype_of(self.models[slim])
            context = {"dtype": dtype, "runs": 50} | vars(shape)
            for name, times in (("latency", 1.0), ("latency.p90", 1.1), ("latency.p99", 1.2)):
                yield Measurement(
                    name=name,
                    unit="ms",
                    slim=times * ms * shape.tokens,
                    ratio=ratio,
                    interval=interval or None,
                    context=context,
                )
        yield Measurement(name="memory.peak", unit="bytes", context=context)

    def ms_of(self, name: str) -> float:
        """Of one token."""
        model = self.models[name]
        return self.script[model.path.name, model.runtime.value]

    def dtype_of(self, model: TimedModel) -> str:
        """Name the type of its products."""
        return "float32"
