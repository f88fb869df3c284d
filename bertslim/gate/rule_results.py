"""All verdicts together, and the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bertslim.errors import CannotTell, RegressionFound
from bertslim.gate.baseline import find_baseline
from bertslim.gate.verdicts import Outcome, Rule, Verdict
from bertslim.records import Frozen, Measurement


class RuleResults(Frozen):
    """The verdicts of all rules.

    Attributes:
        inconclusive_as: What an inconclusive verdict counts as, for a definite answer.
    """

    verdicts: tuple[Verdict, ...]
    inconclusive_as: Outcome = "inconclusive"

    @property
    def outcome(self) -> Outcome:
        """Fail if a single verdict does, else inconclusive if one is."""
        outcomes = {self.counted(verdict) for verdict in self.verdicts}
        if "fail" in outcomes:
            return "fail"
        return "inconclusive" if "inconclusive" in outcomes else "pass"

    def counted(self, verdict: Verdict) -> Outcome:
        """Return what a verdict counts as."""
        inconclusive = verdict.outcome == "inconclusive"
        return self.inconclusive_as if inconclusive else verdict.outcome

    def enforce(self) -> None:
        """Do nothing if all rules are passed.

        Raises:
            RegressionFound: A rule is failed; a clause for each, about its worst figure.
            CannotTell: None is failed, and one is inconclusive.
        """
        if self.outcome == "fail":
            raise RegressionFound("; ".join(self.reasons("fail")))
        if self.outcome == "inconclusive":
            raise CannotTell("; ".join(self.reasons("inconclusive")))

    def reasons(self, counted: Outcome) -> list[str]:
        """Return a clause for each rule that has verdicts that count so, about the worst."""
        by_rule: dict[str, list[Verdict]] = {}
        for verdict in self.verdicts:
            if self.counted(verdict) == counted:
                by_rule.setdefault(verdict.rule, []).append(verdict)
        return [reason(max(verdicts, key=_weight)) for verdicts in by_rule.values()]


def _weight(verdict: Verdict) -> tuple[bool, float]:
    return verdict.outcome == "fail", verdict.excess


def reason(verdict: Verdict) -> str:
    """Put a verdict in words, with the remedy if it is inconclusive."""
    if verdict.outcome != "inconclusive":
        return verdict.sentence
    return f"inconclusive: {verdict.sentence}; {verdict.remedy}"


def apply_rules(
    rules: Iterable[Rule], measurements: Sequence[Measurement], baseline: Sequence[Measurement]
) -> RuleResults:
    """Judge each figure by every rule for it.

    Args:
        rules: All have to be passed.
        measurements: Of this run.
        baseline: Of the record.
    """
    return RuleResults(
        verdicts=tuple(
            rule.judge(now, find_baseline(now, baseline))
            for rule in rules
            for now in measurements
            if now.name.partition(".")[0] == rule.figure
        )
    )
