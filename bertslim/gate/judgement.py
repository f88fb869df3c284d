"""All verdicts together, and how they end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bertslim.errors import CannotTell, RegressionFound
from bertslim.gate.baseline import find_baseline
from bertslim.gate.verdicts import Outcome, Rule, Verdict
from bertslim.records import Frozen, Measurement


class Judgement(Frozen):
    """What all rules say of all figures."""

    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """Fail if a single verdict does, else inconclusive if one is."""
        outcomes = {verdict.outcome for verdict in self.verdicts}
        if "fail" in outcomes:
            return "fail"
        return "inconclusive" if "inconclusive" in outcomes else "pass"

    def enforce(self) -> None:
        """Do nothing if all rules are passed.

        Raises:
            RegressionFound: A rule is failed; a clause for each, about its worst figure.
            CannotTell: None is failed, and one is inconclusive.
        """
        if self.outcome == "fail":
            raise RegressionFound("; ".join(one.sentence for one in self._worst("fail")))
        if self.outcome == "inconclusive":
            (first, *_) = self._worst("inconclusive")
            raise CannotTell(f"inconclusive: {first.sentence}", remedy=first.remedy)

    def _worst(self, outcome: Outcome) -> list[Verdict]:
        """The verdict furthest from the bound of each rule that has such verdicts."""
        worst: dict[str, Verdict] = {}
        found = (verdict for verdict in self.verdicts if verdict.outcome == outcome)
        for verdict in sorted(found, key=lambda one: one.excess, reverse=True):
            worst.setdefault(verdict.rule, verdict)
        return list(worst.values())


def judge(
    rules: Iterable[Rule], found: Sequence[Measurement], baseline: Sequence[Measurement]
) -> Judgement:
    """Judge figures by every rule.

    Args:
        rules: All have to be passed.
        found: Of this run.
        baseline: Of the record.
    """
    return Judgement(
        verdicts=tuple(
            rule.judge(now, find_baseline(now, baseline)) for rule in rules for now in found
        )
    )
