"""JUnit XML of verdicts, read back as a CI server would."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from bertslim.gate.check_result import CheckResult
from bertslim.gate.junit import render_junit
from support.gate_verdicts import FAILED, OPEN, PASSED, UNANSWERED, result


def suite_of(found: CheckResult) -> ET.Element:
    (suite,) = ET.fromstring(render_junit(found))
    return suite


def kinds(suite: ET.Element) -> list[list[str]]:
    return [[child.tag for child in case] for case in suite.iter("testcase")]


def test_a_verdict_is_a_test_case() -> None:
    suite = suite_of(result(PASSED, FAILED, OPEN, UNANSWERED))

    names = [case.get("name") for case in suite.iter("testcase")]
    assert names == [
        "--max-params 20M (parameters)",
        "--max-regression 5% (1x128)",
        "--max-accuracy-drop 0.5 (macro f1)",
        "--max-latency 12ms (latency)",
    ]
    assert kinds(suite) == [["system-out"], ["failure"], ["skipped"], ["skipped"]]
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped", "errors", "time")} == {
        "tests": "4", "failures": "1", "skipped": "2", "errors": "0", "time": "12.340",
    }  # fmt: skip


def test_messages_say_what_is_wrong_and_what_helps() -> None:
    suite = suite_of(result(FAILED, OPEN))

    failure, skipped = suite.find(".//failure"), suite.find(".//skipped")
    assert failure is not None
    assert skipped is not None
    assert failure.get("message") == failure.text == FAILED.sentence
    told = "inconclusive: macro f1 drops by -0.10 points; measure on more rows"
    assert skipped.get("message") == told


def test_what_is_inconclusive_fails_where_it_counts_so() -> None:
    suite = suite_of(result(PASSED, OPEN, inconclusive_as="fail"))

    assert kinds(suite) == [["system-out"], ["failure"]]
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "0")


def test_what_is_inconclusive_is_skipped_where_it_counts_as_passed() -> None:
    assert kinds(suite_of(result(OPEN, inconclusive_as="pass"))) == [["skipped"]]


def test_machine_and_versions_stand_beside_and_no_path_does() -> None:
    text = render_junit(result(PASSED, notes=("the weights are not those of the record",)))
    suite = ET.fromstring(text)[0]

    properties = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert properties["CPU"] == "Test CPU"
    assert properties["threads"] == "4"
    assert properties["versions"] == "bertslim 0.1.0, torch 2.13.0"
    assert suite.get("name") == "slim against base"
    assert suite.findtext("system-out") == "the weights are not those of the record"
    assert "/home" not in text


def test_any_text_makes_sound_xml() -> None:
    odd = FAILED.model_copy(update={"sentence": '<a & "b"> ]]> \x00\x1b[1m \ud800 \ufffe é 😀'})

    suite = suite_of(result(odd, model="<slim>&\x07"))

    failure = suite.find(".//failure")
    assert failure is not None
    assert failure.text == '<a & "b"> ]]> \ufffd\ufffd[1m \ufffd \ufffd é 😀'
