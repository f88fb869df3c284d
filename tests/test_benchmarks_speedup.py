"""The table of speed in README and in the documentation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import Dataset

from benchmarks.speedup import Way, drawn, name_found, summarised, table_of
from bertslim.commands.publish import model_record
from bertslim.data.task import Rows
from bertslim.data.text_classification import TextClassification
from bertslim.file_names import FRONTIER_FILE
from bertslim.records import Interval, SearchTarget, compare
from support.example_frontiers import chosen_frontier


def way(model: str, runtime: str, weights: str, ms: float) -> Way:
    latency = compare(
        "latency", 8.0, ms, interval=Interval(of="ratio", low=ms / 8 * 0.8, high=ms / 8 * 1.25)
    )
    whole = ms == 8
    score = compare(
        "accuracy.accuracy", 0.9, 0.89, interval=Interval(of="difference", low=-0.02, high=0), n=900
    )
    return Way(
        model=model, runtime=runtime, weights=weights, latencies=(latency,) * 3,
        accuracy=None if whole else score,
    )  # fmt: skip


def test_the_summary_has_the_whole_model_as_it_comes_and_each_in_int8() -> None:
    ways = [
        way(model, runtime, weights, share * ms)
        for model, ms in (("whole", 8), ("quarter_width_repaired", 4), ("search 0.5x", 2))
        for runtime, weights, share in (("PyTorch", "float32", 1), ("ONNX Runtime", "int8", 0.5))
    ]
    rows = table_of(summarised(ways)).rows
    assert [row[:4] for row in rows] == [
        ("whole", "PyTorch", "float32", "8.00 ms, 1.0 (0.8 to 1.2) x"),
        ("whole", "ONNX Runtime", "int8", "4.00 ms, 2.0 (1.6 to 2.5) x"),
        ("quarter_width_repaired", "ONNX Runtime", "int8", "2.00 ms, 4.0 (3.2 to 5.0) x"),
        ("search 0.5x", "ONNX Runtime", "int8", "1.00 ms, 8.0 (6.4 to 10.0) x"),
    ]
    assert [row[-1] for row in rows] == ["0", *["-1.00 (-2.00 to +0.00)"] * 3]


def found_in(folder: Path, base: Path, *, ms: float | None) -> Path:
    frontier = chosen_frontier()
    told = frontier.model_copy(
        update={
            "base": model_record("classifier", base),
            "target": SearchTarget(ms=None if ms is None else ms * frontier.table.base_ms),
        }
    )
    (folder / FRONTIER_FILE).write_text(told.to_json(), encoding="utf-8")
    return folder


def test_a_found_model_is_named_by_its_target(
    make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    base = make_checkpoint("bert", "SequenceClassification")
    assert name_found(found_in(tmp_path, base, ms=0.5), base) == "search 0.5x"


def test_a_model_that_was_found_for_another_base_is_refused(
    make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    base = make_checkpoint("bert", "SequenceClassification")
    found = found_in(tmp_path, base, ms=0.5)
    other = make_checkpoint("bert", "SequenceClassification", intermediate_size=16)
    with pytest.raises(SystemExit, match="was not found for the model in"):
        name_found(found, other)


def test_a_model_that_was_found_for_no_time_is_refused(
    make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    base = make_checkpoint("bert", "SequenceClassification")
    with pytest.raises(SystemExit, match="chosen for its time"):
        name_found(found_in(tmp_path, base, ms=None), base)


def test_rows_are_drawn_in_their_order_and_the_same_again() -> None:
    rows = Rows(TextClassification(), Dataset.from_dict({"text": list(map(str, range(100)))}))
    some = drawn(rows, 10).texts()
    assert len(some) == 10
    assert some == sorted(some, key=int) == drawn(rows, 10).texts()
    assert drawn(rows, None) is rows
