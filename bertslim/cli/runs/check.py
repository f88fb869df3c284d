"""Run `bertslim check` and print the verdicts."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path

from bertslim.cli.options import Given
from bertslim.cli.runs.show import chosen_result, progress_for
from bertslim.commands import check as command
from bertslim.errors import InputError
from bertslim.gate.accuracy_rule import MaxAccuracyDrop
from bertslim.gate.annotations import render_annotations
from bertslim.gate.check_result import CheckResult
from bertslim.gate.latency_rules import MaxLatency, MaxLatencyRatio, MaxRegression
from bertslim.gate.report_files import report_files
from bertslim.gate.report_options import ReportFiles
from bertslim.gate.size_rules import MaxBytes, MaxParameters
from bertslim.gate.verdict_table import verdict_table
from bertslim.gate.verdicts import Rule
from bertslim.options.check import CheckOptions
from bertslim.options.rules import RuleOptions
from bertslim.terminal import print_command, print_json, print_text

RULES: dict[str, type[Rule]] = {
    "max_params": MaxParameters,
    "max_bytes": MaxBytes,
    "max_accuracy_drop": MaxAccuracyDrop,
    "max_latency_ratio": MaxLatencyRatio,
    "max_regression": MaxRegression,
    "max_latency": MaxLatency,
}


@dataclass(frozen=True)
class Outputs:
    """Where the verdicts are printed and written.

    Attributes:
        files: Where they are written; annotations are printed where the summary of the job is
            added to.
        quiet: Whether nothing but errors is printed.
        as_json: Whether the result is printed as JSON.
        asked: Whether the annotations were asked for, so that they are also printed if quiet.
    """

    files: ReportFiles
    quiet: bool
    as_json: bool
    asked: bool


def run(
    given: Given[CheckOptions], rules: RuleOptions, directory: Path | None, outputs: Outputs
) -> None:
    """Check a result, print the verdicts and fail if one of them does."""
    options = _options(given, rules, directory, quiet=outputs.quiet)
    written = outputs.files.junit or outputs.files.summary
    inputs = command.inputs_of_check(options) if written else ()
    with report_files(outputs.files, inputs) as write:
        result = command.check(options, progress_for(quiet=outputs.quiet, as_json=outputs.as_json))
        write(result)
    if outputs.as_json:
        print_json(_as_json(result))
    elif not outputs.quiet:
        print_text(_as_text(result))
    if outputs.files.github and (outputs.asked or not outputs.quiet):
        for line in render_annotations(result):
            print_command(line, error=outputs.as_json)  # beside JSON; GitHub reads them there too
    result.rule_results.enforce()


def _options(
    given: Given[CheckOptions], rules: RuleOptions, directory: Path | None, *, quiet: bool
) -> CheckOptions:
    read = read_rules(rules)
    data, eval_data = given.values["data"], given.values["eval_data"]
    if (data or eval_data) and rules.max_accuracy_drop is None:
        where = "--data" if data else "--eval-data"
        raise InputError("needs --max-accuracy-drop beside it", where=where)
    held_out = data is None and eval_data is not None
    if held_out:
        given = given.replace(data=eval_data, eval_data=None)
    options = given.make(directory=Path(), rules=read, data_held_out=held_out)
    return replace(options, directory=chosen_result(directory, quiet=quiet))


def read_rules(options: RuleOptions) -> tuple[Rule, ...]:
    """Return the rules that are given, in the order in which they are judged.

    Raises:
        InputError: One of them cannot be read, or allows everything.
    """
    written = ((RULES[rule.name], getattr(options, rule.name)) for rule in fields(options))
    return tuple(rule.parse(text) for rule, text in written if text is not None)


def _as_json(result: CheckResult) -> str:
    dumped = result.model_dump(mode="json")
    rule_results = dumped.pop("rule_results")
    shown = {"outcome": result.rule_results.outcome, "verdicts": rule_results["verdicts"]}
    return json.dumps(shown | dumped, indent=2)


def _as_text(result: CheckResult) -> str:
    table = verdict_table(result.rule_results.verdicts).markdown()
    notes = [f"Note: {note}." for note in result.notes]
    timed = [f"Measured for {result.seconds:.0f} s."] if result.seconds else []
    return "\n".join((table, *notes, *timed))
