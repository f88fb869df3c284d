from __future__ import annotations

import pytest

from bertslim.records import Interval, compare
from bertslim.report.headline import headline
from support.example_records import (
    accuracy,
    bare_record,
    cut_record,
    fidelity,
    latency,
    no_change_record,
    retrain_record,
    unlabelled_record,
    worse_record,
)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (
            cut_record(),
            "1.42 x faster at 1x128, 16 % fewer parameters, "
            "accuracy 71.2 % → 70.1 % (−1.1 points, 95 % −2.0 to −0.2)",
        ),
        (
            worse_record(),
            "1.42 x slower at 1x128, 1.3 % more parameters, "
            "accuracy 71.2 % → 60.1 % (−11.1 points, 95 % −14.0 to −8.0)",
        ),
        (
            no_change_record(),
            "no measurable difference in latency at 1x128 (15.9 ms → 15.7 ms), "
            "no measurable difference in accuracy (71.2 % → 70.9 %, −0.3 points, 95 % −1.2 to +0.6)",
        ),
        (
            unlabelled_record(),
            "1.42 x faster at 1x128, 16 % fewer parameters, "
            "cosine to the base 0.9812 (95 % 0.9790 to 0.9834)",
        ),
        (retrain_record(), "accuracy 71.2 % (95 % 67.0 to 75.0 %)"),
        (bare_record(), ""),
    ],
)
def test_headline(record, sentence):
    assert headline(record) == sentence


def test_a_better_score_is_shown_as_better():
    record = cut_record(measurements=(accuracy(0.70, 0.731, 0.012, 0.05),))
    assert headline(record) == "accuracy 70.0 % → 73.1 % (+3.1 points, 95 % +1.2 to +5.0)"


def test_without_labels_the_agreement_with_the_base_counts():
    record = cut_record(measurements=fidelity())
    assert headline(record) == "agreement with the base 97.0 % (95 % 95.5 to 98.5 %)"


def test_the_first_shape_stands_in_where_1x128_was_not_measured():
    record = cut_record(
        measurements=(*latency(8, 64, 30, 20, 0.6, 0.7), *latency(4, 64, 9, 3, 0.3, 0.4))
    )
    assert headline(record) == "1.50 x faster at 8x64"


def test_a_difference_too_small_to_write_is_not_claimed():
    record = cut_record(measurements=latency(1, 128, 10, 9.99, 0.998, 0.9995))
    assert headline(record).startswith("no measurable difference in latency")


def test_an_unchanged_size_is_said():
    record = cut_record(measurements=(compare("parameters", 100, 100),))
    assert headline(record) == "the same number of parameters"


@pytest.mark.parametrize(
    ("name", "unit", "before", "after", "sentence"),
    [
        ("spearman", "correlation", 0.82, 0.81, "Spearman correlation 0.8200 → 0.8100 (−0.0100, 95 % −0.0150 to −0.0050)"),
        ("pseudo_perplexity", "perplexity", 8.0, 9.5, "pseudo-perplexity 8.00 → 9.50 (+1.50, 95 % +1.00 to +2.00)"),
        ("span_f1", "share", 0.9, 0.88, "span F1 90.0 % → 88.0 % (−2.0 points, 95 % −3.0 to −1.0)"),
    ],
)  # fmt: skip
def test_every_kind_of_score_has_its_own_unit(name, unit, before, after, sentence):
    reach = {"correlation": 0.005, "perplexity": 0.5, "share": 0.01}[unit]
    change = after - before
    interval = Interval(of="difference", low=change - reach, high=change + reach)
    score = compare(f"accuracy.{name}", before, after, interval=interval)
    assert headline(cut_record(measurements=(score,))) == sentence


def test_without_labels_the_correlation_of_a_reranker_counts():
    record = cut_record(measurements=(compare("fidelity.pearson", None, 0.991),))
    assert headline(record) == "correlation with the base 0.9910"
