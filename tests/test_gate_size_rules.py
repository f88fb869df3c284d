"""Rules about sizes, which are exact."""

from __future__ import annotations

import pytest

from bertslim.errors import InputError
from bertslim.gate.size_rules import MaxBytes, MaxParameters
from bertslim.records import Measurement, compare


def size(name: str, value: float) -> Measurement:
    return Measurement(name=name, unit=name, slim=value)


@pytest.mark.parametrize(("found", "outcome"), [(99, "pass"), (100, "pass"), (101, "fail")])
def test_a_size_passes_up_to_the_bound(found: int, outcome: str) -> None:
    for rule, name in ((MaxParameters(100), "parameters"), (MaxBytes(100), "bytes")):
        verdict = rule.judge(size(name, found), None)
        assert (verdict.outcome, verdict.found, verdict.bound) == (outcome, found, 100)
        assert (verdict.subject, verdict.unit, verdict.interval) == (name, name, None)


def test_the_record_stands_beside() -> None:
    before = compare("bytes", 200, 80)
    assert MaxBytes(100).judge(size("bytes", 90), before).recorded == 80


def test_the_sentence_on_a_size_that_is_too_large_is_plain() -> None:
    parameters = MaxParameters.parse("20M").judge(size("parameters", 22_713_216), None)
    assert parameters.sentence == (
        "the slim model has 22,713,216 parameters, --max-params 20M allows 20,000,000"
    )
    weights = MaxBytes.parse("85MiB").judge(size("bytes", 90_868_376), None)
    assert weights.sentence == (
        "the slim model's weights take 90,868,376 bytes on disk, --max-bytes 85MiB allows 89,128,960"
    )


@pytest.mark.parametrize("text", ["0", "-5", "0.2"])
def test_a_bound_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--max-params: must be 1 or more"):
        MaxParameters.parse(text)
    with pytest.raises(InputError, match="--max-bytes: must be 1 or more"):
        MaxBytes.parse(text)


def test_a_word_is_no_size() -> None:
    with pytest.raises(InputError, match="--max-params: 'lots' is not a number of parameters"):
        MaxParameters.parse("lots")
    with pytest.raises(InputError, match="such as 90MB or 85MiB"):
        MaxBytes.parse("90 megs")
