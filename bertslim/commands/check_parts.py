"""The parts of a check: sizes, accuracy and recorded latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_held_out, load_splits
from bertslim.gate.accuracy_rule import MaxAccuracyDrop, main_metric
from bertslim.gate.baseline import device_of, find_baseline
from bertslim.gate.rule_results import apply_rules
from bertslim.gate.verdicts import Rule, Verdict
from bertslim.measure.latency import RUNTIME
from bertslim.measure.measure_options import BATCHES
from bertslim.measure.shapes import Shape, all_shapes, check_shapes, shape_of
from bertslim.model.checkpoint_files import find_weights
from bertslim.model.description import describe_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.progress import Progress
from bertslim.records import Measurement, Record, compare

if TYPE_CHECKING:
    from bertslim.measure.evaluation import Evaluation


@dataclass(frozen=True)
class HeldOut:
    """Rows to measure accuracy on again.

    Attributes:
        data: Which.
        whole: Whether all of them are held out, rather than the report split alone.
        base: The checkpoint to compare with.
        threads: Threads of every computation.
    """

    data: DataOptions
    whole: bool
    base: Path
    threads: int


@dataclass(frozen=True)
class _Lack:
    """Why there is no accuracy to judge, and the remedy."""

    why: str
    remedy: str


_NOT_RECORDED = _Lack(
    "the record holds no accuracy",
    "give labelled rows with --data or --eval-data, or cut with labelled --data",
)
_CHANGED = _Lack(
    "the weights are not those whose accuracy the record holds",
    "give labelled rows with --data or --eval-data",
)
_NO_LABELS = _Lack(
    "the rows have no labels that this model predicts",
    "name their column with --label-column, or give other rows",
)


def check_accuracy(
    rules: Sequence[Rule],
    directory: Path,
    record: Record,
    held_out: HeldOut | None,
    progress: Progress,
    *,
    unchanged: bool,
) -> Checked:
    """Judge how far the main metric is below the base's.

    Args:
        rules: Those on other figures are left alone.
        directory: The result.
        record: Its record.
        held_out: Rows to measure on again; None: the figures of the record are used.
        progress: Shows the steps.
        unchanged: Whether the weights are still those of the record.

    Raises:
        InputError: The data or a model is not usable.
    """
    own_rules = [rule for rule in rules if isinstance(rule, MaxAccuracyDrop)]
    if not own_rules:
        return Checked()
    if held_out is not None:
        quality = _measure(directory, record, held_out, progress)
        verdicts = _judge(own_rules, quality.measurements, record, _NO_LABELS)
        return Checked(verdicts, quality.measurements, quality.notes)
    if not unchanged:
        return Checked(_judge(own_rules, (), record, _CHANGED))
    return Checked(_judge(own_rules, record.measurements, record, _NOT_RECORDED))


def _judge(
    rules: Sequence[MaxAccuracyDrop],
    measurements: Sequence[Measurement],
    record: Record,
    lack: _Lack,
) -> tuple[Verdict, ...]:
    metric = main_metric(measurements)
    if metric is None:
        return tuple(rule.unanswered(lack.why, lack.remedy) for rule in rules)
    return apply_rules(rules, [metric], record.measurements).verdicts


def _measure(directory: Path, record: Record, held_out: HeldOut, progress: Progress) -> Evaluation:
    """Compare the two models on the held-out rows."""
    with progress.step("read the data"):
        base = describe_checkpoint(held_out.base)
        head = describe_head(held_out.base, base.config, base.facts)
        load = load_held_out if held_out.whole else load_splits
        splits = load(held_out.data, head, progress)
    from bertslim.commands.check_work import measure_again

    return measure_again(directory, held_out.base, splits, progress, held_out.threads, record.seed)


def check_sizes(
    rules: Sequence[Rule], directory: Path, record: Record, progress: Progress
) -> Checked:
    """Count parameters and bytes again, if rules need them.

    Args:
        rules: Those on other figures are left alone.
        directory: The result.
        record: Its record.
        progress: Shows the steps.

    Raises:
        ModelError: The checkpoint is missing or damaged.
    """
    figures = {rule.figure for rule in rules}
    sizes = []
    if "parameters" in figures:
        from bertslim.commands.check_work import count_again

        with progress.step("count parameters"):
            sizes.append(_figure("parameters", count_again(directory)))
    if "bytes" in figures:
        sizes.append(_figure("bytes", find_weights(directory).size))
    return Checked(apply_rules(rules, sizes, record.measurements).verdicts, tuple(sizes))


def _figure(name: str, size: int) -> Measurement:
    return compare(name, None, size)


@dataclass(frozen=True)
class Checked:
    """The result of one kind of rule.

    Attributes:
        verdicts: Of each rule, about each figure.
        measurements: What was measured for them.
        notes: Notes for the reader.
        seconds: How long latency was measured.
    """

    verdicts: tuple[Verdict, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class RecordedLatency:
    """The latencies of a record."""

    record: Record

    @cached_property
    def baseline(self) -> tuple[Measurement, ...]:
        """The latencies in the runtime that is timed again, on the CPU."""
        latencies = self.record.find("latency")
        return tuple(
            latency
            for latency in latencies
            if latency.context.get("runtime") == RUNTIME and device_of(latency) == "cpu"
        )

    @property
    def threads(self) -> int:
        """Threads of each model: those of all latencies, else those of the run."""
        recorded = {latency.context.get("threads") for latency in self.baseline}
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
        max_length = describe_checkpoint(directory).facts.max_length
        recorded = tuple(map(shape_of, self.baseline))
        if recorded and batches is None and lengths is None:
            check_shapes(recorded, max_length)
            return recorded
        own_batches = tuple(dict.fromkeys(shape.batch for shape in recorded))
        own_lengths = tuple(dict.fromkeys(shape.length for shape in recorded))
        return all_shapes(batches or own_batches or BATCHES, lengths or own_lengths, max_length)

    def lacking(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Return the shapes whose latency it does not hold."""
        return [shape for shape in shapes if find_baseline(_at(shape), self.baseline) is None]


def _at(shape: Shape) -> Measurement:
    return compare("latency", None, None, runtime=RUNTIME, batch=shape.batch, length=shape.length)
