"""Every level of every block, repaired from the base's own states in one pass over the texts.

The maps of a block at all its levels are solved from the same moments: those of a narrowed block
are a part of those of the whole one (the "database" of OBC, Frantar and Alistarh 2022, arXiv
2208.11580, and of ZipLM, Kurtic et al. 2023, arXiv 2302.04089).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bertslim.data.task import Batch
from bertslim.model.checkpoint import Checkpoint, sharing_copy
from bertslim.model.layer import AttentionBlock, FfnBlock, Layer, model_layers
from bertslim.progress import Progress
from bertslim.ranks import Ranks
from bertslim.repair.affine_maps import affine_of, set_affine
from bertslim.repair.calibration import Calibration, open_calibration
from bertslim.repair.ffn_maps import output_inputs, solve_fill, solve_output
from bertslim.repair.hidden_states import hidden_state_room
from bertslim.repair.split_moments import Target, gather_moments
from bertslim.search.levels import (
    CRITERION,
    LayerChoices,
    Level,
    plan_of,
)
from bertslim.surgery.criteria import Ranking
from bertslim.surgery.importance import keep_best
from bertslim.surgery.layer_surgery import operate

Scores = Mapping[Ranking, Tensor]


@dataclass(frozen=True)
class Library:
    """The blocks of a model at their levels.

    Attributes:
        base: The model.
        layers: By layer and level, a layer of which the block of the level is to be used.
    """

    base: Checkpoint
    layers: Mapping[tuple[int, Level], Layer]

    def attention(self, number: int, level: Level) -> AttentionBlock:
        """Return the attention block of a layer at a level."""
        return self._layer(number, level).attention

    def ffn(self, number: int, level: Level) -> FfnBlock:
        """Return the FFN block of a layer at a level."""
        return self._layer(number, level).ffn

    def _layer(self, number: int, level: Level) -> Layer:
        return self.base.layers[number] if level.kind == "kept" else self.layers[number, level]


@torch.no_grad()
def build_library(
    base: Checkpoint,
    choices: Sequence[LayerChoices],
    batches: Sequence[Batch],
    scores: Scores,
    *,
    seed: int,
    progress: Progress,
) -> Library:
    """Cut every block to every level, and solve its maps from the base's own states.

    A map is what `reconstruct` makes of it where no other block is cut.

    Args:
        base: The model, in float32 and eval mode; left as it is.
        choices: The levels that each layer may have.
        batches: The calibration texts.
        scores: Those of the base's neurons and heads that `survey` measured.
        seed: Settles which texts are held out to choose ridges on.
        progress: Shows the layers.

    Raises:
        DataError: There are fewer than two texts.
        ModelError: Activations are not finite.
    """
    cut = {
        (number, level): _cut(base, choices, number, level, scores)
        for number, layer in enumerate(choices)
        for level in layer.levels
    }
    library = Library(base, cut)
    with hidden_state_room() as room:
        calibration = open_calibration(base.model, batches, room, seed=seed, ranks=Ranks())
        solver = _Solver(library, calibration, scores)
        shown = progress.track(
            enumerate(choices), "solving the levels", total=len(choices), unit="layer"
        )
        for number, layer in shown:
            solver.solve(number, layer)
    return library


def _cut(
    base: Checkpoint, choices: Sequence[LayerChoices], number: int, level: Level, scores: Scores
) -> Layer:
    """Return a layer of a copy of the base in which one block is at a level, not yet repaired."""
    levels = [layer.kept for layer in choices]
    levels[number] = levels[number].at(level)
    model = sharing_copy(base.model)
    operate(model, plan_of(tuple(levels), base.facts), scores)
    return model_layers(model)[number]


@dataclass(frozen=True)
class _Solver:
    """Brings the texts up through the base, and solves the levels of each layer on the way.

    Attributes:
        library: Its maps are replaced.
        calibration: The texts, before the layer.
        scores: Of the base's neurons.
    """

    library: Library
    calibration: Calibration
    scores: Scores

    def solve(self, number: int, choices: LayerChoices) -> None:
        """Solve the levels of a layer; the texts are above it afterwards."""
        layer = self.library.base.layers[number]
        for batch in self.calibration.batches:
            batch.run_base_attention(layer, number)
        for level in choices.narrow_attention:
            self._solve_heads(number, level)
        for batch in self.calibration.batches:
            batch.states.slim.copy_(layer.attention.normalise(batch.states.attention_sum))
            batch.run_base_ffn(layer)
        self._solve_widths(number, choices.narrow_ffn)
        for level in choices.ffn:
            if level.kind == "linear":
                self._solve_linear(number, level)

    def _solve_heads(self, number: int, level: Level) -> None:
        attention = self.library.attention(number, level)
        target = Target(
            lambda batch: batch.states.attention_sum - batch.states.base,
            lambda batch: batch.attention_weights(number),
        )
        moments = gather_moments(
            self.calibration,
            lambda batch: attention.context(batch.states.base, batch.given[number]),
            target,
            layer=number,
        ).for_maps(attention.output)
        set_affine(moments.solve(affine_of(attention.output)).affine, attention.output)

    def _solve_widths(self, number: int, levels: Sequence[Level]) -> None:
        if not levels:
            return
        ffn = self.library.base.layers[number].ffn
        moments = gather_moments(
            self.calibration,
            lambda batch: output_inputs(ffn, batch.states.slim),
            self._ffn_target(number),
            layer=number,
        )
        inputs = len(moments.fit.mean_x)
        beside = torch.arange(ffn.intermediate_size, inputs)  # those of a bypass
        for level in levels:
            kept = keep_best(self.scores[Ranking(CRITERION, "ffn", number)], level.size)
            solve_output(
                self.library.ffn(number, level), moments.selected(torch.cat([kept, beside]))
            )

    def _solve_linear(self, number: int, level: Level) -> None:
        ffn = self.library.ffn(number, level)
        fill = ffn.linear_map
        assert fill is not None  # noqa: S101
        moments = gather_moments(
            self.calibration,
            lambda batch: ffn.read(batch.states.slim),
            self._ffn_target(number),
            layer=number,
        )
        solve_fill(fill, moments)

    def _ffn_target(self, number: int) -> Target:
        return Target(
            lambda batch: batch.states.ffn_sum - batch.states.slim,
            lambda batch: batch.ffn_weights(number),
        )
