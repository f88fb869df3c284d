"""Repair of a cut model, from texts alone: in closed form, and by local refinement on request.

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
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.ranks import Ranks
from bertslim.recipe.plan import CutPlan
from bertslim.records import Repair
from bertslim.repair.calibration import open_calibration
from bertslim.repair.context import RepairContext
from bertslim.repair.head_scale import fit_head_scale, has_scale
from bertslim.repair.hidden_states import MEMORY_BUDGET, hidden_state_room
from bertslim.repair.layer_repair import LayerRepair
from bertslim.repair.refinement import Refinement
from bertslim.repair.scope import Scope
from bertslim.repair.shared_ffn import solve_shared


def reconstruct(
    base: Checkpoint,
    slim: PreTrainedModel,
    plan: CutPlan,
    batches: Sequence[Batch],
    *,
    sensitivity: Sequence[Tensor] | None = None,
    gradient_moments: Tensor | None = None,
    memory_budget: int = MEMORY_BUDGET,
    ranks: Ranks | None = None,
    seed: int,
    progress: Progress,
) -> tuple[Repair, ...]:
    """Repair a slim model in place; its parameters are replaced, so that the base may share them.

    Args:
        base: The model before the cut, in eval mode.
        slim: The model after it, in eval mode.
        plan: The recipe, worked out for the base: what was cut, and how far the repair goes.
        batches: The calibration texts.
        sensitivity: Of the base's outputs to each token, batch by batch: (layers, 2, sequences,
            length) as `survey` has it; None: tokens count by variance alone.
        gradient_moments: Of the base's outputs, as `survey` has them, which decide what error
            `refine` goes by; None: all directions count alike.
        memory_budget: Bytes of hidden states to hold in memory; the rest goes to disk.
        ranks: The processes that share the texts, each with all of `batches`; None: this one alone.
        seed: Settles which texts are held out, and which tokens are drawn to refine on.
        progress: Shows the layers.

    Returns:
        What was solved, in order, with its held-out error before and after.

    Raises:
        DataError: There are fewer than two texts, or fewer batches than processes.
        ModelError: A model's activations are not finite.
    """
    with torch.no_grad(), hidden_state_room(memory_budget) as room:
        calibration = open_calibration(
            base.model,
            batches,
            room,
            sensitivity=sensitivity,
            seed=seed,
            ranks=ranks or Ranks(),
        )
        scope = Scope.of(plan)
        steps = scope.options.refine
        context = RepairContext(
            base,
            slim,
            plan.record,
            scope,
            calibration,
            refinement=Refinement(steps, seed, progress) if steps else None,
            gradient_moments=gradient_moments,
        )
        return tuple(_repair(context, progress))


def _repair(context: RepairContext, progress: Progress) -> list[Repair]:
    """Repair shared FFN blocks, then the layers from the bottom up, then the head."""
    repairs = solve_shared(context)
    rows, moved = context.plan.layers, False
    for row in progress.track(rows, "repairing", total=len(rows), unit="layer"):
        repairs += LayerRepair(context, row, moved=moved).run()
        moved = moved or context.scope.changes(row)
    if moved and context.scope.head and has_scale(context.base):
        repairs.append(fit_head_scale(context))
    return repairs
