"""The reports that `bertslim check` writes, and what it prints for GitHub."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bertslim.cli import run
from support.checked_results import cut_unmeasured

EARLIER_JUNIT = '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="bertslim check"/>'
PASSING, FAILING = ["--max-bytes", "1GB"], ["--max-bytes", "1kB"]


@pytest.fixture(scope="module")
def result(make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    base = make_checkpoint("bert", "SequenceClassification")
    return str(cut_unmeasured(base, tmp_path_factory.mktemp("results")))


@pytest.mark.parametrize(
    ("rule", "code", "failures", "heading"),
    [(PASSING, 0, "0", "passed"), (FAILING, 3, "1", "failed")],
)
def test_reports_are_written_however_it_ends(
    result: str, rule: list[str], code: int, failures: str, heading: str, tmp_path: Path
) -> None:
    junit, summary = tmp_path / "gate.xml", tmp_path / "gate.md"
    junit.write_text(EARLIER_JUNIT, encoding="utf-8")
    files = ["--junit", str(junit), "--summary", str(summary), "--quiet"]

    assert run(["check", result, *rule, *files]) == code

    assert ET.parse(junit).getroot().get("failures") == failures
    text = summary.read_text(encoding="utf-8")
    assert text.startswith(f"## bertslim check: {heading}\n")
    assert "| --max-bytes" in text
    assert sorted(tmp_path.iterdir()) == sorted([junit, summary])


def test_a_report_that_cannot_be_written_is_told_before_anything_is_measured(
    result: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nothing is measured in vain")

    monkeypatch.setattr("bertslim.commands.check.check", refuse)
    missing = tmp_path / "none" / "gate.xml"

    assert run(["check", result, *PASSING, "--junit", str(missing)]) == 2

    assert capfd.readouterr().err == (
        f"bertslim: {missing}: cannot be written (No such file or directory); "
        "choose another output with --junit\n"
    )


def test_a_check_that_cannot_be_made_leaves_the_reports_of_the_last_one(
    tmp_path: Path, result: str
) -> None:
    junit = tmp_path / "gate.xml"
    junit.write_text(EARLIER_JUNIT, encoding="utf-8")

    assert run(["check", str(tmp_path), *PASSING, "--junit", str(junit)]) == 2

    assert junit.read_text(encoding="utf-8") == EARLIER_JUNIT
    assert list(tmp_path.iterdir()) == [junit]


@pytest.mark.parametrize("option", ["--junit", "--summary"])
@pytest.mark.parametrize("content", ["of another program", "<testsuites name='pytest'/>"])
def test_a_file_of_anything_else_is_kept(
    result: str, option: str, content: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text(content, encoding="utf-8")

    assert run(["check", result, *PASSING, option, str(file)]) == 2

    assert capfd.readouterr().err == (
        f"bertslim: {file}: exists already, and bertslim did not write it for this; "
        f"choose another output with {option}, or remove it yourself\n"
    )
    assert file.read_text(encoding="utf-8") == content


@pytest.mark.parametrize("way", ["same", "relative", "link", "hard link"])
def test_two_reports_are_two_files(
    result: str,
    way: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    junit, summary = tmp_path / "gate", tmp_path / "other"
    if way in ("same", "relative"):
        summary = junit if way == "same" else Path("x/../gate")
    else:
        junit.touch()
        (summary.symlink_to if way == "link" else summary.hardlink_to)(junit)
    (tmp_path / "x").mkdir()

    options = ["--junit", str(junit), "--summary", str(summary)]
    assert run(["check", result, *PASSING, *options]) == 2

    assert "is named by --junit already; choose another output with --summary" in (
        capfd.readouterr().err
    )


def test_the_summary_of_the_job_is_added_to_and_never_replaced(
    result: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    job = tmp_path / "job.md"
    job.touch()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))

    assert run(["check", result, *PASSING, "--github", "--summary", str(job)]) == 2

    assert "is named by $GITHUB_STEP_SUMMARY already" in capfd.readouterr().err


def test_nothing_is_printed_for_github_elsewhere(
    result: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", result, *FAILING]) == 3
    assert "::" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("how", ["option", "environment"])
def test_annotations_and_the_summary_of_the_job_are_for_github(
    result: str,
    how: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    job = tmp_path / "job.md"
    job.write_text("of another step\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    if how == "environment":
        monkeypatch.setenv("GITHUB_ACTIONS", "true")

    assert run(["check", result, *FAILING, *(["--github"] if how == "option" else [])]) == 3

    commands = [line for line in capfd.readouterr().out.splitlines() if line.startswith("::")]
    assert [line.split(" ")[0] for line in commands] == ["::error", "::notice"]
    assert job.read_text(encoding="utf-8").startswith(
        "of another step\n## bertslim check: failed\n"
    )


@pytest.mark.parametrize("option", ["--no-github", "--quiet"])
def test_github_can_be_told_less(
    result: str,
    option: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    assert run(["check", result, *PASSING, option]) == 0

    assert "::" not in "".join(capfd.readouterr())


def test_annotations_do_not_spoil_the_json(result: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["check", result, *PASSING, "--github", "--json"]) == 0

    out, err = capfd.readouterr()
    assert json.loads(out)["outcome"] == "pass"
    assert err == "::notice title=bertslim check::1 of 1 verdict passed\n"


def test_a_summary_of_the_job_that_cannot_be_written_is_an_error(
    result: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))

    assert run(["check", result, *PASSING, "--github"]) == 2

    assert capfd.readouterr().err == (
        "bertslim: $GITHUB_STEP_SUMMARY: cannot be written (Is a directory); leave it out with "
        "--no-github\n"
    )
