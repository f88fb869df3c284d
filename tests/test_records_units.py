"""The table of units and metrics: it has a row for each figure that is measured, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bertslim.data.class_counts import CLASS_METRICS
from bertslim.records import compare
from bertslim.records.units import (
    BYTES,
    METRICS,
    SCORE_PREFIX,
    SHARE,
    UNITS,
    Metric,
    Notation,
    metric_named,
    unit_named,
)

PACKAGE = Path(__file__).parent.parent / "bertslim"
_SCORE = r"\b(?:Score|\w+_score|score_of_sums|f1_score_of_counts)\(\s*\"(\w+)\""
_FIGURE = r"\b(?:compare|_mean)\(\s*\"([\w.]+)\""


def written_names(pattern: str, *folders: str) -> set[str]:
    """The names that the code writes where it makes a score or a measurement."""
    texts = (file.read_text() for folder in folders for file in (PACKAGE / folder).glob("*.py"))
    return {name for text in texts for name in re.findall(pattern, text)}


def produced_names() -> set[str]:
    scores = {f"{SCORE_PREFIX}{name}" for name in written_names(_SCORE, "data")}
    classes = {f"classes.{name}" for name in CLASS_METRICS}
    latencies = {"latency", "latency.p90", "latency.p99"}
    return scores | classes | latencies | written_names(_FIGURE, "measure", "commands", "report")


def test_each_name_that_the_code_produces_has_a_row_and_each_row_is_produced() -> None:
    names = produced_names()
    assert {"accuracy.mse", "accuracy.span_f1", "fidelity.kl", "memory.peak"} <= names
    assert names == set(METRICS)


def test_a_measurement_without_a_row_cannot_be_made() -> None:
    with pytest.raises(KeyError, match="furlongs"):
        compare("furlongs", 1, 2)


def test_each_row_tells_which_way_is_better() -> None:
    assert {type(row.higher_is_better) for row in METRICS.values()} == {bool}
    lower = {name for name, row in METRICS.items() if not row.higher_is_better}
    assert {"latency", "fidelity.kl", "accuracy.mse", "accuracy.pseudo_perplexity"} <= lower
    assert not lower & {"accuracy.accuracy", "accuracy.pearson", "fidelity.cosine", "classes.f1"}


def test_each_unit_of_a_metric_is_in_the_table() -> None:
    assert {row.unit.name for row in METRICS.values()} <= set(UNITS)
    assert all(unit.notations[-1].smallest == 0 for unit in UNITS.values())


def test_figures_are_written_alike_as_the_largest_of_them() -> None:
    assert BYTES.notation(2**30, 1).symbol == "MiB"
    assert BYTES.notation(None, 1000).symbol == "KiB"


def test_a_record_of_another_version_is_read_with_its_own_unit() -> None:
    assert unit_named("furlongs").notations == (Notation("furlongs"),)
    unknown = metric_named("accuracy.stride_length", "furlongs")
    assert (unknown.words, unknown.higher_is_better) == ("stride length", None)
    assert not unknown.rises_to_one
    other = metric_named("accuracy.macro_f1", "perplexity")
    assert (other.unit, other.words, other.rises_to_one) == (UNITS["perplexity"], "macro F1", False)


def test_points_are_hundredths_of_what_rises_to_one() -> None:
    assert METRICS["accuracy.pearson"].rises_to_one
    assert not METRICS["accuracy.mse"].rises_to_one
    assert not Metric("error_rate", SHARE, higher_is_better=False).rises_to_one
