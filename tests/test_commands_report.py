"""`bertslim report` as it is typed, for one result and for several."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import html5lib
import numpy
import pytest
from safetensors.numpy import save

from bertslim.cli import run
from bertslim.records import ANALYSIS_FILE, RECORD_FILE, Record
from bertslim.report.analysis_sections import analysis_text
from bertslim.report.render import render_report
from support.example_records import cut_record, full_record, no_change_record


@pytest.fixture
def result(tmp_path: Path) -> Callable[[Record, str], str]:
    def write(record: Record, name: str) -> str:
        (tmp_path / name).mkdir()
        slim = record.slim.model_copy(update={"source": name})
        record = record.model_copy(update={"slim": slim})
        (tmp_path / name / RECORD_FILE).write_text(record.to_json())
        return str(tmp_path / name)

    return write


def test_one_result_is_printed_again(result, capfd: pytest.CaptureFixture[str]) -> None:
    record = full_record()
    assert run(["report", result(record, "slim")]) == 0
    assert capfd.readouterr().out == render_report(
        record.model_copy(update={"slim": record.slim.model_copy(update={"source": "slim"})})
    )


def test_several_are_compared(result, capfd: pytest.CaptureFixture[str]) -> None:
    directories = [result(cut_record(), "one"), result(no_change_record(), "two")]
    assert run(["report", *directories]) == 0
    out = capfd.readouterr().out
    assert out.startswith("# Results side by side\n")
    assert "| one " in out
    assert "| two " in out


@pytest.mark.parametrize("count", [1, 2])
def test_a_directory_holds_page_and_pictures(
    result, tmp_path: Path, capfd: pytest.CaptureFixture[str], count: int
) -> None:
    directories = [result(full_record(), f"r{number}") for number in range(count)]
    target = tmp_path / "pages"
    assert run(["report", *directories, "-o", str(target)]) == 0
    assert capfd.readouterr().out == f"Written to {target}.\n"
    page = (target / "report.html").read_text()
    html5lib.HTMLParser(strict=True).parse(page)
    assert (target / "report.md").read_text().startswith("# ")
    assert (target / "pictures" / "accuracy-latency.png").stat().st_size > 1000
    assert run(["report", *directories, "-o", str(target)]) == 2
    assert "exists already" in capfd.readouterr().err
    assert run(["report", *directories, "-o", str(target), "--force"]) == 0


@pytest.mark.parametrize("same", [True, False])
def test_weights_that_the_record_does_not_describe_are_said(
    same: bool, result, capfd: pytest.CaptureFixture[str]
) -> None:
    record = cut_record()
    weights = save({"a": numpy.zeros(3, dtype=numpy.float32)})
    if same:
        sha256 = hashlib.sha256(weights).hexdigest()
        slim = record.slim.model_copy(update={"sha256": sha256})
        record = record.model_copy(update={"slim": slim})
    directory = Path(result(record, "one"))
    (directory / "model.safetensors").write_bytes(weights)
    assert run(["report", str(directory)]) == 0
    said = "Note: one: the weights are not those of the record.\n"
    assert capfd.readouterr().err == ("" if same else said)


def test_json_of_one_is_a_record_of_several_a_list(
    result, capfd: pytest.CaptureFixture[str]
) -> None:
    directories = [result(cut_record(), "one"), result(no_change_record(), "two")]
    assert run(["report", directories[0], "--json"]) == 0
    one = json.loads(capfd.readouterr().out)
    assert run(["report", *directories, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)[0] == one


def test_json_and_a_directory_do_not_go_together(
    result, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory = result(cut_record(), "one")
    assert run(["report", directory, "--json", "-o", str(tmp_path / "x")]) == 2
    assert "--json" in capfd.readouterr().err


def test_a_directory_that_is_no_result_is_named(
    result, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(["report", result(cut_record(), "one"), str(tmp_path / "empty")]) == 2
    assert "no bertslim record here" in capfd.readouterr().err


def test_nothing_of_it_needs_torch(result, tmp_path: Path) -> None:
    directory = result(full_record(), "slim")
    code = (
        "import sys; from bertslim.cli import run;"
        f"assert run(['report', {directory!r}, '-o', {str(tmp_path / 'pages')!r}]) == 0;"
        "from bertslim.report.render import render_model_card;"
        "from bertslim.records import read_record; from pathlib import Path;"
        f"render_model_card(read_record(Path({directory!r})));"
        "print({'torch', 'transformers', 'datasets'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "set()"


def test_an_analysis_is_told_with_its_pictures(
    result, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = full_record().analysis
    directory = tmp_path / "model-analysis"
    directory.mkdir()
    (directory / ANALYSIS_FILE).write_text(found.to_json())
    assert run(["report", str(directory)]) == 0
    assert capfd.readouterr().out == analysis_text(found)
    assert run(["report", str(directory), "-o", str(tmp_path / "pages")]) == 0
    assert (tmp_path / "pages" / "pictures" / "sensitivity.png").is_file()
    assert run(["report", str(directory), result(cut_record(), "one")]) == 2
    assert "an analysis is not compared with others" in capfd.readouterr().err


def test_a_damaged_analysis_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ANALYSIS_FILE).write_text("{")
    assert run(["report", str(tmp_path)]) == 2
    assert capfd.readouterr().err.count("\n") == 1
