"""F1, precision and recall of each class, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.printable import shortened
from bertslim.records import Measurement, Record
from bertslim.report.measurement_text import change, from_to, interval, slim_value
from bertslim.report.tables import Table

MOST_CLASSES = 20
_LONGEST_NAME = 60  # characters


@dataclass(frozen=True)
class ClassFigures:
    """The figures of one class."""

    name: str
    support: int
    f1: Measurement
    precision: Measurement
    recall: Measurement


def classes_of(record: Record) -> tuple[ClassFigures, ...]:
    """Return the figures of each class, in the order of the classes."""
    triples = zip(
        *(record.find(f"classes.{metric}") for metric in ("f1", "precision", "recall")), strict=True
    )
    return tuple(
        ClassFigures(str(f1.context["class"]), int(f1.context["support"]), f1, precision, recall)
        for f1, precision, recall in triples
    )


def most_changed(classes: Sequence[ClassFigures]) -> tuple[ClassFigures, ...]:
    """Return as many as can be read: those whose F1 changed most, in the order of the classes."""
    chosen = sorted(classes, key=lambda figures: -abs(_change(figures.f1)))[:MOST_CLASSES]
    return tuple(figures for figures in classes if figures in chosen)


def class_table(classes: Sequence[ClassFigures]) -> Table:
    """Compare F1 class by class, with its interval; precision and recall beside it."""
    headers = ("class", "rows", "F1", "change", "95 % interval", "precision", "recall")
    rows = (
        (
            shortened(figures.name, _LONGEST_NAME),
            f"{figures.support:,}",
            both_values(figures.f1),
            change(figures.f1),
            interval(figures.f1),
            both_values(figures.precision),
            both_values(figures.recall),
        )
        for figures in classes
    )
    return Table("lrrrrrr", headers, tuple(rows)).without_empty_columns()


def both_values(figure: Measurement) -> str:
    """Write a figure before and after; only after if there is no base."""
    return slim_value(figure) if figure.base is None else from_to(figure)


def _change(figure: Measurement) -> float:
    return (figure.slim or 0.0) - (figure.base or 0.0)
