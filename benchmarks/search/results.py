"""The file of results of the search benchmark: what is in it is not measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from benchmarks.tools import Results, read_results, write_results
from bertslim.records import Environment, Frozen, Interval, Measurement


class Quality(Frozen):
    """What a model is worth on rows that were kept aside.

    Attributes:
        key: Of the rival.
        parameters: Of the model.
        kl: To the base, in nats.
        score: The main metric of the task, of base and model.
    """

    key: str
    parameters: int
    kl: float
    score: Measurement


class Time(Frozen):
    """What a model takes beside the base.

    Attributes:
        key: Of the rival.
        ratio: Of the fastest calls.
        median_ratio: Of the medians.
        interval: Of that.
    """

    key: str
    ratio: float
    median_ratio: float
    interval: Interval | None


class Document(Results):
    """The content of the file."""

    qualities: tuple[Quality, ...] = ()
    times: tuple[Time, ...] = ()


class Store:
    """Results that are in the file as soon as they are here."""

    def __init__(self, path: Path, document: Document) -> None:
        self._path = path
        self._document = document

    @classmethod
    def open(cls, path: Path, here: Environment) -> Self:
        """Read the file, if it is there; results of another machine end the benchmark."""
        return cls(path, read_results(path, Document, here))

    @property
    def document(self) -> Document:
        """All that is known."""
        return self._document

    def quality(self, key: str) -> Quality | None:
        """Return what a rival is worth, if that is known."""
        return next((one for one in self._document.qualities if one.key == key), None)

    def time(self, key: str) -> Time | None:
        """Return what a rival takes, if that is known."""
        return next((one for one in self._document.times if one.key == key), None)

    def add(self, new: Quality | Time) -> None:
        """Keep something."""
        name = "qualities" if isinstance(new, Quality) else "times"
        known = (*getattr(self._document, name), new)
        self._document = self._document.model_copy(update={name: known})
        write_results(self._path, self._document)
