"""Tiny models with texts, surveyed as a search has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bertslim.data.task import Batch
from bertslim.model.checkpoint import Checkpoint, build_slim, load_checkpoint, sharing_copy
from bertslim.progress import Progress
from bertslim.recipe.plan import make_plan
from bertslim.records import LatencyCheck, LatencyTable, LevelTime, ModelFacts
from bertslim.repair.reconstruct import reconstruct
from bertslim.search.levels import (
    CRITERION,
    HEAD_CRITERION,
    Configuration,
    LayerChoices,
    LayerLevels,
    Level,
    possible_choices,
)
from bertslim.search.library import Library, build_library
from bertslim.search.problem import Problem
from bertslim.surgery.layer_surgery import operate
from bertslim.surgery.survey import survey
from support.calibration import random_texts

QUIET = Progress(visible=False)
ALONE = {"refit": "changed", "head": "keep"}  # of a repair that changes nothing but what is cut


@dataclass(frozen=True)
class Searched:
    """A tiny model, its texts and its library.

    Attributes:
        base: In float64, so that sums in another order are the same.
        choices: What may become of its layers.
        texts: Calibration texts.
        scores: Of its neurons.
        library: Of its blocks.
    """

    base: Checkpoint
    choices: tuple[LayerChoices, ...]
    texts: Sequence[Batch]
    scores: Any
    library: Library

    @classmethod
    def of(cls, directory: Path, make_recipe: Callable[..., Any]) -> Searched:
        """Survey and solve."""
        base = load_checkpoint(directory)
        base.model.double()
        texts = random_texts(20, 20, 8)
        narrow = {"op": "resize_ffn", "layers": "all", "width": 8, "criterion": CRITERION}
        fewer = {"op": "prune_heads", "layers": "all", "heads": 1, "criterion": HEAD_CRITERION}
        plan = make_plan(make_recipe(narrow, fewer, reconstruct={}, name="narrow"), base.facts)
        scores = survey(base, texts, plan, seed=0, progress=QUIET).scores
        choices = possible_choices(base.facts)
        library = build_library(base, choices, texts, scores, seed=0, progress=QUIET)
        return cls(base, choices, texts, scores, library)

    def repaired(self, recipe: Any) -> Any:
        """Return what `reconstruct` makes of a recipe."""
        plan = make_plan(recipe, self.base.facts)
        model = sharing_copy(self.base.model)
        with torch.no_grad():
            operate(model, plan, self.scores)
        slim = build_slim(replace(self.base, model=model), plan.record)
        reconstruct(self.base, slim, plan, self.texts, seed=0, progress=QUIET)
        return slim


def made_up_table(choices: LayerChoices) -> LatencyTable:
    """Return times of blocks by what is left of them, less where one token is computed alone."""
    levels = [*choices.attention, *choices.ffn]
    ms, of_unit = {"linear": 0.3, "deleted": 0.0}, {"ffn": 1, "attention": 16}
    return LatencyTable(
        runtime="onnxruntime",
        batch=1,
        length=16,
        threads=1,
        one_token_on_top=True,
        fixed_ms=0.4,
        rest_ms=0.1,
        levels=tuple(
            LevelTime(
                block=level.block,
                kind=level.kind,
                size=level.size,
                ms=ms.get(
                    level.kind, level.size / choices.kept.ffn.size * of_unit[level.block]
                ),
                top_ms=ms.get(level.kind, level.size / 640),
            )
            for level in levels
        ),
        offset_ms=0.05,
        slope=1.1,
    )  # fmt: skip


def checked_problem(facts: ModelFacts, choices: Sequence[LayerChoices], models: Any) -> Problem:
    """Return a choice by a made-up table that has the base's time, from a `TableOfDamages`."""
    table = made_up_table(choices[0])
    problem = Problem(facts, choices, models.alone, table)
    base_ms = problem.predicted_ms(problem.kept)
    check = LatencyCheck(summed_ms=problem.to_summed(base_ms), measured_ms=base_ms)
    return replace(problem, table=table.model_copy(update={"checks": (check,)}))


def with_level(searched: Searched, number: int, level: Level | None) -> Configuration:
    """Return the model with one block of a layer at a level, or with None without the layer."""
    levels: list[LayerLevels | None] = [layer.kept for layer in searched.choices]
    levels[number] = None if level is None else searched.choices[number].kept.at(level)
    return tuple(levels)


@dataclass(frozen=True)
class TableOfDamages:
    """A model whose damages are those of a table, where blocks that lose together lose more.

    Attributes:
        alone: What a block loses at a level alone.
        together: How much more two blocks lose together, as a share of the mean of both.
    """

    alone: dict[tuple[int, Level], float]
    together: np.ndarray

    def damage(self, configuration: Configuration) -> float:
        """Return what a configuration loses."""
        lost = np.array(
            [
                0.0 if level.kind == "kept" else self.alone[number, level]
                for number, levels in enumerate(configuration)
                if levels is not None
                for level in levels.levels
            ]
        )
        root = np.sqrt(lost)
        return float(lost.sum() + root @ self.together @ root)


def few_choices(facts: ModelFacts) -> list[LayerChoices]:
    """Return layers whose blocks are kept, halved, quartered or deleted, of 4 heads and 64."""
    return [
        LayerChoices(
            tuple(level for level in layer.attention if level.size in (4, 2, 1, 0)),
            tuple(
                level
                for level in layer.ffn
                if level.size in (64, 32, 16) or level.kind == "deleted"
            ),
            may_go=False,
        )
        for layer in possible_choices(facts)
    ]


def drawn_table(choices: list[LayerChoices], seed: int) -> TableOfDamages:
    """Draw what blocks lose alone and together."""
    draw = np.random.default_rng(seed)
    alone = {
        (number, level): draw.lognormal(0, 0.6) * (1 - level.size / (1.05 * levels[0].size)) ** 2
        for number, layer in enumerate(choices)
        for levels in (layer.attention, layer.ffn)
        for level in levels[1:]
    }
    pairs = np.triu(draw.uniform(-0.5, 1.5, (2 * len(choices), 2 * len(choices))), 1)
    return TableOfDamages(alone, pairs)
