"""The commands that need no PyTorch, on each version of Python that is named and at hand."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.example_records import cut_record
from support.pythons import TORCH_FREE, Python, classified_versions, declared, python_of

COMMANDS = [
    "--version",
    "--help",
    *(
        f"{command} --help"
        for command in ("cut", "search", "retrain", "report", "analyze", "export", "bench", "check")
    ),
    "recipes list",
    "recipes validate drop_odd_repaired",
    "recipes schema",
    "inspect base",
    "inspect base --json",
    "cut base --recipe drop_odd --dry-run",
    "report slim",
    "report slim --output pages --force",
    "report slim slim",
    "report slim slim --json",
]


@pytest.fixture(scope="module")
def here(make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a model and a record."""
    directory = tmp_path_factory.mktemp("here")
    shutil.copytree(make_checkpoint("bert"), directory / "base")
    (directory / "slim").mkdir()
    record = directory / "slim" / "bertslim.json"
    record.write_text(cut_record().to_json(), encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def answers(here: Path) -> dict[str, str]:
    """What each command prints on the Python that runs the tests."""
    return Python(Path(sys.executable)).answers(COMMANDS, cwd=here)


@pytest.mark.parametrize("version", classified_versions())
def test_commands_print_the_same_on_each_python_without_torch(
    version: str, here: Path, answers: dict[str, str]
) -> None:
    assert python_of(version).answers(COMMANDS, cwd=here) == answers
    assert (here / "pages" / "report.html").is_file()


def test_what_they_need_is_declared() -> None:
    assert {name.lower() for name in TORCH_FREE} <= declared()
