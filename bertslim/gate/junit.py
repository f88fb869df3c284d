"""Verdicts as JUnit XML, which CI servers show as tests.

A rule and figure is a test case. What failed is a failure; what is inconclusive is skipped, or a
failure where that is what it counts as.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from bertslim.gate.check_result import CheckResult
from bertslim.gate.check_summary import facts, title
from bertslim.gate.rule_results import RuleResults, reason
from bertslim.gate.verdicts import Verdict

SUITE = "bertslim check"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
MARK = f'{_DECLARATION}<testsuites name="{SUITE}"'  # how every such file starts

# What XML 1.0 has no place for, even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(result: CheckResult) -> str:
    """Write the verdicts as a document of one suite."""
    verdicts = result.rule_results.verdicts
    failed = [verdict for verdict in verdicts if result.rule_results.counted(verdict) == "fail"]
    skipped = [
        verdict
        for verdict in verdicts
        if verdict.outcome == "inconclusive" and verdict not in failed
    ]
    counts = {
        "tests": str(len(verdicts)),
        "failures": str(len(failed)),
        "errors": "0",
        "skipped": str(len(skipped)),
        "time": f"{result.seconds:.3f}",
    }
    root = ET.Element("testsuites", {"name": SUITE, **counts})
    suite = ET.SubElement(root, "testsuite", {"name": _clean(title(result)), **counts})
    properties = ET.SubElement(suite, "properties")
    for name, value in facts(result).items():
        ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    for verdict in verdicts:
        suite.append(_case(verdict, result.rule_results))
    if result.notes:
        ET.SubElement(suite, "system-out").text = _clean("\n".join(result.notes))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f"{_DECLARATION}{text}\n"


def _case(verdict: Verdict, rule_results: RuleResults) -> ET.Element:
    name = f"{verdict.rule} ({verdict.subject})"
    case = ET.Element("testcase", {"classname": "bertslim.check", "name": _clean(name)})
    message = _clean(reason(verdict))
    if rule_results.counted(verdict) == "fail":
        failure = ET.SubElement(case, "failure", {"message": message, "type": verdict.outcome})
        failure.text = message
    elif verdict.outcome == "inconclusive":
        ET.SubElement(case, "skipped", {"message": message})
    else:
        ET.SubElement(case, "system-out").text = message
    return case


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
