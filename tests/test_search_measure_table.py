"""The table of a machine whose times are made up, and off by some per cent as on a busy one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from bertslim.measure.shapes import Shape
from bertslim.search.latency_table import LevelTimes, attends
from bertslim.search.levels import Configuration, LayerLevels, Level, limited, possible_choices
from bertslim.search.measure_table import TableBench, _name
from bertslim.search.problem import Problem
from bertslim.search.search_runtimes import SearchRuntime
from support.checkpoints import facts_of
from support.searched import QUIET

LAYERS = 4


def true_ms(configuration: Configuration) -> float:
    """What a model takes, with one token computed in the topmost layer with attention."""
    total, below = 0.2, False
    for levels in reversed(configuration):
        if levels is None:
            continue
        share = levels.ffn.size / 64
        ffn = 0.15 if levels.ffn.kind == "linear" else 0.05 * (share > 0) + 0.5 * share
        attention = 0.05 * bool(levels.attention.size) + 0.08 * levels.attention.size
        total += 0.03 + (ffn + attention if below else 0.1 * ffn + 0.6 * attention)
        below = below or attends(levels)
    return total


class MadeUpBench(TableBench):
    """Writes nothing, and takes models to be slower than they are by chance."""

    noise = 0.0

    def _write(self, name: str, configuration: Configuration):
        return configuration

    def _time(self, whole, models):
        draw = np.random.default_rng([self.seed, len(models)])
        every = {**models, "whole": whole}
        return {
            name: true_ms(one) * (1 + abs(draw.normal(0, self.noise)))
            for name, one in every.items()
        }


@pytest.fixture(scope="module")
def facts(tiny_model):
    return facts_of(tiny_model("bert", "SequenceClassification", num_hidden_layers=LAYERS))


def bench_of(facts, *groups: str, noise: float = 0.0, seed: int = 0) -> MadeUpBench:
    layout = SimpleNamespace(attention=SimpleNamespace(fuses=True))
    base = SimpleNamespace(facts=facts, family=SimpleNamespace(layout=layout), directory="base")
    writer = SimpleNamespace(base=base, runtime=SearchRuntime.ONNXRUNTIME)
    choices = [limited(layer, groups) for layer in possible_choices(facts)]
    bench = MadeUpBench(writer, choices, Shape(1, 16), 1, seed, QUIET)  # type: ignore[arg-type]
    bench.__class__.noise = noise
    return bench


def chosen(facts, bench: MadeUpBench, seed: int):
    """Yield what a search would choose, with what it would take by the table."""
    table = bench._measure()
    draw = np.random.default_rng(1000 + seed)
    choices = [LevelTimes(table).worthwhile(layer) for layer in bench.choices]
    for share in (0.4, 0.5, 0.6, 0.75):
        damages = {
            (number, level): (2.0 if level is None else 1 - level.size / 80) * draw.uniform(0.3, 3)
            for number, layer in enumerate(choices)
            for level in (*layer.levels, None)
        }
        problem = Problem(facts, choices, damages, table)
        one = problem.budgets([(1.0, 1.0)] * LAYERS).within(share * table.base_ms)
        assert one is not None
        yield one, problem.predicted_ms(one) / table.base_ms


def errors(facts, noise: float, seeds: int) -> list[float]:
    base = true_ms(tuple(layer.kept for layer in possible_choices(facts)))
    return [
        predicted / (true_ms(one) / base) - 1
        for seed in range(seeds)
        for one, predicted in chosen(facts, bench_of(facts, noise=noise, seed=seed), seed)
    ]


def test_times_without_chance_are_predicted(facts) -> None:
    assert np.abs(errors(facts, 0.0, 1)).mean() < 0.02


def test_what_is_chosen_is_no_slower_than_predicted_on_average(facts) -> None:
    """Of levels whose times are off by chance a search prefers those that seem too fast."""
    assert abs(np.mean(errors(facts, 0.04, 6))) < 0.02


def test_what_is_left_out_is_not_timed(facts) -> None:
    bench = bench_of(facts, "widths")
    table = bench._measure()
    assert {(row.block, row.kind) for row in table.levels} == {
        ("attention", "kept"), ("ffn", "kept"), ("ffn", "narrowed"),
    }  # fmt: skip
    kept = tuple(layer.kept for layer in bench.choices)
    half = tuple(LayerLevels(one.attention, Level("ffn", "narrowed", 32)) for one in kept)
    expected = true_ms(half) / true_ms(kept)
    assert LevelTimes(table).predicted(half) / table.base_ms == pytest.approx(expected, rel=0.02)


class OnceSlowBench(MadeUpBench):
    """Has slow processes of some models the first time, and is slower by a twentieth later."""

    slow = (
        Level("ffn", "deleted"), Level("ffn", "narrowed", 16), Level("attention", "narrowed", 1),
    )  # fmt: skip

    def _time(self, whole, models):
        first = "alone" in models
        ms = super()._time(whole, models)
        if not first:
            return {name: 1.05 * one for name, one in ms.items()}
        return ms | {name: 1.5 * ms[name] for name in map(_name, self.slow)}


def test_what_is_slower_than_a_wider_level_is_timed_again(facts) -> None:
    plain = bench_of(facts)
    bench = OnceSlowBench(plain.writer, plain.choices, plain.shape, 1, 0, QUIET)
    once, right = bench._time_repeated(), plain._time_repeated()
    assert once.at_level == pytest.approx(right.at_level)
    assert once.whole == right.whole
