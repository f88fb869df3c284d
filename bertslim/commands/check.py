"""`bertslim check`: record -> count, score and time the slim model again -> judge."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bertslim.commands.check_parts import (
    Checked,
    HeldOut,
    RecordedLatency,
    check_accuracy,
    check_sizes,
)
from bertslim.commands.recorded_base import find_recorded_base
from bertslim.gate.baseline import machine_differences
from bertslim.gate.check_result import CheckResult
from bertslim.gate.latency_rules import MEASURE_ON, MaxLatency, MaxRegression
from bertslim.gate.rule_results import RuleResults, apply_rules
from bertslim.gate.verdicts import Rule, Verdict, VerdictUnit, unanswered
from bertslim.measure.environment import describe_environment
from bertslim.measure.latency import BASE, SLIM, LatencyBench
from bertslim.measure.runtimes import TimedModel
from bertslim.measure.shapes import Shape, shape_of
from bertslim.model.checkpoint_files import find_weights
from bertslim.model.model_source import ModelSource, find_model
from bertslim.options.check import CheckOptions
from bertslim.output.inputs import Input, inputs_named, inputs_of
from bertslim.progress import Progress
from bertslim.records import Environment, Measurement, Record, read_record

DEFAULT_RULE = MaxRegression(percent=10.0)
LAUNCH_SECONDS = 1.5
FEWEST_LAUNCHES = 3
ROUNDS_A_LAUNCH = 4  # at least, however long one takes: what differs is launches
LEVEL = 0.99
LAUNCH_ERROR = 0.015  # the standard error of a ratio at which a launch ends
LONGEST_LAUNCH_SECONDS = 7.0
LONGEST = 3.0  # times the minutes that are asked for, all restarts included


def check(options: CheckOptions, progress: Progress) -> CheckResult:
    """Judge a result by rules: sizes first, then accuracy, then latency, each if a rule needs it.

    Latency is timed against the base until the rules decide, or time is up.

    Raises:
        InputError: There is no record, the base or the data are not usable, or a shape is not
            possible.
    """
    return _Check(options, read_record(options.directory), progress).run()


def inputs_of_check(options: CheckOptions) -> tuple[Input, ...]:
    """Return what a check reads: what its options name, or else its record.

    Raises:
        InputError: There is no record.
    """
    if options.base is not None:
        return inputs_of(options)
    base = read_record(options.directory).base.source
    return (*inputs_of(options), *inputs_named("the base of the record", base))


@dataclass
class _Check:
    """One check, from the record to the result."""

    options: CheckOptions
    record: Record
    progress: Progress

    def run(self) -> CheckResult:
        """Judge by all rules."""
        options, record, progress = self.options, self.record, self.progress
        timed, unanswered = self._latency_rules()
        base = self._find_base() if timed or options.data else None
        unchanged = find_weights(options.directory).sha256() == record.slim.sha256
        sizes = check_sizes(self._rules, options.directory, record, progress)
        accuracy = check_accuracy(
            self._rules,
            options.directory,
            record,
            self._held_out(base),
            progress,
            unchanged=unchanged,
        )
        latency = self._time(timed, base)
        parts = (sizes, accuracy, latency)
        verdicts = tuple(verdict for part in parts for verdict in part.verdicts)
        rule_results = RuleResults(
            verdicts=(*verdicts, *unanswered),
            inconclusive_as=options.inconclusive_as or "inconclusive",
        )
        return CheckResult(
            model=options.directory.resolve().name,
            base=base.name if base else record.base.source,
            rule_results=rule_results,
            measurements=tuple(figure for part in parts for figure in part.measurements),
            environment=self._here,
            notes=(
                *(note for part in parts for note in part.notes),
                *self._changes(base, unchanged=unchanged),
                *_lenience(rule_results),
            ),
            seconds=latency.seconds,
        )

    @property
    def _rules(self) -> tuple[Rule, ...]:
        return self.options.rules or (DEFAULT_RULE,)

    def _latency_rules(self) -> tuple[list[Rule], list[Verdict]]:
        """Return the rules on latency to measure for, and the verdicts of those left open."""
        timed: list[Rule] = []
        unanswered: list[Verdict] = []
        for rule in self._rules:
            if rule.figure == "latency":
                verdicts = self._left_open(rule)
                unanswered += verdicts
                timed += [] if verdicts else [rule]
        return timed, unanswered

    def _left_open(self, rule: Rule) -> list[Verdict]:
        """Make the verdicts of a rule that cannot be judged here."""
        if isinstance(rule, MaxLatency):
            differences = machine_differences(self.record.environment, self._here)
            return [rule.on_another_machine(differences)] if differences else []
        if isinstance(rule, MaxRegression):
            lacking = self._recorded.lacking(self._shapes)
            return [rule.without_baseline(str(shape)) for shape in lacking]
        return []

    def _time(self, rules: Sequence[Rule], base: ModelSource | None) -> Checked:
        """Time both models until the rules decide, or time is up."""
        if not rules or base is None:
            return Checked()
        baseline = self._recorded.baseline
        with (
            self.progress.step("measure latency"),
            LatencyBench(
                {BASE: TimedModel(base.directory), SLIM: TimedModel(self.options.directory)},
                self._shapes,
                threads=self._threads,
                seed=self.record.seed,
                progress=self.progress,
                min_rounds=ROUNDS_A_LAUNCH,
            ) as bench,
        ):
            start = time.monotonic()
            timed = _measure(bench, rules, baseline, 60 * self.options.minutes)
            seconds = round(time.monotonic() - start, 3)
        latencies = timed.latencies
        verdicts = (*apply_rules(rules, latencies, baseline).verdicts, *timed.unanswered(rules))
        notes = machine_differences(self.record.environment, self._here)
        return Checked(verdicts, latencies, (*notes, *bench.disturbance()), seconds)

    def _find_base(self) -> ModelSource:
        if self.options.base is not None:
            return find_model(self.options.base)
        return find_recorded_base(self.record, remedy="name it with --base")

    def _held_out(self, base: ModelSource | None) -> HeldOut | None:
        data = self.options.data
        if data is None or base is None:
            return None
        recorded = self.record.data
        if recorded is not None and data.labels_as is None:
            data = replace(data, labels_as=recorded.labels_as)  # as the recorded figures were made
        return HeldOut(data, self.options.data_held_out, base.directory, self._threads)

    def _changes(self, base: ModelSource | None, *, unchanged: bool) -> Iterator[str]:
        if base and find_weights(base.directory).sha256() != self.record.base.sha256:
            yield f"{base.name} is not the base of the record: its weights differ"
        if not unchanged:
            yield "the weights are not those of the record"

    @cached_property
    def _recorded(self) -> RecordedLatency:
        return RecordedLatency(self.record)

    @cached_property
    def _shapes(self) -> tuple[Shape, ...]:
        options = self.options
        batches, lengths = options.batches or None, options.lengths or None
        return self._recorded.shapes(options.directory, batches, lengths)

    @property
    def _threads(self) -> int:
        return self.options.threads or self._recorded.threads

    @cached_property
    def _here(self) -> Environment:
        return describe_environment(self._threads)


def _lenience(rule_results: RuleResults) -> Iterator[str]:
    """Note what inconclusive verdicts count as, if there are any."""
    inconclusive = any(verdict.outcome == "inconclusive" for verdict in rule_results.verdicts)
    if inconclusive and rule_results.inconclusive_as != "inconclusive":
        yield f"what is inconclusive counts as a {rule_results.inconclusive_as}, as asked"


@dataclass(frozen=True)
class _Timed:
    """What was timed: the figures of some shapes, and why there are none of the others."""

    latencies: tuple[Measurement, ...]
    doubts: Mapping[str, str]

    def decides(self, rules: Sequence[Rule], baseline: Sequence[Measurement]) -> bool:
        """Whether all rules are passed by it, or one is failed."""
        verdicts = apply_rules(rules, self.latencies, baseline).verdicts
        results = RuleResults(verdicts=(*verdicts, *self.unanswered(rules)))
        return results.outcome != "inconclusive"

    def unanswered(self, rules: Sequence[Rule]) -> Iterator[Verdict]:
        """Make the verdicts of rules on shapes without figures."""
        for rule in rules:
            for shape, doubt in self.doubts.items():
                unit: VerdictUnit = "ms" if isinstance(rule, MaxLatency) else "ratio"
                yield unanswered(rule, shape, unit, f"at {shape} {doubt}", remedy=MEASURE_ON)


def _measure(
    bench: LatencyBench, rules: Sequence[Rule], baseline: Sequence[Measurement], seconds: float
) -> _Timed:
    """Start both models again and time them, until no rule is inconclusive or one is failed.

    Two processes of one model differ during their lifetime, so rounds within one launch are not
    enough to judge by. The rules are judged after each launch; the level accounts for repeated
    judging. On a busy machine a launch takes longer, until its rounds agree. The first
    launches run even when time is up, but not beyond three times the seconds.
    """
    begun = time.monotonic()
    deadline, limit = begun + seconds, begun + LONGEST * seconds
    a_launch = min(LAUNCH_SECONDS, seconds / FEWEST_LAUNCHES / bench.shape_count)
    launches = 0
    while True:
        start = time.monotonic()
        if launches:
            bench.restart()
        bench.run(a_launch)
        while (
            bench.launch_error(BASE, SLIM) > LAUNCH_ERROR
            and time.monotonic() - start < LONGEST_LAUNCH_SECONDS
            and time.monotonic() < deadline
        ):
            bench.run(a_launch)
        launches += 1
        taken = time.monotonic() - start
        over = time.monotonic() + taken > (limit if launches < FEWEST_LAUNCHES else deadline)
        timed = _figures(bench, launches)
        if over or (launches >= FEWEST_LAUNCHES and timed.decides(rules, baseline)):
            return timed


def _figures(bench: LatencyBench, launches: int) -> _Timed:
    """Work out the figures so far; too few launches tell nothing, whatever their rounds say."""
    result = bench.compare(BASE, SLIM, level=LEVEL)
    latencies = tuple(figure for figure in result.measurements if figure.name == "latency")
    doubts = {str(shape): doubt for shape, doubt in result.doubts.items()}
    if launches < FEWEST_LAUNCHES:
        few = f"cannot tell: there was time for {launches} of {FEWEST_LAUNCHES} launches"
        doubts = {str(shape_of(figure)): few for figure in latencies} | doubts
        latencies = ()
    return _Timed(latencies, doubts)
