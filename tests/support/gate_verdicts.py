"""Verdicts and results of `bertslim check` made up for the tests of their reports."""

from __future__ import annotations

from bertslim.gate.check_result import CheckResult
from bertslim.gate.rule_results import RuleResults
from bertslim.gate.verdicts import Outcome, Verdict
from bertslim.records import Environment, Interval

MACHINE = Environment(
    cpu="Test CPU",
    cores=4,
    threads=4,
    memory_bytes=2**33,
    os="Test OS 1",
    python="3.11.9",
    versions={"bertslim": "0.1.0", "torch": "2.13.0"},
)

PASSED = Verdict(
    rule="--max-params 20M",
    subject="parameters",
    recorded=19_168_512,
    found=19_168_512,
    unit="parameters",
    bound=20_000_000,
    outcome="pass",
    sentence="the slim model has 19,168,512 parameters, --max-params 20M allows 20,000,000",
)
FAILED = Verdict(
    rule="--max-regression 5%",
    subject="1x128",
    recorded=0.7,
    found=0.8,
    unit="ratio",
    interval=Interval(of="ratio", low=0.78, high=0.82),
    bound=0.735,
    outcome="fail",
    sentence="at 1x128 the slim model takes 0.800 of the base's time",
)
OPEN = Verdict(
    rule="--max-accuracy-drop 0.5",
    subject="macro f1",
    found=-0.1,
    unit="points",
    interval=Interval(of="difference", low=-1.2, high=1.0),
    bound=0.5,
    outcome="inconclusive",
    sentence="macro f1 drops by -0.10 points",
    remedy="measure on more rows",
)
UNANSWERED = Verdict(
    rule="--max-latency 12ms",
    subject="latency",
    unit="ms",
    bound=12.0,
    outcome="inconclusive",
    sentence="--max-latency 12ms: another machine",
    remedy="check there",
)


def result(
    *verdicts: Verdict,
    inconclusive_as: Outcome = "inconclusive",
    model: str = "slim",
    base: str = "/home/someone/secret project/base",
    notes: tuple[str, ...] = (),
    seconds: float = 12.34,
) -> CheckResult:
    return CheckResult(
        model=model,
        base=base,
        rule_results=RuleResults(verdicts=verdicts, inconclusive_as=inconclusive_as),
        measurements=(),
        environment=MACHINE,
        notes=notes,
        seconds=seconds,
    )
