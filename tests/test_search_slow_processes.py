"""Which models are timed again: made-up times in place of processes."""

from __future__ import annotations

from bertslim.search.levels import Level
from bertslim.search.slow_processes import beside_a_slow_base, slower_than_wider
from bertslim.search.timed_files import RuntimeTime

KEPT = Level("ffn", "kept", 64)
HALF, QUARTER, EIGHTH = (Level("ffn", "narrowed", size) for size in (32, 16, 8))
LINEAR, DELETED = Level("ffn", "linear"), Level("ffn", "deleted")
LEVELS = (KEPT, HALF, QUARTER, EIGHTH, LINEAR, DELETED)


def timed(base_ms: float) -> RuntimeTime:
    return RuntimeTime(1.0, base_ms, 1 / base_ms, None)


def test_models_beside_a_base_that_is_slower_than_elsewhere() -> None:
    times = {"a": timed(5.0), "b": timed(5.15), "c": timed(5.8), "d": timed(5.8)}
    assert beside_a_slow_base(times) == ["c", "d"]


def test_one_group_has_nothing_to_be_compared_with() -> None:
    assert beside_a_slow_base({"a": timed(5.8), "b": timed(5.8)}) == []


def doubted(*ms: float) -> list[Level]:
    return list(slower_than_wider(LEVELS, dict(zip(LEVELS, ms, strict=True))))


def test_times_that_fall_are_believed() -> None:
    assert doubted(10.0, 8.0, 7.0, 6.0, 6.5, 5.0) == []


def test_a_linear_map_may_take_what_it_takes() -> None:
    assert doubted(10.0, 8.0, 7.0, 6.0, 11.0, 5.0) == []


def test_a_level_that_is_slower_than_any_wider_one_is_doubted() -> None:
    assert doubted(10.0, 8.0, 9.0, 8.5, 6.5, 5.0) == [QUARTER, EIGHTH]
    assert doubted(10.0, 10.1, 7.0, 6.0, 6.5, 5.0) == [HALF]


def test_nothing_is_faster_than_a_block_that_is_deleted() -> None:
    assert doubted(10.0, 8.0, 7.0, 6.0, 5.5, 5.8) == [DELETED]
    assert doubted(10.0, 8.0, 7.0, 6.0, 6.5, 6.1) == [DELETED]


def test_a_block_that_cannot_be_deleted() -> None:
    levels = LEVELS[:4]
    assert list(slower_than_wider(levels, dict(zip(levels, (4, 3, 2, 2), strict=True)))) == []
