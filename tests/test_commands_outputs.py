"""No command writes over, around or into anything that it reads, whatever it is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from bertslim.cli import run
from bertslim.gate.report_options import ReportFiles
from bertslim.option_fields import Group, role_of, written_as
from bertslim.options.analyze import AnalyzeOptions
from bertslim.options.check import CheckOptions
from bertslim.options.cut import CutOptions
from bertslim.options.export import ExportOptions
from bertslim.options.report import ReportOptions
from bertslim.options.retrain import RetrainOptions
from support.checked_results import RECIPE, cut_unmeasured

TABLE = "text,label\n" + "".join(f"good film {n},LABEL_{n % 3}\n" for n in range(30))


@dataclass(frozen=True)
class Case:
    """A command with all its inputs.

    Attributes:
        words: The command line, with `{name}` for the path of each input.
        models: The options models that declare inputs and outputs.
        forced: Whether it takes --force.
    """

    words: str
    models: tuple[type, ...]
    forced: bool = True


DATA = "--data {data} --eval-data {eval_data}"
CASES = {
    "cut": Case(f"{{model}} --recipe {{recipe}} {DATA}", (CutOptions,)),
    "retrain": Case(f"{{model}} --teacher {{teacher}} {DATA}", (RetrainOptions,)),
    "analyze": Case(f"{{model}} {{other}} {DATA}", (AnalyzeOptions,)),
    "report": Case("{directories}", (ReportOptions,)),
    "export": Case(f"{{directory}} --onnx --int8 {DATA}", (ExportOptions,)),
    "check": Case(
        f"{{directory}} --base {{base}} --max-accuracy-drop 1 {DATA}",
        (CheckOptions, ReportFiles),
        forced=False,
    ),
}


def declared(case: Case, kind: str) -> list[Field[Any]]:
    """Return the fields of a command's options that are paths of a kind, groups included."""

    def of(model: type) -> Iterator[Field[Any]]:
        for field in fields(model):
            role, written = role_of(field), written_as(field)
            if role is not None and role.kind == kind:
                yield field
            elif isinstance(written, Group):
                yield from of(written.model)

    return [field for model in case.models for field in of(model)]


COMBINATIONS = [
    (command, output, field.name, force)
    for command, case in CASES.items()
    for output in declared(case, "output")
    for field in declared(case, "input")
    for force in ([False, True] if case.forced else [False])
]


@pytest.fixture(scope="module")
def inputs(make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every input of every command, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("inputs")
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    result = cut_unmeasured(base, tmp_path_factory.mktemp("result"))
    for name in ("model", "teacher", "base", "other", "directory", "directories"):
        of_result = name in ("other", "directory", "directories")
        shutil.copytree(result if of_result else base, folder / name / "model")
    for name, content in (("data", TABLE), ("eval_data", TABLE), ("recipe", RECIPE)):
        (folder / name).mkdir()
        suffix = "yaml" if name == "recipe" else "csv"
        (folder / name / f"{name}.{suffix}").write_text(content, encoding="utf-8")
    return folder


def path_of(inputs: Path, name: str) -> Path:
    (path,) = (inputs / name).iterdir()
    return path


def content_of(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def places(inputs: Path, read: Path) -> Iterator[Path]:
    """Yield an input by several paths, each of its files, what is above it and what is inside."""
    yield read
    yield Path(read.parent.name, read.name)
    yield read.parent / ".." / read.parent.name / read.name
    yield inputs.parent / "link" / read.parent.name / read.name
    yield read.parent
    yield inputs
    yield inputs.parent
    yield read / "out"
    yield read / "deeper" / "out"
    yield from (path for path in read.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("command", "output", "name", "force"),
    COMBINATIONS,
    ids=lambda each: str(getattr(each, "name", each)),
)
def test_nothing_that_is_read_is_lost(
    command: str,
    output: Field[Any],
    name: str,
    force: bool,
    inputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(inputs)
    if not (inputs.parent / "link").exists():
        (inputs.parent / "link").symlink_to(inputs)
    case, before = CASES[command], content_of(inputs)
    read = [field.name for field in declared(case, "input")]
    words = case.words.format(**{each: path_of(inputs, each) for each in read}).split()
    words += ["--force"] if force else []
    for place in places(inputs, path_of(inputs, name)):
        if command == "export" and name == "directory" and not (inputs / place).exists():
            continue  # files are added to a checkpoint, which is what an export is for
        role = role_of(output)
        assert role is not None
        assert run([command, *words, role.name, str(place)]) == 2, place
        out, err = capfd.readouterr()
        assert (out, len(err.splitlines())) == ("", 1), err
        assert f"with {role.name}" in err, err
    assert content_of(inputs) == before


def test_all_commands_that_write_are_tried() -> None:
    assert {output.name for _, output, _, _ in COMBINATIONS} == {"output", "junit", "summary"}
    assert all(declared(case, "input") and declared(case, "output") for case in CASES.values())
