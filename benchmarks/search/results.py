"""The file of results of the search benchmark: what is in it is not measured again."""

from __future__ import annotations

from pathlib import Path

from benchmarks.tools import ResultFile, Results
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


class Store(ResultFile[Document]):
    """What is known of the models that are compared."""

    def __init__(self, path: Path, here: Environment) -> None:
        super().__init__(path, Document, here)

    def quality(self, key: str) -> Quality | None:
        """Return what a rival is worth, if that is known."""
        return next((one for one in self.document.qualities if one.key == key), None)

    def time(self, key: str) -> Time | None:
        """Return what a rival takes, if that is known."""
        return next((one for one in self.document.times if one.key == key), None)

    def add(self, new: Quality | Time) -> None:
        """Keep something."""
        if isinstance(new, Quality):
            self.update(qualities=(*self.document.qualities, new))
        else:
            self.update(times=(*self.document.times, new))
