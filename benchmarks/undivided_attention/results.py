"""What the benchmark of FFN blocks before fine-tuning measures, and what it keeps in its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools import ResultFile, Results
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
    """

    key: Key
    score: Measurement
    parameters: Measurement
    whole: Training
    training: Training

    @property
    def seconds(self) -> float:
        """What the training took, from the encoder to this model."""
        before = self.whole.seconds if self.key.method == TRAINED_AFTER.name else 0.0
        return before + self.training.seconds

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all training."""
        before = self.whole.macs if self.key.method == TRAINED_AFTER.name else 0
        return before + self.training.macs


class Repair(Frozen):
    """What cut and repair of an encoder take on the texts of a task."""

    encoder: str
    task: str
    kept: str
    seconds: float


class Latency(Frozen):
    """Of an encoder that was cut, whatever its head and its weights.

    Attributes:
        filled: Whether linear maps stand where blocks stood.
        measurement: Of both, with the ratio slim / base.
    """

    encoder: str
    kept: str
    filled: bool
    measurement: Measurement


class Document(Results):
    """The content of the file."""

    points: tuple[Point, ...] = ()
    repairs: tuple[Repair, ...] = ()
    latencies: tuple[Latency, ...] = ()

    def has(self, encoder: str, task: str, kept: str) -> bool:
        """Whether a model was made so, by any way."""
        wanted = encoder, task, kept
        keys = (point.key for point in self.points)
        return any((key.encoder, key.task, key.kept) == wanted for key in keys)

    def latency(self, encoder: str, kept: str, *, filled: bool) -> Measurement | None:
        """Return slim / base, as far as it is known."""
        wanted = encoder, kept, filled
        found = (
            one.measurement
            for one in self.latencies
            if (one.encoder, one.kept, one.filled) == wanted
        )
        return next(found, None)

    def repair(self, encoder: str, task: str, kept: str) -> float | None:
        """Return the seconds that cut and repair take, as far as they are known."""
        wanted = encoder, task, kept
        found = (one.seconds for one in self.repairs if (one.encoder, one.task, one.kept) == wanted)
        return next(found, None)

    def seconds(self, point: Point) -> float:
        """Return what it took from the encoder to a model."""
        key = point.key
        if key.method == PAPER.name:
            return point.seconds
        repair = self.repair(key.encoder, key.task, key.kept)
        assert repair is not None
        return repair + point.seconds


class Store(ResultFile[Document]):
    """Points that are in the file as soon as they are here."""

    def __init__(self, path: Path, here: Environment) -> None:
        super().__init__(path, Document, here)

    def knows(self, key: Key) -> bool:
        """Whether a model was measured."""
        return any(point.key == key for point in self.document.points)

    def add(self, new: Point | Repair | Latency) -> None:
        """Keep something."""
        known = self.document
        match new:
            case Point():
                self.update(points=(*known.points, new))
            case Repair():
                self.update(repairs=(*known.repairs, new))
            case Latency():
                self.update(latencies=(*known.latencies, new))
