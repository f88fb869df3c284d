"""GitHub annotations of verdicts."""

from __future__ import annotations

from bertslim.gate.annotations import render_annotations
from support.gate_verdicts import FAILED, OPEN, PASSED, result


def test_a_failure_is_an_error_and_what_is_inconclusive_a_warning() -> None:
    assert render_annotations(result(PASSED, FAILED, OPEN)) == [
        "::error title=bertslim check%3A --max-regression 5%25 (1x128)::at 1x128 the slim model "
        "takes 0.800 of the base's time",
        "::warning title=bertslim check%3A --max-accuracy-drop 0.5 (macro f1)::inconclusive: macro "
        "f1 drops by -0.10 points; measure on more rows",
        "::notice title=bertslim check::1 of 3 verdicts passed, 1 failed, 1 inconclusive",
    ]


def test_what_is_inconclusive_is_an_error_where_it_counts_as_a_failure() -> None:
    first, _ = render_annotations(result(OPEN, inconclusive_as="fail"))
    assert first.startswith("::error title=")


def test_one_notice_tells_that_all_is_well_and_what_to_know() -> None:
    assert render_annotations(result(PASSED, notes=("50% of it",))) == [
        "::notice title=bertslim check::1 of 1 verdict passed; 50%25 of it"
    ]


def test_no_text_can_end_its_annotation_or_begin_another() -> None:
    odd = FAILED.model_copy(
        update={"rule": "a,b::c\n::error::d", "sentence": "50%\n::error title=x::y\r%0A"}
    )

    first, *_ = render_annotations(result(odd))

    assert "\n" not in first
    assert "\r" not in first
    title, text = first.removeprefix("::error title=").split("::", 1)
    assert title == "bertslim check%3A a%2Cb%3A%3Ac%0A%3A%3Aerror%3A%3Ad (1x128)"
    assert text == "50%25 ::error title=x::y %250A"
