"""Where a result comes from: models, data, machine, versions and steps."""

from __future__ import annotations

from typing import Literal

from bertslim.records.frozen import Frozen
from bertslim.records.sources import shown_source


class ModelRecord(Frozen):
    """Which checkpoint it was: where it came from and the hash of its weights."""

    source: str
    model_type: str
    architecture: str
    layers: int
    sha256: str


class SplitRecord(Frozen):
    """One split of the data: how many texts, and the hash of them all."""

    name: Literal["fit", "select", "report"]
    rows: int
    sha256: str


class DataRecord(Frozen):
    """Which data were used, and how they were split.

    Attributes:
        report_source: Where the report split comes from, if it is a source of its own.
        task: The task of the report split; None in records of schema 1.
        text_columns: The source's names of the columns of the texts: one, or two for pairs.
        label_columns: The same of the labels; none where there are no labels.
        labels: The names of the labels in the order of their ids, where they are classes.
    """

    source: str
    report_source: str | None = None
    task: str | None = None
    text_columns: tuple[str, ...]
    label_columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    sha256: str
    splits: tuple[SplitRecord, ...]

    @property
    def summary(self) -> str:
        """The data in one line: task, columns and classes."""
        task = f", task {self.task}" if self.task else ""
        texts = " + ".join(self.text_columns)
        labels = f"labels {' + '.join(self.label_columns)}" if self.label_columns else "no labels"
        classes = f" ({len(self.labels)} classes)" if self.labels else ""
        return f"{shown_source(self.source)}{task}, texts {texts}, {labels}{classes}"


class Environment(Frozen):
    """The machine and the versions that the figures were measured with."""

    cpu: str
    cores: int
    threads: int
    memory_bytes: int
    os: str
    python: str
    versions: dict[str, str]
    git: str | None = None


class Step(Frozen):
    """One step of the run and the seconds that it took."""

    name: str
    seconds: float
