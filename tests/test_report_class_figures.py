"""Classes in a report: as many as can be read, those that changed most."""

from __future__ import annotations

import html5lib
import pytest

from bertslim.errors import InputError
from bertslim.records import Interval, Record, compare
from bertslim.report.class_figures import MOST_CLASSES, class_table, classes_of, most_changed
from bertslim.report.page import render_page
from bertslim.report.plots.class_scores import class_scores
from bertslim.report.render import render_report
from support.example_records import cut_record, full_record

HOSTILE = "<script>alert(1)</script>\u202e\U0001f600" + "long" * 2500


def record_with(names, change=0.0):
    figures = [
        compare(
            f"classes.{metric}", 0.8, 0.8 - change * number,
            interval=Interval(of="difference", low=-0.01, high=0.01),
            **{"class": name, "support": 5},
        )
        for number, name in enumerate(names)
        for metric in ("f1", "precision", "recall")
    ]  # fmt: skip
    return cut_record(measurements=tuple(figures))


def test_a_row_a_class() -> None:
    record = full_record()
    table = class_table(classes_of(record))
    assert [row[0] for row in table.rows] == ["refund | <late>", "other_thing"]
    assert table.rows[0][1:6] == (
        "120",
        "80.0 % → 75.0 %",
        "−5.0 points",
        "−8.0 to −2.0 points",
        "80.0 % → 75.0 %",
    )


def test_of_many_the_most_changed_are_shown() -> None:
    names = [f"class {number}" for number in range(MOST_CLASSES + 10)]
    record = record_with(names, change=0.01)
    shown = most_changed(classes_of(record))
    assert [one.name for one in shown] == names[10:]
    assert f"{len(names)} classes" in render_report(record)
    assert "bertslim.json has all" in " ".join(render_report(record).split())


def test_they_are_no_rows_of_the_first_table() -> None:
    text = render_report(full_record())
    assert "classes, f1" not in text
    assert text.count("## Classes") == 1


def test_a_hostile_name_is_shown_harmlessly() -> None:
    page = render_page(record_with([HOSTILE, "other"]))
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    assert "script" not in {element.tag for element in tree.iter()}
    assert "\u202e" not in page


def test_a_model_without_a_base_is_drawn_alone() -> None:
    figures = (
        compare(f"classes.{metric}", None, 0.9, **{"class": name, "support": 5})
        for name in ("a", "b")
        for metric in ("f1", "precision", "recall")
    )
    classes = classes_of(cut_record(measurements=tuple(figures)))
    drawn = class_scores(classes, "before", "after").markup()
    assert drawn.count("<circle") == 2
    assert "before" not in drawn
    assert "–" not in drawn
    assert ">0 %<" not in drawn, "the axis begins near the figures"


def without(record: Record, dropped: str) -> Record:
    kept = tuple(one for one in record.measurements if one.name != dropped)
    return record.model_copy(update={"measurements": kept})


@pytest.mark.parametrize("metric", ["f1", "precision", "recall"])
def test_figures_that_lack_a_metric_do_not_belong_together(metric: str) -> None:
    with pytest.raises(InputError, match=r"^bertslim\.json: the figures of the classes do not"):
        classes_of(without(full_record(), f"classes.{metric}"))


def test_a_class_without_the_number_of_its_rows_is_refused() -> None:
    record = full_record()
    stripped = tuple(
        one.model_copy(update={"context": {}}) if one.name.startswith("classes.") else one
        for one in record.measurements
    )
    with pytest.raises(InputError, match="one has no class, or no number of its rows"):
        classes_of(record.model_copy(update={"measurements": stripped}))
