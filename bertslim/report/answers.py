"""What a reader asks first of a result: is it good enough, how fast, how large, how sure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bertslim.records import Budget, Measurement, Record
from bertslim.records.units import SCORE_PREFIX
from bertslim.report.headline import at_headline_shape, quality_figure
from bertslim.report.measurement_text import (
    change,
    from_to,
    interval,
    label,
    no_change_seen,
    shape,
    slim_value,
    speed_up,
    speed_up_interval,
)
from bertslim.report.numbers import fixed
from bertslim.report.tables import NOTHING
from bertslim.wording import capital

Tone = Literal["good", "bad", "open"]

_OF_BUDGETS: dict[str, tuple[Tone, str]] = {
    "met": ("good", "The budget is met"),
    "exceeded": ("bad", "The budget is exceeded"),
    "inconclusive": ("open", "The rows are too few to show that the budget is met"),
}
_NO_BUDGET = "No budget was given; bertslim check tests the result against one."


@dataclass(frozen=True)
class Verdict:
    """Whether a result is good enough.

    Attributes:
        tone: How a page colours it.
        words: The answer in a few words.
        reasons: Sentences that it rests on.
    """

    tone: Tone
    words: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """A figure that answers a question.

    Attributes:
        question: Such as "How much faster?".
        figure: Such as "1.42 x".
        words: Such as "faster at 1x128: 11.9 ms → 8.4 ms".
    """

    question: str
    figure: str
    words: str


@dataclass(frozen=True)
class Summary:
    """The top of a page: the verdict, and the figures that answer what a reader asks first."""

    verdict: Verdict
    answers: tuple[Answer, ...]


def summary_of(record: Record) -> Summary:
    """Return the verdict on a result, and what was measured of its speed, quality and size."""
    return Summary(_verdict(record), tuple(_answers(record)))


def verdict_on_budget(budget: Budget) -> Verdict:
    """Say whether a budget is met."""
    tone, words = _OF_BUDGETS[budget.outcome]
    return Verdict(tone, words, (f"{capital(budget.message)}.",))


def _verdict(record: Record) -> Verdict:
    figure = quality_figure(record)
    if record.budget is not None:
        verdict = verdict_on_budget(record.budget)
        reasons = () if figure is None else (f"{_on_report_rows(figure)}.",)
        return Verdict(verdict.tone, verdict.words, (*verdict.reasons, *reasons))
    if figure is None:
        return Verdict("open", "Its quality is not measured", (_NO_BUDGET,))
    words, tone = _quality_words(figure)
    return Verdict(tone, words, (f"{_on_report_rows(figure)}.", _NO_BUDGET))


def _quality_words(figure: Measurement) -> tuple[str, Tone]:
    name = label(figure)
    if not figure.name.startswith(SCORE_PREFIX):
        return "Compared with its base alone: no labels were given", "open"
    if figure.base is None or figure.slim is None:
        return f"{capital(name)} is {slim_value(figure)}", "open"
    if figure.interval is None:
        return f"Whether {name} differs is not known: it has no interval", "open"
    if no_change_seen(figure):
        return f"No difference in {name} is measurable", "open"
    if (figure.slim > figure.base) == figure.metric.higher_is_better:
        return f"{capital(name)} is better than the base's", "good"
    return f"{capital(name)} is worse than the base's", "open"


def _on_report_rows(figure: Measurement) -> str:
    """Write the figure of quality with its interval and the rows that it is of."""
    moved = change(figure)
    shown = slim_value(figure) if moved == NOTHING else f"{from_to(figure)}, {moved}"
    certain = f" (95 % {interval(figure)})" if figure.interval else ""
    rows = figure.context.get("n")
    where = f" on {rows:,} held-out rows" if isinstance(rows, int) else ""
    return f"{capital(label(figure))} {shown}{certain}{where}"


def _answers(record: Record) -> Iterator[Answer]:
    latencies, quality = record.find("latency"), quality_figure(record)
    latency = at_headline_shape(latencies) if latencies else None
    if latency is not None and latency.ratio:
        yield _speed(latency)
    if quality is not None:
        yield _quality(quality)
    for parameters in record.find("parameters")[:1]:
        yield Answer("How much smaller?", change(parameters), f"parameters: {from_to(parameters)}")
    yield from _certainty(latency, quality)


def _speed(latency: Measurement) -> Answer:
    ratio = latency.ratio or 1.0
    times = speed_up(min(ratio, 1 / ratio))
    way = "faster" if ratio < 1 else "slower"
    if no_change_seen(latency):
        times, way = "no difference", "in latency that can be measured"
    runtime = latency.context.get("runtime")
    where = f" in {runtime}" if runtime else ""
    words = f"{way} at {shape(latency)}{where}: {from_to(latency)}"
    return Answer("How much faster?", times, words)


def _quality(figure: Measurement) -> Answer:
    question = "At what price?"
    if figure.base is None or figure.slim is None:
        return Answer(question, slim_value(figure), label(figure))
    return Answer(question, change(figure), f"{label(figure)}: {from_to(figure)}")


def _certainty(latency: Measurement | None, quality: Measurement | None) -> Iterator[Answer]:
    """Yield the intervals, and the rows that the quality is measured on."""
    bounds = []
    if quality is not None and quality.interval is not None:
        bounds.append(f"{label(quality)} {interval(quality)}")
    if latency is not None and (speed := speed_up_interval(latency)) != NOTHING:
        bounds.append(f"speed-up {speed}")
    if not bounds:
        return
    rows = quality.context.get("n") if quality is not None else None
    figure = f"{fixed(rows)} rows" if isinstance(rows, int) else "95 %"
    yield Answer("How sure?", figure, f"95 % intervals: {', '.join(bounds)}")
