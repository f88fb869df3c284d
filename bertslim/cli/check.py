"""`bertslim check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bertslim.cli.chosen_result import chosen_result
from bertslim.cli.options import (
    DebugOption,
    JsonOption,
    QuietOption,
    ResultArgument,
    whole_numbers,
)
from bertslim.errors import InputError

if TYPE_CHECKING:
    from bertslim.gate.verdicts import Rule, Verdict
    from bertslim.pipeline.check import CheckResult


def check(
    directory: ResultArgument = None,
    max_latency_ratio: Annotated[
        float | None,
        typer.Option(
            "--max-latency-ratio",
            help="The slim model's time / the base's time, at most, at every shape.",
            metavar="R",
            show_default=False,
        ),
    ] = None,
    max_regression: Annotated[
        str | None,
        typer.Option(
            "--max-regression",
            help="How much higher this ratio may be than in the record.",
            metavar="P%",
            show_default="10%, where no rule is given",
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            help="The model that was cut, if it is no longer where it was.",
            metavar="MODEL",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        list[str] | None,
        typer.Option(
            "--batch", help="Batch sizes to time.", show_default="as in the record", metavar="N"
        ),
    ] = None,
    length: Annotated[
        list[str] | None,
        typer.Option(
            "--length",
            help="Lengths in tokens to time.",
            show_default="as in the record",
            metavar="N",
        ),
    ] = None,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.0, help="Time to measure, at most.")
    ] = 2.0,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", min=1, help="Threads of each model.", show_default="as in the record"
        ),
    ] = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Time a result against its base again, and fail if it got slower.

    The two take turns, and are measured until the 95 % interval of the ratio of their times lies
    within the bound (exit code 0) or beyond it (3), or until time is up (4). With --max-regression
    the interval also counts how sure the record is.

    \b
    Examples:
      bertslim check
      bertslim check ./bert-base-uncased-drop_odd --max-regression 3%
      bertslim check --max-latency-ratio 0.8 --batch 1 --length 64 --minutes 5
    """
    from bertslim.pipeline import check as pipeline
    from bertslim.progress import Progress

    options = pipeline.CheckOptions(
        directory=chosen_result(directory, quiet=quiet),
        rules=_rules(max_latency_ratio, max_regression),
        base=base,
        batches=whole_numbers(batch, "--batch"),
        lengths=whole_numbers(length, "--length"),
        threads=threads,
        minutes=minutes,
    )
    result = pipeline.check(options, Progress(visible=False if quiet or as_json else None))
    if as_json:
        typer.echo(_as_json(result))
    elif not quiet:
        typer.echo(_as_text(result))
    result.judgement.enforce()


def _rules(max_latency_ratio: float | None, max_regression: str | None) -> tuple[Rule, ...]:
    from bertslim.gate.latency_rules import MaxLatencyRatio, MaxRegression

    rules: list[Rule] = []
    if max_latency_ratio is not None:
        rules.append(MaxLatencyRatio(max_latency_ratio))
    if max_regression is not None:
        rules.append(MaxRegression(_percent(max_regression)))
    return tuple(rules)


def _percent(text: str) -> float:
    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        raise InputError(
            f"{text!r} is not a percentage", where="--max-regression", remedy="such as 5%"
        ) from None


def _as_json(result: CheckResult) -> str:
    import json

    judgement = result.judgement
    shown = {
        "outcome": judgement.outcome,
        "verdicts": [verdict.model_dump() for verdict in judgement.verdicts],
        "latencies": [latency.model_dump() for latency in result.latencies],
        "notes": result.notes,
        "seconds": result.seconds,
    }
    return json.dumps(shown, indent=2)


def _as_text(result: CheckResult) -> str:
    from bertslim.report.tables import Table

    headers = ("rule", "of", "record", "found", "95 % interval", "at most", "verdict")
    rows = tuple(_row(verdict) for verdict in result.judgement.verdicts)
    table = Table("llrrrrl", headers, rows).without_empty_columns().markdown()
    notes = [f"Note: {note}." for note in result.notes]
    return "\n".join((table, *notes, f"Measured for {result.seconds:.0f} s."))


def _row(verdict: Verdict) -> tuple[str, ...]:
    interval = verdict.interval
    return (
        verdict.rule,
        verdict.subject,
        "" if verdict.recorded is None else f"{verdict.recorded:.3f}",
        f"{verdict.found:.3f}",
        f"{interval.low:.3f} to {interval.high:.3f}" if interval else "",
        f"{verdict.bound:.3f}",
        verdict.outcome,
    )
