"""Which of the points that were found is the one that was asked for, if any is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.records import FrontierPoint, SearchTarget
from bertslim.records.frontier import Outcome
from bertslim.wording import counted

_NEAREST = 3


@dataclass(frozen=True)
class Verdict:
    """What came of a search.

    Attributes:
        outcome: As `Frontier` has it.
        chosen: The point that was chosen; None: none was.
        message: The same in words.
    """

    outcome: Outcome
    chosen: FrontierPoint | None
    message: str


def judge(points: Sequence[FrontierPoint], target: SearchTarget) -> Verdict:
    """Choose among the points that were made.

    Of those within the target, the one of least damage; where only the drop is limited, the
    fastest.

    Args:
        points: Any; those that were not made do not count.
        target: What was asked for.
    """
    made = [point for point in points if point.solved is not None]
    if not target.asked:
        return Verdict("frontier", None, f"{counted(len(points), 'point', 'points')} found")
    small = [point for point in made if is_small(point, target)]
    if not small:
        return Verdict("infeasible", None, f"nothing is within {target}{_nearest(made, target)}")
    if target.drop is None:
        return _chosen(min(small, key=_damage), target)
    certain = [point for point in small if _bound(point) <= target.drop]
    if certain:
        limited = target.model_copy(update={"drop": None}).asked
        return _chosen(min(certain, key=_damage if limited else _time), target)
    below = [point for point in small if _drop(point) < target.drop]
    if not below:
        return Verdict("infeasible", None, f"nothing is within {target}{_nearest(small, target)}")
    return Verdict("uncertain", None, _too_few_rows(min(below, key=_time), target))


def hurried(points: Sequence[FrontierPoint], most_texts: int) -> tuple[str, ...]:
    """Note that the time was too short to tell the points apart, if it was.

    Args:
        points: What was found.
        most_texts: How many texts the best of each budget are run on while there is time.
    """
    few = [point.texts for point in points if point.texts < most_texts]
    if not few:
        return ()
    return (
        f"the time was up when {len(few)} of {counted(len(points), 'point', 'points')} had been "
        f"tried on only {counted(min(few), 'text', 'texts')}, not on {most_texts:,}, "
        "so that what they lose cannot be compared with what others do; with more --minutes there "
        "may be better ones",
    )


def is_small(point: FrontierPoint, target: SearchTarget) -> bool:
    """Whether a point that was made is within all limits but that of the drop."""
    return all(limit is None or value <= limit for value, limit in _sizes(point, target))


def _sizes(point: FrontierPoint, target: SearchTarget) -> tuple[tuple[float, float | None], ...]:
    """Return the time, parameters and bytes of a point that was made, each beside its limit."""
    solved = point.solved
    assert solved is not None  # noqa: S101
    return (
        (solved.ms, target.ms),
        (point.plan.slim.parameters, target.parameters),
        (solved.bytes, target.bytes),
    )


def _chosen(point: FrontierPoint, target: SearchTarget) -> Verdict:
    return Verdict("chosen", point, f"{point.name} is within {target}: {in_words(point)}")


def in_words(point: FrontierPoint) -> str:
    """Say what a point is worth."""
    if point.solved is None:
        return f"{point.predicted_ms:.3g} ms predicted"
    solved = point.solved
    drop = ""
    if solved.drop is not None:
        drop = f", {solved.drop.points:.2f} points lost (at most {solved.drop.bound_points:.2f})"
    return f"{solved.ms:.3g} ms a call, {solved.ratio:.2f} of the base's{drop}"


def _nearest(points: Sequence[FrontierPoint], target: SearchTarget) -> str:
    """Name the points that come nearest, from the nearest on."""
    if not points:
        return ""
    near = sorted(points, key=lambda point: _excess(point, target))[:_NEAREST]
    shown = "; ".join(f"{point.name}: {in_words(point)}" for point in near)
    return f"; nearest are {shown}"


def _excess(point: FrontierPoint, target: SearchTarget) -> float:
    """By how much a point exceeds the limits, the largest share of them."""
    shares = [value / limit for value, limit in _sizes(point, target) if limit]
    if target.drop is not None:
        shares.append(1 + max(0.0, _drop(point) - target.drop))
    return max(shares)


def _too_few_rows(point: FrontierPoint, target: SearchTarget) -> str:
    assert point.solved is not None  # noqa: S101
    drop = point.solved.drop
    assert drop is not None  # noqa: S101
    needed = f"; about {drop.rows_needed:,} would" if drop.rows_needed else ""
    return (
        f"{counted(drop.rows, 'row', 'rows')} to choose on cannot show that {point.name} loses at "
        f"most {target.drop:g} points: it loses {drop.points:.2f}, and by 95 % at most "
        f"{drop.bound_points:.2f}{needed}"
    )


def _damage(point: FrontierPoint) -> float:
    assert point.solved is not None  # noqa: S101
    return point.solved.damage


def _time(point: FrontierPoint) -> float:
    return point.ms


def _drop(point: FrontierPoint) -> float:
    assert point.solved is not None  # noqa: S101
    return float("inf") if point.solved.drop is None else point.solved.drop.points


def _bound(point: FrontierPoint) -> float:
    assert point.solved is not None  # noqa: S101
    return float("inf") if point.solved.drop is None else point.solved.drop.bound_points
