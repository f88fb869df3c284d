"""The points of a search, as its page shows them."""

from __future__ import annotations

from bertslim.report.frontier_sections import points_table
from bertslim.report.plots.frontier import frontier_drawing
from support.example_frontiers import frontier, point


def test_damages_on_fewer_texts_say_so_and_are_not_drawn_beside_others() -> None:
    on_few = point(0.3, solved=False).model_copy(update={"texts": 64})
    found = frontier(points=(on_few, point(0.5), point(0.6, solved=False)))
    table = points_table(found)
    place = table.headers.index("put together")
    assert [row[place] for row in table.rows] == ["0.040 on 64 texts", "0.024", "0.020"]
    drawn = frontier_drawing(found).markup()
    assert "0.60x, predicted" in drawn
    assert "0.30x" not in drawn


def test_what_was_made_is_drawn_however_many_texts_it_was_tried_on() -> None:
    made = point(0.4).model_copy(update={"texts": 64})
    assert "0.40x, made" in frontier_drawing(frontier(points=(made, point(0.5)))).markup()
