"""Closed-form repair of a cut model, from texts alone and without training.

Layers are repaired from the bottom up. The inputs of each map that is solved come from the slim
model as repaired so far, the targets from the base, so that later layers make up for the error of
earlier ones (asymmetric reconstruction, Zhang et al. 2015, arXiv 1505.06798). Each map is a
weighted ridge regression that is pulled towards the weights from before. Hidden states are kept at
the current boundary, so that each layer of each model runs once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.data.task import Batch
from bertslim.model.families import FAMILIES, SLIM_PREFIX
from bertslim.progress import Progress
from bertslim.ranks import Ranks
from bertslim.recipe.schema import Recipe
from bertslim.records import ModelFacts, Plan, Repair
from bertslim.repair.calibration import open_calibration
from bertslim.repair.head_scale import fit_head_scale, has_scale
from bertslim.repair.hidden_states import MEMORY_BUDGET, hidden_state_room
from bertslim.repair.layer_repair import Walk
from bertslim.repair.scope import Scope
from bertslim.repair.shared_ffn import solve_shared


def reconstruct(
    base: PreTrainedModel,
    slim: PreTrainedModel,
    recipe: Recipe,
    plan: Plan,
    batches: Sequence[Batch],
    facts: ModelFacts,
    *,
    sensitivity: Sequence[Tensor] | None = None,
    memory_budget: int = MEMORY_BUDGET,
    ranks: Ranks | None = None,
    seed: int,
    progress: Progress,
) -> tuple[Repair, ...]:
    """Repair a slim model in place; its parameters are replaced, so that the base may share them.

    Args:
        base: The model before the cut, in eval mode.
        slim: The model after it, in eval mode.
        recipe: What was cut, and how far the repair goes.
        plan: What the recipe made of the model.
        batches: The calibration texts.
        facts: The shape of the base.
        sensitivity: How much the base's outputs mind each token, batch by batch: (layers, 2,
            sequences, length) as `survey` has it; None: tokens count by variance alone.
        memory_budget: Bytes of hidden states to hold in memory; the rest goes to disk.
        ranks: The processes that share the texts, each with all of `batches`; None: this one alone.
        seed: Settles which texts are held out to choose ridges on.
        progress: Shows the layers.

    Returns:
        What was solved, in order, with its held-out error before and after.

    Raises:
        DataError: There are fewer than two texts, or fewer batches than processes.
        ModelError: A model's activations are not finite.
    """
    family = FAMILIES[base.config.model_type.removeprefix(SLIM_PREFIX)]
    scope, ranks = Scope.of(recipe, plan), ranks or Ranks()
    shares = None if sensitivity is None else ranks.share(sensitivity)
    moved = False
    with torch.no_grad(), hidden_state_room(memory_budget) as room:
        texts = open_calibration(base, family, batches, room, seed=seed, ranks=ranks)
        walk = Walk(base, slim, plan, family, texts, scope, shares, ranks)
        done = solve_shared(walk)
        for row in progress.track(plan.layers, "repairing", total=len(plan.layers), unit="layer"):
            step = walk.step(row, moved=moved)
            step.run()
            done += step.done
            moved = moved or scope.changes(row)
        if moved and scope.head and has_scale(base, facts):
            mine = ranks.share(batches)
            done.append(fit_head_scale(base, slim, family, mine, texts, facts, ranks))
    return tuple(done)
