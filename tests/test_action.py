"""The GitHub Action, and the workflows that the guides show: sound YAML that fits the command."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from bertslim.cli import app

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    (page.name, block)
    for page in PAGES
    for block in re.findall(r"```yaml\n(.+?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
OWN_WORKFLOWS = [
    (path.name, path.read_text(encoding="utf-8"))
    for path in [
        *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
        ROOT / "examples" / "model_repository" / ".github" / "workflows" / "gate.yml",
    ]
]
RELEASE = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))
WORKFLOWS = [(name, text) for name, text in [*BLOCKS, *OWN_WORKFLOWS] if "jobs:" in text]


def options_of_check() -> set[str]:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    declared = commands["check"].params
    return {option for one in declared for option in (*one.opts, *one.secondary_opts)}


def steps_of(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def script_of(name: str) -> str:
    (script,) = [step["run"] for step in ACTION["runs"]["steps"] if step.get("name") == name]
    return str(script)


@pytest.mark.parametrize(("page", "block"), BLOCKS)
def test_yaml_in_the_guides_is_sound(page: str, block: str) -> None:
    yaml.safe_load(block)  # raises where it is not


def test_there_are_workflows_to_paste() -> None:
    assert [name for name, _ in WORKFLOWS].count("ci-gate.md") == 2


@pytest.mark.parametrize(("page", "text"), WORKFLOWS)
def test_workflows_are_whole(page: str, text: str) -> None:
    workflow = yaml.safe_load(text)
    assert {"name", "permissions", "jobs"} <= set(workflow), page
    assert True in workflow or "on" in workflow, "YAML 1.1 reads the key `on` as true"
    for step in steps_of(workflow):
        assert ("uses" in step) != ("run" in step), step


def test_the_workflow_that_uses_the_action_gives_it_what_it_takes() -> None:
    steps = [step for _, text in WORKFLOWS for step in steps_of(yaml.safe_load(text))]
    uses = [step["with"] for step in steps if "/bertslim@" in step.get("uses", "")]
    assert uses
    for given in uses:
        assert set(given) <= set(ACTION["inputs"])
        required = {name for name, one in ACTION["inputs"].items() if one.get("required")}
        assert required <= set(given)
        options = {word for word in shlex.split(given["args"]) if word.startswith("--")}
        assert options
        assert options <= options_of_check()


def test_the_action_is_composite_and_explains_its_inputs() -> None:
    assert ACTION["name"]
    assert ACTION["description"]
    assert ACTION["runs"]["using"] == "composite"
    for name, one in ACTION["inputs"].items():
        assert one["description"].endswith("."), name
        assert one.get("required") or "default" in one, name
    for step in ACTION["runs"]["steps"]:
        assert "uses" in step or step["shell"] == "bash"


def test_every_input_of_the_action_is_used_and_never_inside_a_script() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", text)) == set(ACTION["inputs"])
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_the_guide_names_every_input_of_the_action() -> None:
    guide = (ROOT / "docs" / "ci-gate.md").read_text(encoding="utf-8")
    for name in ACTION["inputs"]:
        assert f"`{name}`" in guide


def run_script(name: str, folder: Path, **inputs: str) -> list[str]:
    """Run a script of the action with programs that write down their arguments, a line each."""
    programs = folder / "bertslim" / "bin"
    programs.mkdir(parents=True)
    for program in (programs / "bertslim", programs / "pip", folder / "python"):
        note = "" if program.name == "python" else f'printf "%s\\n" "$@" > "{folder}/arguments"\n'
        program.write_text(f"#!/bin/sh\n{note}", encoding="utf-8")
        program.chmod(0o755)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(folder),
        "GITHUB_ACTION_PATH": "/action",
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script_of(name)]
    subprocess.run(command, env=environment | inputs, cwd=folder, check=True)
    return (folder / "arguments").read_text(encoding="utf-8").splitlines()


def test_the_action_checks_what_it_is_given(tmp_path: Path) -> None:
    arguments = run_script(
        "Check",
        tmp_path,
        DIR="my slim",
        BASE="org/base",
        ARGS="--max-params 20M\n  --eval-data 'held out.csv' --max-bytes $(touch hacked)\n",
        JUNIT="gate.xml",
    )

    assert arguments == [
        "check", "my slim", "--base", "org/base", "--junit", "gate.xml",
        "--max-params", "20M", "--eval-data", "held out.csv", "--max-bytes", "$(touch", "hacked)",
    ]  # fmt: skip
    assert not (tmp_path / "hacked").exists()


def test_the_action_needs_neither_a_base_nor_options(tmp_path: Path) -> None:
    arguments = run_script("Check", tmp_path, DIR="slim", BASE="", ARGS="", JUNIT="gate.xml")
    assert arguments == ["check", "slim", "--junit", "gate.xml"]


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("0.1.0", ["bertslim==0.1.0"]),
        ("", ["-c", "/action/constraints.txt", "/action"]),
    ],
)
def test_the_action_installs_its_own_version_unless_another_is_named(
    version: str, wanted: list[str], tmp_path: Path
) -> None:
    arguments = run_script("Install bertslim", tmp_path, VERSION=version)
    assert arguments == ["install", "--quiet", "--disable-pip-version-check", *wanted]


def test_a_release_stores_no_token_and_only_the_last_job_may_publish() -> None:
    assert RELEASE["permissions"] == {"contents": "read"}
    build, publish = RELEASE["jobs"]["build"], RELEASE["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["needs"] == "build"
    assert publish["environment"]["name"] == "pypi"
    assert "permissions" not in build
    assert "secrets." not in (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    for step in build["steps"]:
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize(
    ("tag", "listed", "code"),
    [("v1.2.3", "1.2.3", 0), ("1.2.3", "1.2.3", 1), ("v1.2.4", "1.2.4", 1), ("v1.2.3", "1.2.2", 1)],
)
def test_a_release_needs_its_version_and_its_changes(
    tag: str, listed: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "bertslim").mkdir()
    (tmp_path / "bertslim" / "version.py").write_text('__version__ = "1.2.3"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(f"## [{listed}] - 2030-01-01\n", encoding="utf-8")
    (script,) = [
        step["run"]
        for step in RELEASE["jobs"]["build"]["steps"]
        if step.get("name") == "Compare the tag with the version"
    ]
    ended = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        env=os.environ | {"TAG": tag},
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    assert ended.returncode == code
