"""The command line and the library agree: what is left out is settled by one options model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import typer

from bertslim.cli import app, run
from bertslim.cli.runs.check import RULES
from bertslim.data.data_options import DataOptions
from bertslim.errors import InputError
from bertslim.export.formats import Format
from bertslim.measure.measure_options import MeasureOptions
from bertslim.option_fields import Group, Option, written_as
from bertslim.options.analyze import AnalyzeOptions
from bertslim.options.bench import BenchOptions
from bertslim.options.check import CheckOptions
from bertslim.options.cut import CutOptions
from bertslim.options.export import ExportOptions
from bertslim.options.inspect import InspectOptions
from bertslim.options.report import ReportOptions
from bertslim.options.retrain import RetrainOptions
from bertslim.options.rules import RuleOptions
from bertslim.options.search import SearchOptions

HERE = Path()
CASES: dict[str, tuple[list[str], str, Any]] = {
    "cut": (["m", "-r", "r"], "cut.cut", CutOptions("m", "r")),
    "retrain": (["m", "--data", "d"], "retrain.retrain", RetrainOptions("m", DataOptions("d"))),
    "search": (["m", "--data", "d"], "search.search", SearchOptions("m", DataOptions("d"))),
    "analyze": (["m"], "analyze.analyze", AnalyzeOptions("m")),
    "bench": (["m"], "bench.bench", BenchOptions(("m",))),
    "export": (
        [".", "--onnx"],
        "export.export_checkpoint",
        ExportOptions(HERE, format=Format.ONNX),
    ),
    "check": (["."], "check.check", CheckOptions(HERE)),
    "inspect": (["m"], "inspect.inspect_model", InspectOptions("m")),
    "report": (["."], "report.report", ReportOptions((HERE,))),
}


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that runs a command line and returns what the command is asked for."""

    def settle(command: str, *arguments: str) -> Any:
        caught: list[Any] = []

        def catch(options: Any, *_: Any) -> None:
            caught.append(options)
            raise InputError("caught in place of the work of the command")

        monkeypatch.setattr(f"bertslim.commands.{CASES[command][1]}", catch)
        assert run([command, *arguments]) == 2
        (options,) = caught
        return options

    return settle


@pytest.mark.parametrize("command", CASES)
def test_what_is_left_out_is_the_same_on_the_command_line_and_in_the_library(
    command: str, settings_of
) -> None:
    arguments, _, expected = CASES[command]
    options = settings_of(command, *arguments)
    if hasattr(options, "command"):
        assert options.command == ("bertslim", command, *arguments)
        options = replace(options, command=())
    assert options == expected


def test_every_command_but_those_on_recipes_has_an_options_model() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert set(CASES) == set(commands) - {"recipes"}


@pytest.mark.parametrize("command", CASES)
def test_every_field_that_is_an_option_can_be_given(command: str) -> None:
    parameters = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    shown = {spelling for parameter in parameters for spelling in parameter.opts}
    for option in options_of(type(CASES[command][2])):
        assert {name.partition("/")[0] for name in option.names} <= shown


def options_of(model: type[Any]) -> list[Option]:
    """All options of a model, those of its groups included."""
    found: list[Option] = []
    for field in fields(model):
        written = written_as(field)
        if isinstance(written, Option):
            found.append(written)
        elif isinstance(written, Group):
            found += options_of(written.model)
    return found


def test_what_is_given_arrives(settings_of) -> None:
    data = ["--data", "d", "--text-column", "a,b", "--label-column", "x", "--task", "t"]
    measure = ["--batch", "2", "--batch", "4,2", "--length", "16", "--launches", "1"]
    options = settings_of("cut", "m", "-r", "r", *data, *measure, "--threads", "3", "--force")
    assert replace(options, command=()) == CutOptions(
        "m",
        "r",
        data=DataOptions("d", None, ("a", "b"), ("x",), "t"),
        measure=MeasureOptions((2, 4), (16,), launches=1),
        threads=3,
        force=True,
    )
    assert settings_of("cut", "m", "-r", "r", "--no-measure").measure is None


def test_held_out_rows_of_check_are_its_data(settings_of) -> None:
    rule = [".", "--max-accuracy-drop", "1"]
    alone = settings_of("check", *rule, "--eval-data", "e")
    assert (alone.data, alone.data_held_out) == (DataOptions("e"), True)
    beside = settings_of("check", *rule, "--data", "d", "--eval-data", "e")
    assert (beside.data, beside.data_held_out) == (DataOptions("d", "e"), False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cut", "m", "-r", "r", "--eval-data", "e"], "--eval-data: needs --data beside it"),
        (
            ["cut", "m", "-r", "r", "--no-measure", "--show-texts"],
            "--show-texts: needs the models to be compared",
        ),
        (["check", ".", "--data", "d"], "--data: needs --max-accuracy-drop beside it"),
        (["check", ".", "--task", "t"], "--task: needs --data beside it"),
        (["bench", "m", "--runtime", "torhc"], "--runtime: 'torhc' is no runtime; did you mean"),
        (["export", "."], "no format was chosen; add --onnx, --openvino or --torch"),
        (["export", ".", "--onnx", "--torch"], "--onnx, --openvino and --torch exclude each other"),
        (["retrain", "m"], "Missing option '--data'"),
        (
            ["retrain", "m", "--data", "d", "--epochs", "1", "--steps", "5"],
            "--steps: --epochs sets the duration already; leave one out",
        ),
        (
            ["retrain", "m", "--data", "d", "--hidden-weight", "1"],
            "--hidden-weight: needs --teacher beside it",
        ),
        (["report", ".", "--json", "-o", "x"], "--output: give one of --json and --output"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_need_or_exclude_others(
    arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert message in capfd.readouterr().err


def test_every_rule_that_can_be_given_is_judged_and_is_in_the_guide() -> None:
    guide = (Path(__file__).parent.parent / "docs" / "ci-gate.md").read_text(encoding="utf-8")
    for rule in fields(RuleOptions):
        option = written_as(rule)
        assert isinstance(option, Option)
        assert rule.name in RULES
        assert all(name in guide for name in option.names)
    assert len(RULES) == len(fields(RuleOptions))
