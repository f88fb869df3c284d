"""`bertslim check`: record -> time both models again -> judge."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bertslim.errors import CannotTell, ModelError
from bertslim.gate.baseline import find_baseline
from bertslim.gate.judgement import Judgement, judge
from bertslim.gate.latency_rules import MaxRegression
from bertslim.gate.verdicts import Rule
from bertslim.measure.environment import describe_environment
from bertslim.measure.latency import RUNTIME, LatencyBench, check_shapes
from bertslim.measure.latency_process import Shape
from bertslim.model.facts import read_facts
from bertslim.model.files import find_weights, read_config
from bertslim.model.source import ModelSource, find_model
from bertslim.pipeline.cut import MeasureOptions
from bertslim.progress import Progress
from bertslim.records import Measurement, Record, read_record

DEFAULT_RULE = MaxRegression(percent=10.0)
FIRST_LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class CheckOptions:
    """What `bertslim check` was asked for.

    Attributes:
        directory: A result with its record.
        rules: What it has to fulfil; none: at most 10 % above the record.
        base: A local directory, `pkg:NAME` or a Hub id; None: as the record says.
        batches: Batch sizes; None: as in the record.
        lengths: Lengths in tokens; None: as in the record.
        threads: Threads of each model; None: as in the record.
        minutes: How long to measure at most.
    """

    directory: Path
    rules: tuple[Rule, ...] = ()
    base: str | None = None
    batches: tuple[int, ...] | None = None
    lengths: tuple[int, ...] | None = None
    threads: int | None = None
    minutes: float = 2.0


@dataclass(frozen=True)
class CheckResult:
    """What was found.

    Attributes:
        judgement: What the rules say.
        latencies: What they judged, one a shape.
        notes: What the reader should know about it.
        seconds: How long was measured.
    """

    judgement: Judgement
    latencies: tuple[Measurement, ...]
    notes: tuple[str, ...]
    seconds: float


def check(options: CheckOptions, progress: Progress) -> CheckResult:
    """Time a result against its base again until the rules decide, or time is up.

    Raises:
        InputError: There is no record, no base, or a shape is not possible.
        CannotTell: A rule compares with the record, and that holds no latency of a shape.
    """
    record = read_record(options.directory)
    rules = options.rules or (DEFAULT_RULE,)
    baseline = [one for one in record.find("latency") if one.context.get("runtime") == RUNTIME]
    shapes = _shapes(options, baseline)
    if any(rule.needs_baseline for rule in rules):
        _require_baseline(shapes, baseline)
    base = _find_base(options.base, record)
    threads = options.threads or _threads(record, baseline)
    with (
        progress.step("measure latency"),
        LatencyBench(
            {"base": base.directory, "slim": options.directory},
            shapes,
            threads=threads,
            seed=record.seed,
            progress=progress,
        ) as bench,
    ):
        start = time.monotonic()
        latencies = _measure(bench, rules, baseline, len(shapes), start + 60 * options.minutes)
        seconds = time.monotonic() - start
    return CheckResult(
        judge(rules, latencies, baseline),
        latencies,
        _notes(record, base, threads),
        round(seconds, 3),
    )


def _shapes(options: CheckOptions, baseline: Sequence[Measurement]) -> tuple[Shape, ...]:
    """The shapes that are asked for, the rest as in the record, or as `cut` has them."""
    max_length = read_facts(read_config(options.directory)).max_length
    recorded = tuple(_shape(one) for one in baseline)
    if recorded and options.batches is None and options.lengths is None:
        check_shapes(recorded, max_length)
        return recorded
    batches = tuple(dict.fromkeys(shape.batch for shape in recorded)) or MeasureOptions().batches
    lengths = tuple(dict.fromkeys(shape.length for shape in recorded))
    wanted = MeasureOptions(options.batches or batches, options.lengths or lengths)
    return wanted.shapes(max_length)


def _shape(measurement: Measurement) -> Shape:
    return Shape(int(measurement.context["batch"]), int(measurement.context["length"]))


def _require_baseline(shapes: Sequence[Shape], baseline: Sequence[Measurement]) -> None:
    for shape in shapes:
        context = {"runtime": RUNTIME, "batch": shape.batch, "length": shape.length}
        if find_baseline(Measurement(name="latency", unit="ms", context=context), baseline) is None:
            raise CannotTell(
                f"no baseline: the record holds no latency at {shape}",
                remedy="`bertslim cut` without --no-measure makes one, or give --max-latency-ratio",
            )


def _find_base(given: str | None, record: Record) -> ModelSource:
    if given is not None:
        return find_model(given)
    try:
        return find_model(record.base.source)
    except ModelError as error:
        raise ModelError(
            f"the base that the record names is not to be had ({error.what})",
            where=error.where,
            remedy="name it with --base",
        ) from error


def _threads(record: Record, baseline: Sequence[Measurement]) -> int:
    recorded = {one.context.get("threads") for one in baseline}
    return int(recorded.pop() or 1) if len(recorded) == 1 else record.environment.threads


def _measure(
    bench: LatencyBench,
    rules: Sequence[Rule],
    baseline: Sequence[Measurement],
    shapes: int,
    deadline: float,
) -> tuple[Measurement, ...]:
    """Measure until no rule is inconclusive or one is failed.

    The time between two looks doubles: with few looks there are few chances to be misled by one.
    """
    seconds = FIRST_LOOK_SECONDS
    while True:
        bench.run(min(seconds, max(0.0, deadline - time.monotonic()) / shapes))
        latencies = tuple(one for one in bench.result().measurements if one.name == "latency")
        decided = judge(rules, latencies, baseline).outcome != "inconclusive"
        if decided or time.monotonic() >= deadline:
            return latencies
        seconds *= 2


def _notes(record: Record, base: ModelSource, threads: int) -> tuple[str, ...]:
    here, then = describe_environment(threads), record.environment
    notes = []
    if here.cpu != then.cpu:
        notes.append(f"the record was measured on {then.cpu}, this is {here.cpu}")
    if here.threads != then.threads:
        notes.append(f"the record was measured with {then.threads} threads, this with {threads}")
    if find_weights(base.directory).sha256() != record.base.sha256:
        notes.append(f"{base.name} is not the base of the record: its weights differ")
    return tuple(notes)
