"""Which times to take again, as a process that was slower than others of its kind may have them.

On some machines a process is slower by a sixth for as long as it lives. Where that is so for a
model in each launch, its block seems to take longer; where it is so for the base that models are
timed beside, they all seem to take less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bertslim.search.levels import Level
from bertslim.search.timed_files import RuntimeTime

_SLOW = 1.04  # times the fastest call of the same model in another process


def beside_a_slow_base(timed: Mapping[str, RuntimeTime]) -> list[str]:
    """Return the models that were timed beside a base that was faster elsewhere.

    Args:
        timed: By name, beside the same base in one or more groups.
    """
    least = min(one.base_fastest_ms for one in timed.values())
    return [name for name, one in timed.items() if one.base_fastest_ms > _SLOW * least]


def slower_than_wider(levels: Sequence[Level], ms: Mapping[Level, float]) -> Iterator[Level]:
    """Yield the levels of a block at which a model takes longer than at a wider one.

    Without the block it should take least of all; a linear map may take what it takes. That a
    narrower block may be slower in itself is no reason to trust one measurement of it.

    Args:
        levels: From the one that keeps the block to the one without it, wider before narrower.
        ms: What a model takes at each.
    """
    for number, level in enumerate(levels):
        wider = [ms[one] for one in levels[:number]]
        if level.kind in ("narrowed", "deleted") and ms[level] > min(wider):
            yield level
