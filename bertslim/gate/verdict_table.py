"""The verdicts as a table, a row a rule and figure."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.gate.verdicts import Verdict
from bertslim.records.units import UNITS
from bertslim.report.measurement_text import between
from bertslim.report.numbers import quantity
from bertslim.report.tables import NOTHING, Table

_HEADERS = ("rule", "of", "record", "found", "interval", "at most", "verdict")


def verdict_table(verdicts: Sequence[Verdict]) -> Table:
    """List the verdicts of all rules on all figures."""
    return Table("llrrrrl", _HEADERS, tuple(map(_row, verdicts))).without_empty_columns()


def _row(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.rule,
        verdict.subject,
        _figure(verdict, verdict.recorded),
        _figure(verdict, verdict.found),
        _interval(verdict),
        _figure(verdict, verdict.bound),
        verdict.outcome,
    )


def _figure(verdict: Verdict, value: float | None) -> str:
    if value is None:
        return NOTHING
    return quantity(value, UNITS[verdict.unit].exact)


def _interval(verdict: Verdict) -> str:
    interval = verdict.interval
    if interval is None:
        return NOTHING
    return between(_figure(verdict, interval.low), _figure(verdict, interval.high))
