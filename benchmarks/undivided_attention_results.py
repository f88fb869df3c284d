"""What the benchmark of FFN blocks before fine-tuning measures, and what it keeps in its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from results_file import Results, read_results, write_results

from bertslim.records import Environment, Frozen, Measurement, Training


@dataclass(frozen=True)
class Kept:
    """Which layers keep their FFN block.

    Attributes:
        name: For the command line and the file of results.
        title: For the table.
        deleted: The selector of those that lose it.
    """

    name: str
    title: str
    deleted: str


KEPT = (
    Kept("second", "every 2nd layer", "all except every 2"),
    Kept("third", "every 3rd layer", "all except every 3"),
    Kept("none", "no layer", "all"),
)


@dataclass(frozen=True)
class Method:
    """A way from an encoder to a slim model of a task."""

    name: str
    title: str


PAPER = Method("paper", "cut, fine-tuned")
REPAIRED_FIRST = Method("repaired_first", "cut, repaired, fine-tuned")
TRAINED_AFTER = Method("trained_after", "fine-tuned, cut, repaired, trained")
METHODS = (PAPER, REPAIRED_FIRST, TRAINED_AFTER)


class Key(Frozen):
    """Which model it is.

    Attributes:
        encoder: What it was made from.
        task: What it was fine-tuned for.
        seed: Of the fine-tuning.
        kept: Name of a `Kept`.
        method: Name of a `Method`.
    """

    encoder: str
    task: str
    seed: int
    kept: str
    method: str

    def __str__(self) -> str:
        return f"{self.encoder}/{self.task}/s{self.seed}/{self.kept}/{self.method}"


class Point(Frozen):
    """One slim model beside the whole encoder that was fine-tuned with the same seed.

    Attributes:
        score: Of both, on held-out rows, with the interval of the paired difference.
        parameters: Of both, embeddings and heads included.
        whole: How the whole encoder was fine-tuned.
        training: How this one was trained: fine-tuned, or after the cut with the whole as teacher.
        repair_seconds: What cut and repair took.
    """

    key: Key
    score: Measurement
    parameters: Measurement
    whole: Training
    training: Training
    repair_seconds: float

    @property
    def seconds(self) -> float:
        """What it took from the encoder to this model."""
        before = self.whole.seconds if self.key.method == TRAINED_AFTER.name else 0.0
        return before + self.repair_seconds + self.training.seconds

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all training."""
        before = self.whole.macs if self.key.method == TRAINED_AFTER.name else 0
        return before + self.training.macs


class Latency(Frozen):
    """Of the shapes that a way leaves, whatever the task and the weights."""

    encoder: str
    kept: str
    method: str
    measurement: Measurement


class Document(Results):
    """The content of the file."""

    points: tuple[Point, ...] = ()
    latencies: tuple[Latency, ...] = ()

    def latency(self, encoder: str, kept: str, method: str) -> Measurement | None:
        """Return slim / base, as far as it is known."""
        wanted = encoder, kept, method
        found = (
            one.measurement
            for one in self.latencies
            if (one.encoder, one.kept, one.method) == wanted
        )
        return next(found, None)


class Store:
    """Points that are in the file as soon as they are here."""

    def __init__(self, path: Path, here: Environment) -> None:
        self._path = path
        self._document = read_results(path, Document, here)

    @property
    def document(self) -> Document:
        """All that is known."""
        return self._document

    def knows(self, key: Key) -> bool:
        """Whether a model was measured."""
        return any(point.key == key for point in self._document.points)

    def add(self, new: Point | Latency) -> None:
        """Keep something."""
        if isinstance(new, Point):
            update: dict[str, object] = {"points": (*self._document.points, new)}
        else:
            update = {"latencies": (*self._document.latencies, new)}
        self._document = self._document.model_copy(update=update)
        write_results(self._path, self._document)
