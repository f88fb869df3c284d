"""The context of the verdicts in every report: models, machine, versions."""

from __future__ import annotations

from bertslim.gate.check_result import CheckResult
from bertslim.records.sources import last_component, shown_source
from bertslim.wording import counted


def title(result: CheckResult) -> str:
    """Name the two models, without their paths."""
    return f"{last_component(result.model)} against {shown_source(result.base)}"


def facts(result: CheckResult) -> dict[str, str]:
    """List the machine and the versions."""
    here = result.environment
    facts = {
        "CPU": here.cpu,
        "cores": str(here.cores),
        "threads": str(here.threads),
        "OS": here.os,
        "Python": here.python,
        "versions": ", ".join(f"{name} {version}" for name, version in here.versions.items()),
    }
    if result.seconds:
        facts["latency measured for"] = counted(round(result.seconds), "second", "seconds")
    return facts


def ending(result: CheckResult) -> str:
    """Summarise the outcome in a few words."""
    rule_results = result.rule_results
    number = len(rule_results.verdicts)
    by_outcome = {
        outcome: sum(verdict.outcome == outcome for verdict in rule_results.verdicts)
        for outcome in ("pass", "fail", "inconclusive")
    }
    words = [
        f"{by_outcome[outcome]} {word}"
        for outcome, word in (("fail", "failed"), ("inconclusive", "inconclusive"))
        if by_outcome[outcome]
    ]
    passed = f"{by_outcome['pass']} of {counted(number, 'verdict', 'verdicts')} passed"
    return ", ".join([passed, *words])
