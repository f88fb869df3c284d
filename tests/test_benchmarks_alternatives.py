"""The table of alternatives in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.alternatives import MARKS, PAGE, main
from bertslim.records import Alternatives, BenchResult, ServedModel
from support.example_benches import DATA, MODELS, SOME_MACHINE, served, timed


def form(model: str, runtime: str, dtype: str, score: float) -> ServedModel:
    return served(model, score, runtime=runtime, dtype=dtype, size=22_500_000, spread=0.01)


FORMS = (
    (form("whole", "torch", "float32", 0.9), 1.0),
    (form("whole", "onnxruntime", "int8", 0.899), 0.4),
    (form("whole", "openvino", "float32", 0.9), 0.8),
    (form("slim", "torch", "float32", 0.895), 0.5),
    (form("slim", "onnxruntime", "int8", 0.894), 0.2),
    (form("static embeddings", "onnxruntime", "float32", 0.8), 0.01),
)
RESULT = BenchResult(
    timings=tuple(
        timed(one, ratio, length=length, whole_ms=length / 4)
        for length in (32, 128)
        for one, ratio in FORMS
    ),
    alternatives=Alternatives(
        data=DATA.model_copy(update={"source": "/home/me/reviews.csv"}),
        scored=900,
        models=MODELS,
        served=tuple(one for one, _ in FORMS),
    ),
    environment=SOME_MACHINE.model_copy(update={"versions": {"bertslim": "0.2.0"}}),
    launches=5,
    seed=0,
)


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "alternatives.json"
    path.write_text(RESULT.model_dump_json(), encoding="utf-8")
    return path


def test_the_fastest_form_of_each_model_is_written_between_the_marks(
    result: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n", encoding="utf-8")
    main([str(result), "--write", "--page", str(page)])
    assert page.read_text(encoding="utf-8") == (
        "before\n"
        f"{MARKS[0]}\n"
        "| model             | runtime     | in      |   MB |                             1x32 |                            1x128 | accuracy |       difference, points |\n"
        "| ----------------- | ----------- | ------- | ---: | -------------------------------: | -------------------------------: | -------: | -----------------------: |\n"
        "| whole             | torch       | float32 | 22.5 |                          8.00 ms |                         32.00 ms |   90.00% |                        0 |\n"
        "| whole             | onnxruntime | int8    | 22.5 |      3.20 ms, 2.5 (2.0 to 3.1) x |     12.80 ms, 2.5 (2.0 to 3.1) x |   89.90% |   -0.10 (-1.10 to +0.90) |\n"
        "| slim              | onnxruntime | int8    | 22.5 |      1.60 ms, 5.0 (4.0 to 6.2) x |      6.40 ms, 5.0 (4.0 to 6.2) x |   89.40% |   -0.60 (-1.60 to +0.40) |\n"
        "| static embeddings | onnxruntime | float32 | 22.5 | 0.08 ms, 100.0 (80.0 to 125.0) x | 0.32 ms, 100.0 (80.0 to 125.0) x |   80.00% | -10.00 (-11.00 to -9.00) |\n"
        "\n"
        "Medians, and how many times as fast as whole in torch, with 95 % intervals over 5 launches; scored on 900 held-out rows of reviews.csv.\n"
        "whole: as it is.\n"
        "slim: cut by the recipe r.\n"
        "2 threads. Some CPU, 8 cores, 8 GiB, Linux, Python 3.11.7, bertslim 0.2.0.\n"
        f"{MARKS[1]}\n"
        "after\n"
    )


def test_what_was_not_compared_is_refused(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = RESULT.model_copy(update={"alternatives": None})
    result.write_text(alone.model_dump_json(), encoding="utf-8")
    with pytest.raises(SystemExit):
        main([str(result)])
    assert "was not made with --alternatives" in capsys.readouterr().err


def test_the_page_has_the_marks() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.index(MARKS[0]) < text.index(MARKS[1])
