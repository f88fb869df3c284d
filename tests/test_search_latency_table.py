"""Times of blocks from those of models, held to models whose times are made up."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bertslim.records import LatencyCheck, LatencyTable
from bertslim.search.latency_table import (
    LevelTimes,
    RepeatedTimes,
    TableSetting,
    attends,
    corrected,
    table_of,
)
from bertslim.search.levels import LayerChoices, LayerLevels, possible_choices
from support.checkpoints import facts_of

EMBEDDINGS, NORMS, A_HEAD, A_NEURON, LINEAR = 0.3, 0.05, 0.04, 0.002, 0.03
TOP_HEAD, TOP_NEURON = 0.02, 0.0002


def made_up(configuration, *, one_token: bool) -> float:
    """What a model takes, layer by layer from the top, written down by another way."""
    total = EMBEDDINGS
    highest = max(number for number, levels in enumerate(configuration) if attends(levels))
    for number, levels in enumerate(configuration):
        if levels is None:
            continue
        heads, ffn = levels.attention.size, levels.ffn
        if one_token and number >= highest:
            ffn_ms = TOP_NEURON * (16 if ffn.kind == "linear" else ffn.size)
            total += TOP_HEAD * heads + ffn_ms
            total += NORMS if number == highest else 0
            continue
        total += NORMS + A_HEAD * heads
        total += LINEAR if ffn.kind == "linear" else A_NEURON * ffn.size
    return total


@pytest.fixture
def facts(tiny_model):
    return facts_of(tiny_model("bert", "SequenceClassification", intermediate_size=64))


def measured_table(facts, *, one_token: bool) -> tuple[LatencyTable, LayerChoices]:
    choices = possible_choices(facts)[1]
    kept = choices.kept

    def time(*layers: LayerLevels) -> float:
        return made_up(layers, one_token=one_token)

    fewer = choices.attention[-2]
    times = RepeatedTimes(
        layers=2,
        whole=time(kept, kept, kept),
        at_level={level: time(kept.at(level), kept.at(level), kept) for level in choices.levels},
        alone=time(kept),
        alone_without_ffn=time(kept.at(choices.ffn[-1])),
        alone_with_heads=(fewer.size, time(kept.at(fewer))),
    )
    setting = TableSetting("onnxruntime", 1, 128, 2, one_token)
    return table_of(times, choices, facts, setting), choices


@pytest.mark.parametrize("one_token", [False, True])
def test_the_blocks_add_up_to_what_every_model_takes(one_token: bool, facts) -> None:
    table, choices = measured_table(facts, one_token=one_token)
    times = LevelTimes(table)
    every = [*choices.every()]
    draw = np.random.default_rng(0)
    for _ in range(200):
        configuration = tuple(every[number] for number in draw.integers(len(every), size=4))
        if any(map(attends, configuration)):
            expected = made_up(configuration, one_token=one_token)
            assert times.summed(configuration) == pytest.approx(expected)


def test_levels_that_are_no_faster_than_wider_ones_are_left_out(facts) -> None:
    table, choices = measured_table(facts, one_token=False)
    slow = table.model_copy(
        update={
            "levels": tuple(
                row.model_copy(update={"ms": row.ms + (0.05 if row.size == 24 else 0)})
                for row in table.levels
            )
        }
    )
    left = LevelTimes(slow).worthwhile(choices)
    assert [level.size for level in left.ffn] == [64, 48, 32, 16, 8, 0, 0]
    assert left.attention == choices.attention


def test_the_line_is_fitted_to_whole_models_and_its_error_is_that_on_others(facts) -> None:
    table, _ = measured_table(facts, one_token=False)
    exact = [LatencyCheck(summed_ms=x, measured_ms=0.2 + 1.1 * x) for x in (1.0, 2.0, 3.0, 5.0)]
    fitted = corrected(table, exact)
    assert fitted.corrected(4.0) == pytest.approx(4.6)
    assert fitted.largest_error == pytest.approx(0, abs=1e-9)
    assert fitted.base_ms == exact[0].measured_ms

    off = [*exact[:-1], LatencyCheck(summed_ms=5.0, measured_ms=6.0)]
    assert corrected(table, off).largest_error >= abs(5.7 - 6.0) / 6.0 - 1e-9
    for one, other in itertools.pairwise(corrected(table, off).checks):
        assert one.summed_ms < other.summed_ms


def test_a_line_never_falls(facts) -> None:
    table, _ = measured_table(facts, one_token=False)
    falling = [LatencyCheck(summed_ms=x, measured_ms=4 - x) for x in (1.0, 2.0, 3.0)]
    fitted = corrected(table, falling)
    assert fitted.slope > 0
    assert fitted.offset_ms == 0
