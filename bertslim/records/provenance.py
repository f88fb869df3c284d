"""Where a result comes from: models, data, machine, versions and steps."""

from __future__ import annotations

from typing import Literal

from bertslim.printable import shortened
from bertslim.records.frozen import Count, Frozen
from bertslim.records.sources import shown_source

_LONGEST_NAME = 30


class ModelRecord(Frozen):
    """Which checkpoint it was: where it came from and the hash of its weights.

    Attributes:
        source: Its name, a path in absolute form.
        commit: Of its repository on the Hub; None for what does not come from there.
    """

    source: str
    commit: str | None = None
    model_type: str
    architecture: str
    layers: Count
    sha256: str

    @property
    def pinned_source(self) -> str:
        """The name by which just this checkpoint is found again."""
        return f"{self.source}@{self.commit}" if self.commit else self.source


class LabelCount(Frozen):
    """How many rows have a label, or for words how many spans are of a type."""

    name: str
    count: Count


class ScoreRange(Frozen):
    """The lowest score of a split, their mean and the highest."""

    low: float
    mean: float
    high: float


class LabelSummary(Frozen):
    """The labels of one split: the count of each, or the range of the scores.

    Attributes:
        counts: Of each label that there is, the most frequent first.
        of: How many were counted, where each has one label: rows, or words.
    """

    counts: tuple[LabelCount, ...] = ()
    of: Count = 0
    scores: ScoreRange | None = None

    def in_words(self, longest: int = 6) -> str:
        """Describe them in a line.

        Args:
            longest: How many of the labels to name.
        """
        if self.scores is not None:
            low, mean, high = (f"{number:.4g}" for number in vars(self.scores).values())
            return f"scores {low} to {high}, mean {mean}"
        shown = ", ".join(
            f"{shortened(one.name, _LONGEST_NAME)} {one.count:,}{self._share(one)}"
            for one in self.counts[:longest]
        )
        rest = len(self.counts) - longest
        return f"{shown} and {rest} more" if rest > 0 else shown or "none"

    def _share(self, label: LabelCount) -> str:
        return f" ({100 * label.count / self.of:.0f} %)" if self.of else ""


class SplitRecord(Frozen):
    """One split of the data: how many texts, the hash of them all, and what labels they have."""

    name: Literal["fit", "select", "report"]
    rows: Count
    sha256: str
    labels: LabelSummary | None = None


class DataRecord(Frozen):
    """Which data were used, and how they were split.

    Attributes:
        report_source: Where the report split comes from, if it is a source of its own.
        task: The task of the report split; None in records of schema 1.
        text_columns: The source's names of the columns of the texts: one, or two for pairs.
        label_columns: The same of the labels; none where there are no labels.
        labels: The names of the labels in the order of their ids, where they are classes.
        label_rule: How the labels were read, in words; None in older records.
        labels_as: The same in one word, where it had to be settled: new rows are read so too.
        reading: How the files of the source were read, a clause each.
        report_reading: The same of the source of the report split.
    """

    source: str
    report_source: str | None = None
    task: str | None = None
    text_columns: tuple[str, ...]
    label_columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    label_rule: str | None = None
    labels_as: Literal["names", "ids", "vectors"] | None = None
    reading: tuple[str, ...] = ()
    report_reading: tuple[str, ...] = ()
    sha256: str
    splits: tuple[SplitRecord, ...]

    @property
    def summary(self) -> str:
        """The data in one line: how they were read, task, columns and classes."""
        reading = "".join(f", {clause}" for clause in self.reading)
        task = f", task {self.task}" if self.task else ""
        texts = " + ".join(self.text_columns)
        labels = f"labels {' + '.join(self.label_columns)}" if self.label_columns else "no labels"
        classes = f" ({len(self.labels)} classes)" if self.labels else ""
        return f"{shown_source(self.source)}{reading}{task}, texts {texts}, {labels}{classes}"

    @property
    def label_summary(self) -> str | None:
        """The labels in one line: the rule that they were read by, and how many there are of each.

        They are those of the report split, where it has labels.
        """
        labelled = [split for split in reversed(self.splits) if split.labels is not None]
        if not labelled or labelled[0].labels is None:
            return self.label_rule
        split = f"{labelled[0].name} split {labelled[0].labels.in_words()}"
        return f"{self.label_rule}; {split}" if self.label_rule else split


class Environment(Frozen):
    """The machine and the versions that the figures were measured with.

    Attributes:
        gpu: The GPU that work was done on; None: it was done on the CPU.
    """

    cpu: str
    cores: Count
    threads: Count
    memory_bytes: Count
    gpu: str | None = None
    os: str
    python: str
    versions: dict[str, str]
    git: str | None = None


class Step(Frozen):
    """One step of the run and the seconds that it took."""

    name: str
    seconds: float
