"""Interpreters of other versions, with what the commands need that need no PyTorch."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TORCH_FREE = ("jinja2", "markdown-it-py", "markupsafe", "pydantic", "pyyaml", "resvg-py", "typer")
_CACHE = ROOT / "build" / "pythons"
_SECONDS = 300.0  # that the wheels of one interpreter may take to come


_ANSWERS = """
import contextlib, io, json, sys
from bertslim.cli import run

answers = {}
for command in json.loads(sys.argv[1]):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = run(command.split())
    answers[command] = printed.getvalue()
    assert code == 0, (command, code)
heavy = {"torch", "transformers", "datasets", "numpy"} & set(sys.modules)
assert not heavy, heavy
print(json.dumps(answers))
"""


@dataclass(frozen=True)
class Python:
    """An interpreter, and what it imports from.

    Attributes:
        executable: What runs.
        packages: A folder of packages for it; None: those that are installed beside it.
    """

    executable: Path
    packages: Path | None = None

    def answers(self, commands: Sequence[str], *, cwd: Path) -> dict[str, str]:
        """Run command lines of bertslim, all in one process, and return what each prints.

        Raises:
            AssertionError: One of them fails, or imports what takes long.
        """
        alone = [] if self.packages is None else ["-S"]  # nothing of what is installed beside it
        path = os.pathsep.join(str(folder) for folder in (self.packages, ROOT) if folder)
        ended = subprocess.run(
            [self.executable, *alone, "-c", _ANSWERS, json.dumps(commands)],
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        answers: dict[str, str] = json.loads(ended.stdout)
        return answers


def classified_versions() -> list[str]:
    """Return the versions of Python that the project names, such as `3.11`."""
    return re.findall(r"Python :: (3\.\d+)", "\n".join(project_file()["project"]["classifiers"]))


def declared(*extras: str) -> set[str]:
    """Return the names of the packages that the project requires, and those of its extras."""
    project = project_file()["project"]
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in wanted}


def project_file() -> dict[str, Any]:
    """Return what `pyproject.toml` says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def python_of(version: str) -> Python:
    """Return an interpreter of a version; skip the test where it or its wheels lack."""
    executable = next(_interpreters(version), None)
    if executable is None:
        pytest.skip(f"there is no Python {version} on this machine")
    return Python(executable, _packages(version))


def _interpreters(version: str) -> Iterator[Path]:
    """Yield those on PATH and those of pyenv that run and are of the version."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    on_path = shutil.which(f"python{version}")
    found = [Path(on_path)] if on_path else []
    for path in [*found, *sorted(pyenv.glob(f"{version}.*/bin/python"))]:
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        ended = subprocess.run([path, "-c", code], capture_output=True, text=True, check=False)
        if ended.stdout.strip() == version:
            yield path


def _packages(version: str) -> Path:
    """Return the folder of packages for a version, made once for the pins of the project."""
    pins = (ROOT / "constraints.txt").read_bytes()
    key = hashlib.sha256(pins + repr(TORCH_FREE).encode()).hexdigest()[:12]
    packages = _CACHE / f"{version}-{key}"
    if not packages.is_dir():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as made:
            _install(version, Path(made, "packages"))
            if not packages.is_dir():  # else another process was faster
                Path(made, "packages").rename(packages)
    return packages


def _install(version: str, target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    chosen = ["--python-version", version, "--only-binary", ":all:", "--target", str(target)]
    pins = ["--constraint", str(ROOT / "constraints.txt"), *TORCH_FREE]
    try:
        subprocess.run(
            [*pip, *chosen, *pins], capture_output=True, text=True, check=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the wheels for Python {version} do not come within {_SECONDS:g} s")
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["pip says nothing"])[-1]
        pytest.skip(f"the wheels for Python {version} cannot be installed: {said}")
