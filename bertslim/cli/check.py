"""`bertslim check`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bertslim.cli.options import (
    DATA_HELP,
    DebugOption,
    JsonOption,
    LabelColumnOption,
    QuietOption,
    ResultArgument,
    TaskOption,
    TextColumnOption,
    chosen_result,
    data_options,
    whole_numbers,
)
from bertslim.cli.rules import (
    MaxAccuracyDropOption,
    MaxBytesOption,
    MaxLatencyOption,
    MaxLatencyRatioOption,
    MaxParamsOption,
    MaxRegressionOption,
    rules_of,
)
from bertslim.errors import InputError

if TYPE_CHECKING:
    from bertslim.gate.check_result import CheckResult


def check(
    directory: ResultArgument = None,
    max_params: MaxParamsOption = None,
    max_bytes: MaxBytesOption = None,
    max_accuracy_drop: MaxAccuracyDropOption = None,
    max_latency_ratio: MaxLatencyRatioOption = None,
    max_regression: MaxRegressionOption = None,
    max_latency: MaxLatencyOption = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            help="The model that was cut, if it is no longer where it was.",
            metavar="MODEL",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help=f"Labelled rows to measure accuracy on again, on a tenth of them. {DATA_HELP}",
            show_default="as in the record",
        ),
    ] = None,
    eval_data: Annotated[
        str | None,
        typer.Option(
            "--eval-data",
            help="Labelled rows to measure accuracy on again, on all of them.",
            show_default=False,
        ),
    ] = None,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    task: TaskOption = None,
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
        float, typer.Option("--minutes", min=0.0, help="Time to measure latency, at most.")
    ] = 2.0,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", min=1, help="Threads of each model.", show_default="as in the record"
        ),
    ] = None,
    inconclusive: Annotated[
        Literal["pass", "fail"] | None,
        typer.Option(
            "--inconclusive",
            help="Take what cannot be told for a pass or a failure.",
            show_default="exit code 4",
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(
            "--junit", help="Write JUnit XML to this file.", metavar="FILE", show_default=False
        ),
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(
            "--summary", help="Write Markdown to this file.", metavar="FILE", show_default=False
        ),
    ] = None,
    github: Annotated[
        bool | None,
        typer.Option(
            "--github/--no-github",
            help="Print annotations for GitHub, and add to the summary of the job.",
            show_default="where GitHub Actions runs it",
        ),
    ] = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check a result against rules, and fail if it got bigger, worse or slower.

    Sizes are counted again. Accuracy is taken from the record, or measured again. For latency the
    slim model and its base take turns, until the interval lies within the bound or beyond it,
    or time is up. Exit code 0: all rules are passed; 3: one is failed; 4: it cannot be told.
    Without a rule, latency may be 10 % above the record.

    \b
    Examples:
      bertslim check
      bertslim check ./bert-base-uncased-drop_odd --max-regression 3%
      bertslim check --max-params 20M --max-bytes 85MiB
      bertslim check --max-accuracy-drop 0.5 --eval-data held_out.csv
      bertslim check --max-latency-ratio 0.8 --batch 1 --length 64 --junit gate.xml
    """
    from bertslim.commands import check as pipeline
    from bertslim.gate.report_files import ReportOptions, report_files
    from bertslim.progress import Progress

    rules = rules_of(
        max_params=max_params,
        max_bytes=max_bytes,
        max_accuracy_drop=max_accuracy_drop,
        max_latency_ratio=max_latency_ratio,
        max_regression=max_regression,
        max_latency=max_latency,
    )
    named = data_options(
        data or eval_data, eval_data if data else None, text_column, label_column, task
    )
    if named and max_accuracy_drop is None:
        where = "--data" if data else "--eval-data"
        raise InputError("needs --max-accuracy-drop beside it", where=where)
    options = pipeline.CheckOptions(
        directory=chosen_result(directory, quiet=quiet),
        rules=rules,
        base=base,
        data=named,
        data_held_out=data is None,
        batches=whole_numbers(batch, "--batch"),
        lengths=whole_numbers(length, "--length"),
        threads=threads,
        minutes=minutes,
        inconclusive_as=inconclusive or "inconclusive",
    )
    on_github = os.environ.get("GITHUB_ACTIONS") == "true" if github is None else github
    with report_files(ReportOptions(junit, summary, github=on_github)) as write:
        result = pipeline.check(options, Progress(visible=False if quiet or as_json else None))
        write(result)
    if as_json:
        typer.echo(_as_json(result))
    elif not quiet:
        typer.echo(_as_text(result))
    if on_github and not (quiet and github is None):
        _annotate(result, err=as_json)
    result.rule_results.enforce()


def _annotate(result: CheckResult, *, err: bool) -> None:
    """Print the annotations; beside JSON on standard error, where GitHub reads them too."""
    from bertslim.gate.annotations import render_annotations

    for line in render_annotations(result):
        typer.echo(line, err=err)


def _as_json(result: CheckResult) -> str:
    import json

    found = result.model_dump(mode="json")
    rule_results = found.pop("rule_results")
    shown = {"outcome": result.rule_results.outcome, "verdicts": rule_results["verdicts"]}
    return json.dumps(shown | found, indent=2)


def _as_text(result: CheckResult) -> str:
    from bertslim.gate.verdict_table import verdict_table

    table = verdict_table(result.rule_results.verdicts).markdown()
    notes = [f"Note: {note}." for note in result.notes]
    timed = [f"Measured for {result.seconds:.0f} s."] if result.seconds else []
    return "\n".join((table, *notes, *timed))
