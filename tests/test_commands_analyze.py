"""`bertslim analyze` as it is typed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bertslim.cli import run
from bertslim.commands.analysis_work import AnalysisWork
from bertslim.records import ANALYSIS_FILE, Analysis, read_record

WORDS = ["list", "dict", "text", "file", "number", "value", "name", "path", "key", "error"]


@pytest.fixture
def base(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint("bert", "SequenceClassification", tokenizer=True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    texts = [f"the {one} of a {other} is given" for one in WORDS for other in WORDS]
    rows = [f"{text},{number % 2}" for number, text in enumerate(texts)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["text,label", *rows]))
    return path


def test_it_ends_with_a_recipe_that_runs(
    base: Path, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "analysis"
    assert run(["analyze", str(base), "--data", str(data), "-o", str(target)]) == 0

    out, err = capfd.readouterr()
    assert err.count("\n") == 2, "the lines on the data and their labels"
    told = [line for line in out.splitlines() if line.startswith("## ")]
    assert told == [
        "## Similarity of the layers",
        "## Linear probes",
        "## Sensitivity of the blocks",
        "## Recommendation",
        "## Notes on the analysis",
    ]
    assert out.endswith(f"Written to {target}, the recipe to {target}/recommended.yaml.\n")
    assert (target / "report.md").read_text() in out
    found = Analysis.model_validate_json((target / ANALYSIS_FILE).read_text())
    assert len(found.sensitivity.effects) == 3 * 4
    assert found.probes is not None
    assert found.slim is None
    typed = ("bertslim", "analyze", str(base), "--data", str(data), "-o", str(target))
    assert found.command == typed

    cut = ["cut", str(base), "--recipe", str(target / "recommended.yaml"), "--data", str(data)]
    assert run([*cut, "--no-measure", "-o", str(tmp_path / "slim"), "--quiet"]) == 0


def test_two_models_are_compared(
    base: Path, data: Path, cut: Callable[..., Path], tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    slim = shutil.copytree(cut(base, "drop_odd"), tmp_path / "slim")
    for path in base.glob("*token*"):
        shutil.copy(path, slim)
    command = ["analyze", str(base), str(slim), "--data", str(data), "-o", str(tmp_path / "both")]
    assert run([*command, "--json"]) == 0

    out, err = capfd.readouterr()
    assert err == ""
    found = Analysis.model_validate(json.loads(out))
    assert found.slim is not None
    pairs = {(one.rows, one.columns) for one in found.cka.matrices}
    assert pairs == {("base", "base"), ("base", "slim"), ("slim", "slim")}
    assert found.probes is not None
    assert {one.model for one in found.probes.points} == {"base", "slim"}


def test_texts_without_labels_have_no_probes(base: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(f"the {one} of {other}" for one in WORDS for other in WORDS))
    target = tmp_path / "analysis"
    assert run(["analyze", str(base), "--data", str(texts), "-o", str(target), "--quiet"]) == 0
    found = Analysis.model_validate_json((target / ANALYSIS_FILE).read_text())
    assert found.probes is None
    assert found.sensitivity.metric is None
    assert any("no probes were fitted" in note for note in found.notes)
    assert "## Linear probes" not in (target / "report.md").read_text()


@pytest.mark.parametrize("head", ["TokenClassification", "QuestionAnswering", "", "MaskedLM"])
def test_models_of_every_kind(
    make_checkpoint: Callable[..., Path], tmp_path: Path, head: str
) -> None:
    base = make_checkpoint("mpnet", head, tokenizer=True)
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(f"the {one} of {other}" for one in WORDS for other in WORDS))
    command = ["analyze", str(base), "--data", str(texts), "-o", str(tmp_path / "a"), "--quiet"]
    assert run([*command, "--samples", "20"]) == 0


def test_an_existing_directory_needs_force(
    base: Path, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").mkdir()
    command = ["analyze", str(base), "--data", str(data), "-o", str(tmp_path / "there")]
    assert run(command) == 2
    assert "exists already; add --force or choose another" in capfd.readouterr().err
    assert run([*command, "--force", "--quiet"]) == 0


def test_an_interrupted_analysis_leaves_nothing(
    base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(AnalysisWork, "_probes", interrupt)
    target = tmp_path / "analysis"
    assert run(["analyze", str(base), "--data", str(data), "-o", str(target)]) == 130
    assert [path.name for path in tmp_path.iterdir() if "analysis" in path.name] == []


def test_a_model_without_a_tokenizer_is_refused(
    make_checkpoint: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    base = make_checkpoint("bert", "SequenceClassification")
    assert run(["analyze", str(base), "-o", str(tmp_path / "a")]) == 2
    assert "has no tokenizer to read texts with" in capfd.readouterr().err


def test_a_result_tells_of_what_was_found_out_about_it(
    base: Path, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    slim, target = tmp_path / "slim", tmp_path / "both"
    cut = ["cut", str(base), "--recipe", "drop_odd", "--no-measure", "-o", str(slim), "--quiet"]
    assert run(cut) == 0
    weights = (slim / "model.safetensors").read_bytes()
    assert "## Similarity" not in (slim / "report.md").read_text()

    command = ["analyze", str(base), str(slim), "--data", str(data), "-o", str(target)]
    assert run([*command, "--samples", "20"]) == 0
    assert capfd.readouterr().out.endswith(f"The report of {slim} has the analysis, too.\n")
    found = Analysis.model_validate_json((target / ANALYSIS_FILE).read_text())
    assert read_record(slim).analysis == found
    assert "## Similarity of the layers" in (slim / "report.md").read_text()
    assert "CKA between layers of base and slim model" in (slim / "report.html").read_text()
    assert (slim / "model.safetensors").read_bytes() == weights


def test_a_result_of_another_base_is_left_alone(
    base: Path, data: Path, tmp_path: Path, make_checkpoint: Callable[..., Path]
) -> None:
    other = make_checkpoint("bert", "SequenceClassification", tokenizer=True, intermediate_size=48)
    slim = tmp_path / "slim"
    cut = ["cut", str(other), "--recipe", "drop_odd", "--no-measure", "-o", str(slim), "--quiet"]
    assert run(cut) == 0
    command = ["analyze", str(base), str(slim), "--data", str(data), "-o", str(tmp_path / "both")]
    assert run([*command, "--samples", "20", "--quiet"]) == 0
    assert read_record(slim).analysis is None
