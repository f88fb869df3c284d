"""The top of the page of a search: what was asked for, and what was found."""

from __future__ import annotations

from collections.abc import Iterator

from bertslim.records import Frontier
from bertslim.report.answers import Answer, Summary, Verdict, verdict_on_budget
from bertslim.report.numbers import fixed, percent_change, signed
from bertslim.wording import counted

_EXCEEDED = "Nothing that was found meets the budget"


def frontier_summary(frontier: Frontier) -> Summary:
    """Return the verdict on a search, and the figures of the chosen point."""
    return Summary(_verdict(frontier), tuple(_answers(frontier)))


def _verdict(frontier: Frontier) -> Verdict:
    if frontier.budget is None:
        found = counted(len(frontier.points), "cut", "cuts")
        reason = "No budget was given; each point has its recipe in the folder recipes."
        return Verdict("open", f"{found} found, from the fastest to the base", (reason,))
    verdict = verdict_on_budget(frontier.budget)
    words = _EXCEEDED if frontier.budget.outcome == "exceeded" else verdict.words
    return Verdict(verdict.tone, words, verdict.reasons)


def _answers(frontier: Frontier) -> Iterator[Answer]:
    chosen, table = frontier.point(frontier.chosen), frontier.table
    if chosen is None or chosen.solved is None:
        return
    solved = chosen.solved
    where = f"{table.batch}x{table.length} in {table.runtime}"
    times = f"{fixed(1 / solved.ratio, 2)} x"
    yield Answer(
        "How much faster?", times, f"{fixed(solved.ratio, 2)} of the base's time at {where}"
    )
    if (drop := solved.drop) is not None:
        metric = drop.metric.replace("_", " ")
        yield Answer("At what price?", f"{signed(fixed(-drop.points, 2))} points", metric)
    before, after = frontier.base_parameters, chosen.plan.slim.parameters
    words = f"parameters: {fixed(before)} → {fixed(after)}"
    yield Answer("How much smaller?", percent_change(after / before), words)
    if (drop := solved.drop) is not None:
        lost = f"at most {fixed(drop.bound_points, 2)} points lost, at 95 %"
        yield Answer("How sure?", counted(drop.rows, "row", "rows"), f"of the select split: {lost}")
