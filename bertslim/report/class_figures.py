"""F1, precision and recall of each class, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.errors import InputError
from bertslim.file_names import RECORD_FILE
from bertslim.printable import shortened
from bertslim.records import Measurement, Record
from bertslim.report.measurement_text import change, from_to, interval, slim_value
from bertslim.report.tables import Table
from bertslim.wording import listed

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
    """Return the figures of each class, in the order of the classes.

    Raises:
        InputError: The record has not all three figures of each class, or not how many rows it has.
    """
    metrics = ("f1", "precision", "recall")
    found = [record.find(f"classes.{metric}") for metric in metrics]
    if len({len(figures) for figures in found}) > 1:
        raise _not_together(f"their numbers differ: {listed([str(len(one)) for one in found])}")
    return tuple(_figures(*of_class) for of_class in zip(*found, strict=True))


def _figures(f1: Measurement, precision: Measurement, recall: Measurement) -> ClassFigures:
    name, support = f1.context.get("class"), f1.context.get("support")
    if name is None or not isinstance(support, int):
        raise _not_together("one has no class, or no number of its rows")
    return ClassFigures(str(name), support, f1, precision, recall)


def _not_together(why: str) -> InputError:
    return InputError(
        f"the figures of the classes do not belong together: {why}",
        where=RECORD_FILE,
        remedy="make the result again",
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
