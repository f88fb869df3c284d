"""The package as a library: public names, versions, typing."""

from __future__ import annotations

import re
import subprocess
import sys
from ast import Import, ImportFrom, parse, walk
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import bertslim
from support.pythons import ROOT, declared

OWN = {"benchmarks", "bertslim", "conftest", "support"}
RIVALS = {"cka", "ckatorch"}  # benchmarks say how they are installed


def test_public_names_are_those_listed_and_can_be_imported() -> None:
    assert set(bertslim.__all__) == {*bertslim._HOMES, "__version__"}
    for name in bertslim.__all__:
        assert getattr(bertslim, name) is not None
    assert dir(bertslim) == sorted(bertslim.__all__)


def test_import_is_light() -> None:
    code = "import bertslim, sys; sys.exit('pydantic' in sys.modules or 'torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert versions[0] == bertslim.__version__


def test_python_m_bertslim_is_the_command_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bertslim", "--version"], capture_output=True, text=True, check=True
    )
    assert ended.stdout == f"bertslim {bertslim.__version__}\n"


def test_no_part_of_the_package_takes_the_place_of_a_public_name() -> None:
    parts = {path.stem for path in (ROOT / "bertslim").iterdir()}
    assert not parts & set(bertslim.__all__)


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("bertslim", ["openvino"]),
        ("tests", ["openvino", "demo", "dev"]),
        ("benchmarks", ["openvino", "demo", "dev"]),
    ],
)
def test_what_is_imported_is_declared(folder: str, extras: list[str]) -> None:
    distributions = packages_distributions()
    undeclared = {
        name
        for name in imported_from(ROOT / folder) - OWN - RIVALS - set(sys.stdlib_module_names)
        if not declared(*extras) & {known(one) for one in distributions.get(name, [])}
    }
    assert undeclared == set()


def imported_from(folder: Path) -> set[str]:
    return {name for path in folder.rglob("*.py") for name in imports_of(path)}


def imports_of(path: Path) -> Iterator[str]:
    for node in walk(parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def known(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()
