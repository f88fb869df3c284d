"""Hold what a search tries to all 4,096 configurations of a model of three layers.

Each block is kept, halved, quartered or deleted. Times are counted in multiply-accumulates, so that
nothing is timed, and damages are those of models put together from repaired blocks. A base of three
layers can be cut from any other with `drop_layer`.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.search.prepare import prepare_materials
from benchmarks.tools import environment_line
from bertslim.measure.environment import default_threads
from bertslim.measure.shapes import Shape
from bertslim.recipe.schema import Reconstruct
from bertslim.recipe.sizes import layer_macs
from bertslim.records import LatencyTable, LevelTime, ModelFacts
from bertslim.report.tables import Table
from bertslim.search.configuration_search import ConfigurationSearch
from bertslim.search.levels import LayerChoices, Level, possible_choices
from bertslim.search.materials import Materials
from bertslim.search.problem import Budget, Problem
from bertslim.search.trials import Trials

LENGTH = 128
LAYERS = 3
SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def main() -> None:
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    print(f"{environment_line()}; KL on {arguments.texts} texts", flush=True)
    with TemporaryDirectory() as folder:
        print(compared(arguments, Path(folder)).markdown())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("base", type=Path, help="a classifier of three layers")
    add("data", help="rows to repair and to try configurations with")
    add("--texts", type=int, default=128, help="that configurations are run on")
    add("--samples", type=int, default=Reconstruct().samples, help="texts that repairs are from")
    add("--threads", type=int, default=default_threads(), help="default: all cores")
    add("--seed", type=int, default=0)
    return parser.parse_args()


def compared(arguments: argparse.Namespace, folder: Path) -> Table:
    """Try all configurations, and what a search tries of them."""
    materials = materials_of(arguments, folder)
    facts = materials.base.facts
    choices = [four_levels(layer) for layer in possible_choices(facts)]
    if len(choices) != LAYERS:
        raise SystemExit(f"a base of {LAYERS} layers is needed, this one has {len(choices)}")
    library = materials.library(choices, materials.survey(choices).scores)
    damages = materials.damages(choices, library)
    problem = Problem(facts, choices, damages, counted_table(choices[0], facts))
    rungs = materials.rungs(library)
    every = Trials(rungs[-1:])
    every.run(itertools.product(*(problem.options(number) for number in range(LAYERS))))
    base_ms = problem.predicted_ms(problem.kept)
    budgets = [Budget(share * base_ms) for share in SHARES]
    trials = Trials(rungs)
    search = ConfigurationSearch(
        problem, trials, budgets, arguments.seed, lambda _: False, materials.progress
    )
    found = search.run()
    rows = []
    for share, budget in zip(SHARES, budgets, strict=True):
        within = [one for one in every.candidates if problem.is_within(one, budget)]
        best = every.ranked(within)[0].damage
        chosen = every.candidates[found[budget].configuration].damage
        plain = problem.budgets([(1.0, 1.0)] * LAYERS).within(budget.ms)
        added = every.candidates[plain].damage if plain else float("nan")
        rows.append(
            (f"{share:g}", f"{best:.5f}", f"{chosen:.5f}", f"{chosen / best:.3f}", f"{added:.5f}")
        )
    print(f"{len(every.candidates)} configurations, {len(trials.candidates)} tried", flush=True)
    headers = ("MACs", "KL of the best", "of the chosen", "ratio", "by added damages alone")
    return Table("lrrrr", headers, tuple(rows))


def materials_of(arguments: argparse.Namespace, folder: Path) -> Materials:
    """Load model and texts, of which configurations are run on a few."""
    materials = prepare_materials(
        arguments.base,
        arguments.data,
        folder,
        samples=arguments.samples,
        shape=Shape(1, LENGTH),
        threads=arguments.threads,
        seed=arguments.seed,
    )
    tried = materials.texts.tried
    few = tried.select(range(min(arguments.texts, len(tried))))
    return replace(materials, texts=replace(materials.texts, tried=few))


def four_levels(layer: LayerChoices) -> LayerChoices:
    """Return a layer whose blocks are kept, halved, quartered or deleted."""

    def left(levels: Sequence[Level]) -> tuple[Level, ...]:
        whole = levels[0].size
        sizes = (whole, whole // 2, whole // 4)
        return tuple(one for one in levels if one.size in sizes or one.kind == "deleted")

    return LayerChoices(left(layer.attention), left(layer.ffn), may_go=False)


def counted_table(layer: LayerChoices, facts: ModelFacts) -> LatencyTable:
    """Return a table whose times are millions of multiply-accumulates."""
    whole = facts.layers[0]

    def macs(level: Level) -> float:
        name = "heads" if level.block == "attention" else "intermediate_size"
        without = whole.model_copy(update={name: 0})
        cut = whole.model_copy(update={name: level.size})
        return (layer_macs(facts, cut, LENGTH) - layer_macs(facts, without, LENGTH)) / 1e6

    levels = (*layer.attention, *layer.ffn)
    return LatencyTable(
        runtime="multiply-accumulates",
        batch=1,
        length=LENGTH,
        threads=1,
        one_token_on_top=False,
        fixed_ms=0.0,
        rest_ms=0.0,
        levels=tuple(
            LevelTime(block=one.block, kind=one.kind, size=one.size, ms=macs(one), top_ms=macs(one))
            for one in levels
        ),
    )


if __name__ == "__main__":
    main()
