"""Times of blocks from those of a few models with repeated layers, and of models from the blocks.

A model takes t = t0 + sum T over its blocks, with the same T in every layer, as their shapes are
the same. What the sum leaves out is corrected by a straight line that is fitted to whole models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bertslim.measure.lengths import Length
from bertslim.records import LatencyCheck, LatencyTable, LevelTime, ModelFacts
from bertslim.search.levels import Configuration, LayerChoices, LayerLevels, Level


@dataclass(frozen=True)
class RepeatedTimes:
    """Times of models with a few equal layers below one more, in ms.

    Attributes:
        layers: How many equal layers there are.
        whole: With all blocks kept.
        at_level: With one block at a level in each of the equal layers.
        alone: Without the equal layers.
        alone_without_ffn: The same, without the FFN block; None: it cannot go.
        alone_with_heads: The same with fewer heads, and how many; None: heads cannot go.
    """

    layers: int
    whole: float
    at_level: Mapping[Level, float]
    alone: float
    alone_without_ffn: float | None = None
    alone_with_heads: tuple[int, float] | None = None


@dataclass(frozen=True)
class TableSetting:
    """What a table is for.

    Attributes:
        runtime: What runs the models.
        batch: Sequences a call.
        length: Tokens a sequence, or DATA for texts as they come.
        threads: Threads.
        one_token_on_top: Whether the topmost layer with attention computes one token alone.
    """

    runtime: str
    batch: int
    length: Length
    threads: int
    one_token_on_top: bool


def table_of(
    times: RepeatedTimes, choices: LayerChoices, facts: ModelFacts, setting: TableSetting
) -> LatencyTable:
    """Work out the times of all blocks from differences between models.

    Args:
        times: Of the models.
        choices: The levels of any layer.
        facts: The shape of the base.
        setting: What the table is for.
    """
    ms = _times_of_block(times, choices.attention) | _times_of_block(times, choices.ffn)
    kept = choices.kept.levels
    a_layer = (times.whole - times.alone) / times.layers
    rest = max(0.0, a_layer - sum(ms[level] for level in kept))
    top = _top_times(times, choices, facts) if setting.one_token_on_top else ms
    beside = 0.0 if setting.one_token_on_top else rest
    fixed = times.alone - beside - sum(top[level] for level in kept)
    return LatencyTable(
        runtime=setting.runtime,
        batch=setting.batch,
        length=setting.length,
        threads=setting.threads,
        one_token_on_top=setting.one_token_on_top,
        fixed_ms=fixed,
        rest_ms=rest,
        levels=tuple(
            LevelTime(
                block=level.block,
                kind=level.kind,
                size=level.size,
                ms=taken,
                top_ms=top[level],
            )
            for level, taken in ms.items()
        ),
    )


def _times_of_block(times: RepeatedTimes, levels: Sequence[Level]) -> dict[Level, float]:
    """Return what a block takes at each level, the kept one first.

    Of a block that cannot be deleted, what it takes beyond its fastest level is known.
    """
    saved = {level: (times.whole - times.at_level[level]) / times.layers for level in levels[1:]}
    deleted = [less for level, less in saved.items() if level.kind == "deleted"]
    whole = max(0.0, *(deleted or saved.values()), 0.0)
    left = {level: max(0.0, whole - less) for level, less in saved.items()}
    return {levels[0]: whole, **left}


def _top_times(
    times: RepeatedTimes, choices: LayerChoices, facts: ModelFacts
) -> dict[Level, float]:
    """Return what blocks take where one token is computed alone.

    Of attention the keys and values of all tokens are computed all the same. The time of an FFN
    block is that of its products, that of attention that of its heads.
    """
    whole = 0.0
    if times.alone_without_ffn is not None:
        whole = max(0.0, times.alone - times.alone_without_ffn)
    a_head = 0.0
    heads = choices.attention[0].size
    if times.alone_with_heads is not None:
        left, ms = times.alone_with_heads
        a_head = max(0.0, (times.alone - ms) / (heads - left))
    maps = (2 + facts.form.gated) * choices.ffn[0].size
    linear = facts.hidden_size / maps if maps else 0.0
    top = {level: a_head * level.size for level in choices.attention}
    for level in choices.ffn:
        share = linear if level.kind == "linear" else level.size / choices.ffn[0].size
        top[level] = whole * share
    return top


class LevelTimes:
    """The times of a table by level."""

    def __init__(self, table: LatencyTable) -> None:
        self._table = table
        self._times = {
            Level(row.block, row.kind, row.size): (row.top_ms, row.ms) for row in table.levels
        }

    def of_layer(self, levels: LayerLevels | None, *, below: bool) -> float:
        """Return what a layer takes, in ms.

        Args:
            levels: Of its blocks; None: it is deleted.
            below: Whether a layer above it has attention.
        """
        if levels is None:
            return 0.0
        beside = 0.0 if self._table.one_token_on_top and not below else self._table.rest_ms
        return beside + sum(self._times[level][below] for level in levels.levels)

    def summed(self, configuration: Configuration) -> float:
        """Return what the times of a model add up to, in ms."""
        below, total = False, self._table.fixed_ms
        for levels in reversed(configuration):
            total += self.of_layer(levels, below=below)
            below = below or attends(levels)
        return total

    def predicted(self, configuration: Configuration) -> float:
        """Return what a model takes, in ms."""
        return self._table.corrected(self.summed(configuration))

    def worthwhile(self, choices: LayerChoices) -> LayerChoices:
        """Leave out levels that are no faster than a wider one, a linear map than the block."""
        return LayerChoices(
            tuple(self._faster(choices.attention)), tuple(self._faster(choices.ffn)), choices.may_go
        )

    def _faster(self, levels: Sequence[Level]) -> Iterator[Level]:
        fastest = kept = self._times[levels[0]][1]
        yield levels[0]
        for level in levels[1:]:
            _, ms = self._times[level]
            limit = kept if level.kind == "linear" else fastest
            if level.kind == "deleted" or ms < limit:
                yield level
            if level.kind == "narrowed":
                fastest = min(fastest, ms)


def attends(levels: LayerLevels | None) -> bool:
    """Whether a layer has attention."""
    return levels is not None and levels.attention.kind != "deleted"


def corrected(table: LatencyTable, checks: Sequence[LatencyCheck]) -> LatencyTable:
    """Fit the line of a table to whole models, by least squares of the shares that it is off.

    The errors are those of each model by the line of the others.

    Args:
        table: The times of the blocks.
        checks: Whole models, the base first; three at least.
    """
    offset, slope = _line(checks)
    errors = []
    for number, check in enumerate(checks):
        others = [*checks[:number], *checks[number + 1 :]]
        a, b = _line(others)
        errors.append(abs(a + b * check.summed_ms - check.measured_ms) / check.measured_ms)
    return table.model_copy(
        update={
            "offset_ms": offset,
            "slope": slope,
            "checks": tuple(checks),
            "mean_error": float(np.mean(errors)),
            "largest_error": float(np.max(errors)),
        }
    )


def _line(checks: Sequence[LatencyCheck]) -> tuple[float, float]:
    """Return the offset and the slope of least relative squares; through 0 if it would fall."""
    summed = np.array([check.summed_ms for check in checks])
    measured = np.array([check.measured_ms for check in checks])
    inputs = np.stack([np.ones_like(summed), summed], axis=1) / measured[:, None]
    offset, slope = np.linalg.lstsq(inputs, np.ones_like(summed), rcond=None)[0]
    if slope > 0:
        return float(offset), float(slope)
    return 0.0, float(np.linalg.lstsq(inputs[:, 1:], np.ones_like(summed), rcond=None)[0][0])
