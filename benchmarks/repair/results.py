"""The file of results of the repair benchmark: what is in it is not measured again."""

from __future__ import annotations

from pathlib import Path

from benchmarks.tools import ResultFile, Results
from bertslim.records import Environment, Frozen, LayerFacts, Measurement, Training

Architecture = tuple[LayerFacts, ...]


class Request(Frozen):
    """All that the quality of a cut model depends on.

    Attributes:
        case: Which base and which data.
        sha256: Of the base's weights.
        recipe: What was done, as YAML.
        importance: Torch-Pruning's, where that did it.
        rows: How many rows it is measured on, by the name of the set.
    """

    case: str
    sha256: str
    recipe: str
    importance: str | None
    rows: dict[str, int]


class Result(Frozen):
    """What was measured of a cut model.

    Attributes:
        repair_seconds: What `reconstruct` took; None where nothing was repaired.
        measurements: Fidelity and scores by the name of the set.
        training: How it was trained, if it was.
    """

    request: Request
    repair_seconds: float | None
    measurements: dict[str, tuple[Measurement, ...]]
    training: Training | None = None

    def one(self, rows: str, name: str) -> Measurement:
        """Return the measurement of that name on that set."""
        (found,) = (each for each in self.measurements[rows] if each.name == name)
        return found


class Timing(Frozen):
    """The latency of an encoder whose layers have these shapes, whatever their weights."""

    encoder: str
    layers: Architecture
    latency: Measurement


class Cost(Frozen):
    """What a repair takes beside a plain forward pass over the same texts.

    Attributes:
        texts: How many.
        seconds: Wall time of the pass (base) and of the repair (slim), medians over the runs.
        peak: Peak memory of the process that only runs the pass (base) and that repairs (slim).
    """

    case: str
    cut: str
    method: str
    texts: int
    runs: int
    seconds: Measurement
    peak: Measurement

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others."""
        return self.case, self.cut, self.method


class Document(Results):
    """The content of the file."""

    results: tuple[Result, ...] = ()
    timings: tuple[Timing, ...] = ()
    costs: tuple[Cost, ...] = ()


class Store(ResultFile[Document]):
    """What is known of cut models, their times and what repairs cost."""

    def __init__(self, path: Path, here: Environment) -> None:
        super().__init__(path, Document, here)

    def result(self, request: Request) -> Result | None:
        """Return what was measured for a request."""
        return next((one for one in self.document.results if one.request == request), None)

    def timing(self, encoder: str, layers: Architecture) -> Timing | None:
        """Return the latency of an encoder with these layers."""
        wanted = encoder, layers
        found = (one for one in self.document.timings if (one.encoder, one.layers) == wanted)
        return next(found, None)

    def add(self, new: Result | Timing | Cost) -> None:
        """Keep something, in the place of what was measured before for the same thing."""
        document = self.document
        if isinstance(new, Result):
            results = [one for one in document.results if one.request != new.request]
            self.update(results=(*results, new))
        elif isinstance(new, Timing):
            key = new.encoder, new.layers
            timings = [one for one in document.timings if (one.encoder, one.layers) != key]
            self.update(timings=(*timings, new))
        else:
            costs = [one for one in document.costs if one.key != new.key]
            self.update(costs=(*costs, new))
