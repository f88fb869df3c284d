from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim.records.units import BYTES, unit_named
from bertslim.report.numbers import (
    MINUS,
    fixed,
    percent_change,
    quantity,
    signed,
    significant,
    tenths,
)

finite = st.floats(-1e15, 1e15)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (15.934, "15.9"),
        (7.6149, "7.61"),
        (111.2, "111"),
        (999.7, "1,000"),
        (1234567, "1,234,567"),
        (0.04123, "0.0412"),
        (-0.5, "−0.500"),
        (2.34e-9, "2.34e−09"),
    ],
)
def test_three_significant_digits(value, written):
    assert significant(value) == written


@given(finite)
def test_a_written_number_is_near_the_number(value):
    read = float(significant(value).replace(",", "").replace(MINUS, "-"))
    assert math.isclose(read, value, rel_tol=0.0051, abs_tol=1e-300)


@given(finite, st.integers(0, 4))
def test_there_is_no_hyphen_and_no_minus_zero(value, decimals):
    text = fixed(value, decimals)
    assert "-" not in text
    assert text.startswith(MINUS) == (round(value, decimals) < 0)


@pytest.mark.parametrize(
    ("value", "written"), [(0, "0.0"), (-1.14, "−1.1"), (0.04, "0.04"), (-0.004, "−0.004")]
)
def test_a_small_difference_is_not_written_as_none(value, written):
    assert tenths(value) == written


@pytest.mark.parametrize(("text", "written"), [("1.1", "+1.1"), ("−1.1", "−1.1"), ("0.0", "0.0")])
def test_signs(text, written):
    assert signed(text) == written


@pytest.mark.parametrize(
    ("ratio", "written"), [(0.766, "−23.4 %"), (1.03, "+3.0 %"), (1.0, "0.0 %"), (2.5, "+150.0 %")]
)
def test_a_ratio_as_a_change(ratio, written):
    assert percent_change(ratio) == written


@pytest.mark.parametrize(
    ("unit", "value", "written"),
    [
        ("parameters", 22713216, "22,713,216"),
        ("bytes", 90868376, "86.7 MiB"),
        ("bytes", 2048, "2.00 KiB"),
        ("MACs", 1.434e9, "1.43 G MACs"),
        ("MACs", 434_000, "0.434 M MACs"),
        ("MACs", 12, "12.0 MACs"),
        ("ms", 15.934, "15.9 ms"),
        ("share", 0.712, "71.2 %"),
        ("nats", 0.04123, "0.0412 nats"),
        ("cosine", 0.98123, "0.9812"),
        ("correlation", 0.82034, "0.8203"),
        ("perplexity", 12.345, "12.3"),
        ("squared error", 0.2512, "0.251"),
        ("furlongs", 3, "3.00 furlongs"),
    ],
)
def test_units(unit, value, written):
    assert quantity(value, unit_named(unit).notation(value)) == written


def test_both_values_of_a_measurement_have_one_unit():
    notation = BYTES.notation(1_000_000, 1_000)
    assert quantity(1_000, notation) == "0.000954 MiB"
