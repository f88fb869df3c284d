"""Amounts are read as people write them, and written back without rounding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim.errors import InputError
from bertslim.gate.amounts import BYTES, COUNTS, MILLISECONDS, PERCENT, read_amount, written_amount


def read(text: str, units: dict[str, float] | dict[str, int]) -> float:
    return read_amount(text, units, option="--max-it", what="an amount", example="20M")


@pytest.mark.parametrize(
    ("text", "units", "amount"),
    [
        ("20M", COUNTS, 20e6),
        ("20000000", COUNTS, 20e6),
        ("20_000_000", COUNTS, 20e6),
        ("22.7m", COUNTS, 22.7e6),
        (" 1.5 B ", COUNTS, 1.5e9),
        ("2e7", COUNTS, 2e7),
        ("90MB", BYTES, 90e6),
        ("85 mib", BYTES, 85 * 2**20),
        ("1GiB", BYTES, 2**30),
        ("512B", BYTES, 512),
        ("12ms", MILLISECONDS, 12),
        (".5s", MILLISECONDS, 500),
        ("5%", PERCENT, 5),
        ("-3 %", PERCENT, -3),
    ],
)
def test_numbers_with_units_are_read(text: str, units: dict[str, float], amount: float) -> None:
    assert read(text, units) == amount


@pytest.mark.parametrize(
    "text", ["lots", "", "M", "20X", "20MB", "0,5", "20,000", "1__0", "5_", "nan", "inf", "1e400"]
)
def test_what_is_no_amount_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError) as refused:
        read(text, COUNTS)
    assert str(refused.value) == f"--max-it: {text!r} is not an amount; such as 20M"


@pytest.mark.parametrize(
    ("amount", "units", "text"),
    [
        (20_000_000, COUNTS, "20M"),
        (22_713_216, COUNTS, "22713216"),
        (500_000, COUNTS, "500k"),
        (1, COUNTS, "1"),
        (90_000_000, BYTES, "90MB"),
        (85 * 2**20, BYTES, "85MiB"),
    ],
)
def test_amounts_are_written_in_the_unit_that_suits(
    amount: int, units: dict[str, int], text: str
) -> None:
    assert written_amount(amount, units) == text


@given(st.integers(1, 10**12), st.sampled_from([COUNTS, BYTES]))
def test_what_is_written_is_read_back_exactly(amount: int, units: dict[str, int]) -> None:
    assert round(read(written_amount(amount, units), units)) == amount
