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
from support.pythons import ROOT, declared, project_file

OWN = {"benchmarks", "bertslim", "conftest", "support"}
RIVALS = {"cka", "ckatorch"}  # benchmarks say how they are installed
CONSUMERS = {"fastembed", "optimum", "txtai"}  # benchmarks/serving installs them apart


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


@pytest.mark.parametrize("before", ["", "import bertslim.report.page"])
def test_a_package_with_the_name_of_a_public_function_is_called_as_that(before: str) -> None:
    code = f"import bertslim; {before}\nbertslim.report(bertslim.ReportOptions('nowhere'))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "InputError: nowhere/bertslim.json: no bertslim record here" in ended.stderr


def test_every_other_public_name_is_that_of_no_part_of_the_package() -> None:
    parts = {path.stem for path in (ROOT / "bertslim").iterdir()}
    for name in parts & set(bertslim.__all__):
        assert callable(getattr(bertslim, name)), name


def test_the_readme_links_nothing_by_a_relative_path_on_pypi() -> None:
    hook = project_file()["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    shown = (ROOT / hook["fragments"][0]["path"]).read_text(encoding="utf-8")
    for one in hook["substitutions"]:
        shown = re.sub(one["pattern"], one["replacement"], shown)
    links = re.findall(r"\]\(([^)]+)\)", shown)
    assert len(links) > 30
    assert {link for link in links if not link.startswith("https://")} == set()


def test_the_source_distribution_has_what_the_readme_speaks_of() -> None:
    included = set(project_file()["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    named = re.findall(r"\]\((\w+)[/.][^)]*\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert {name for name in named if (ROOT / name).is_dir()} <= included
    assert {"tests", "recipes", "constraints.txt", "Makefile"} <= included


def test_the_page_on_the_library_names_what_is_public_and_all_functions() -> None:
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Z]\w+|[a-z]+)`|bertslim\.(\w+)\(", page))
    words = {word for pair in named for word in pair if word}
    assert {name for name in words if name.endswith("Options")} <= set(bertslim.__all__)
    assert set(re.findall(r"bertslim\.(\w+)\(", page)) <= set(bertslim.__all__)
    functions = {name for name in bertslim.__all__ if name[0].islower()} - {"read_record"}
    assert functions <= words


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
        for name in imported_from(ROOT / folder)
        - OWN
        - RIVALS
        - CONSUMERS
        - set(sys.stdlib_module_names)
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
