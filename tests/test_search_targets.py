"""Targets as they are written, and which point is the one that was asked for."""

from __future__ import annotations

import pytest

from bertslim.errors import InputError
from bertslim.records import Drop, FrontierPoint, SearchTarget, Solved
from bertslim.search.levels import LayerLevels, Level, plan_of, possible_choices
from bertslim.search.outcome import hurried, judge
from bertslim.search.targets import most_parameters, read_target
from support.checkpoints import facts_of


def test_amounts_are_read_with_their_units() -> None:
    target = read_target("0.5x", "40M", "50MB", "1.5").beside(8.0)
    assert target == SearchTarget(ms=4.0, parameters=40_000_000, bytes=50_000_000, drop=1.5)
    assert read_target("4ms", None, None, None).beside(8.0) == SearchTarget(ms=4.0)
    assert not read_target(None, None, None, None).beside(8.0).asked
    assert (
        str(target) == "4 ms a call, 40,000,000 parameters, 50,000,000 bytes, a drop of 1.5 points"
    )


@pytest.mark.parametrize(
    "written",
    [
        ("-1x", None, None, None),
        (None, "0", None, None),
        (None, None, "x", None),
        (None, None, None, "-1"),
        ("5 miles", None, None, None),
    ],
)
def test_what_is_no_amount_is_refused(written) -> None:
    with pytest.raises(InputError):
        read_target(*written)


def test_bytes_limit_the_parameters() -> None:
    size = 4 * 1000 + (1 << 16)
    assert most_parameters(SearchTarget(bytes=size), 1000, 4000, 4) == 1000
    assert most_parameters(SearchTarget(bytes=size - 6), 1000, 4000, 4) == 998
    both = SearchTarget(bytes=size - 6, parameters=900)
    assert most_parameters(both, 1000, 4000, 4) == 900
    assert most_parameters(SearchTarget(ms=1.0), 1000, 4000, 4) is None


@pytest.fixture
def point(tiny_model):
    facts = facts_of(tiny_model("bert"))
    kept = [layer.kept for layer in possible_choices(facts)]
    plan = plan_of((LayerLevels(kept[0].attention, Level("ffn", "linear")), *kept[1:]), facts)

    def make(
        name: str,
        ms: float,
        *,
        damage: float = 0.1,
        lost: float | None = None,
        bound: float = 0.0,
        needed: int | None = None,
        made: bool = True,
    ) -> FrontierPoint:
        drop = None
        if lost is not None:
            drop = Drop(
                metric="accuracy", base=0.9, slim=0.9 - lost / 100, rows=200,
                bound=bound / 100, rows_needed=needed,
            )  # fmt: skip
        solved = Solved(
            damage=damage, drop=drop, bytes=1000, ms=ms, ratio=ms / 10, median_ratio=ms / 10,
            interval=None,
        )  # fmt: skip
        return FrontierPoint(
            name=name, recipe={}, plan=plan.record, predicted_ms=ms, damage=damage, texts=64,
            solved=solved if made else None,
        )  # fmt: skip

    return make


def test_of_points_within_the_limits_the_one_of_least_damage_is_chosen(point) -> None:
    points = [point("a", 3, damage=0.3), point("b", 5, damage=0.1), point("c", 7, damage=0.01)]
    assert judge(points, SearchTarget(ms=5)).chosen == points[1]
    assert judge(points, SearchTarget(ms=5, bytes=1000)).chosen == points[1]
    assert judge(points, SearchTarget()).outcome == "frontier"
    only_predicted = [point("a", 3, made=False), points[2]]
    verdict = judge(only_predicted, SearchTarget(ms=5))
    assert verdict.outcome == "infeasible"
    assert "nearest are c: 7 ms a call" in verdict.message


def test_the_nearest_points_come_first(point) -> None:
    points = [point(name, ms) for name, ms in (("a", 9), ("b", 6), ("c", 7), ("d", 8))]
    message = judge(points, SearchTarget(ms=5)).message
    assert message.index("b: ") < message.index("c: ") < message.index("d: ")
    assert "a: " not in message


def test_a_drop_alone_gets_the_fastest_whose_bound_is_within_it(point) -> None:
    points = [
        point("a", 3, lost=0.5, bound=1.5, needed=900),
        point("b", 5, lost=0.4, bound=0.9),
        point("c", 7, lost=0.1, bound=0.5),
    ]
    assert judge(points, SearchTarget(drop=1.0)).chosen == points[1]
    uncertain = judge(points[:1], SearchTarget(drop=1.0))
    assert uncertain.outcome == "uncertain"
    assert "200 rows" in uncertain.message
    assert "about 900 would" in uncertain.message
    assert judge(points[:1], SearchTarget(drop=0.2)).outcome == "infeasible"
    assert judge(points, SearchTarget(drop=1.0, ms=4)).outcome == "uncertain"
    assert judge([point("a", 3)], SearchTarget(drop=1.0)).outcome == "infeasible"


def test_a_search_that_was_short_of_time_says_so(point) -> None:
    points = [point("a", 3), point("b", 5)]
    assert hurried(points, most_texts=64) == ()
    enough = points[1].model_copy(update={"texts": 1024})
    (note,) = hurried([points[0], enough], most_texts=1024)
    assert "1 of 2 points had been tried on only 64 texts, not on 1,024, so that" in note
    assert "cannot be compared with what others do; with more --m" in note
