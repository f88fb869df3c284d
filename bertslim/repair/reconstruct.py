"""Repair of a cut model, from texts alone: in closed form, and by local refinement on request.

Layers are repaired from the bottom up. The inputs of each map that is solved come from the slim
model as repaired so far, the targets from the base, so that later layers make up for the error of
earlier ones (asymmetric reconstruction, Zhang et al. 2015, arXiv 1505.06798). Each map is a
weighted ridge regression that is pulled towards the weights from before. Hidden states are kept at
the current boundary, so that each layer of each model runs once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.data.task import Batch
from bertslim.model.checkpoint import Checkpoint
from bertslim.model.layer import passes_of
from bertslim.progress import Progress
from bertslim.ranks import Ranks
from bertslim.recipe.plan import CutPlan
from bertslim.records import Repair
from bertslim.repair.calibration import Calibration, Starts, open_calibration
from bertslim.repair.context import RepairContext
from bertslim.repair.head_scale import fit_head_scale, has_scale
from bertslim.repair.hidden_states import MEMORY_BUDGET, hidden_state_room
from bertslim.repair.layer_repair import LayerRepair
from bertslim.repair.refinement import Refinement
from bertslim.repair.repeated_layers import FinalStates, PassStates
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
    texts = _Texts(batches, sensitivity, memory_budget, ranks or Ranks(), seed)
    scope = Scope.of(plan)
    steps = scope.options.refine
    context = partial(
        RepairContext,
        base,
        slim,
        plan.record,
        scope,
        refinement=Refinement(steps, seed, progress) if steps else None,
        gradient_moments=gradient_moments,
    )
    if passes_of(base.model) == 1:
        with texts.opened(base.model) as calibration:
            repaired = context(calibration)
            return (*_repair_layers(repaired, progress), *_repair_head(repaired))
    with texts.opened(base.model, PassStates(base.model, base.model)) as calibration:
        _repair_layers(context(calibration, refinement=None), progress)
    with texts.opened(base.model, PassStates(base.model, slim)) as calibration:
        repairs = _repair_layers(context(calibration), progress, moved=True)
    with texts.opened(base.model, FinalStates(base.model, slim)) as calibration:
        return (*repairs, *_repair_head(context(calibration)))


@dataclass(frozen=True)
class _Texts:
    """The calibration texts, and how they are opened; the attributes as `reconstruct` has them."""

    batches: Sequence[Batch]
    sensitivity: Sequence[Tensor] | None
    memory_budget: int
    ranks: Ranks
    seed: int

    @contextmanager
    def opened(self, model: PreTrainedModel, starts: Starts | None = None) -> Iterator[Calibration]:
        """Bring them to where they start, without gradients, in room for their hidden states."""
        with torch.no_grad(), hidden_state_room(self.memory_budget) as room:
            yield open_calibration(
                model,
                self.batches,
                room,
                starts=starts,
                sensitivity=self.sensitivity,
                seed=self.seed,
                ranks=self.ranks,
            )


def _repair_layers(
    context: RepairContext, progress: Progress, *, moved: bool = False
) -> list[Repair]:
    """Repair shared FFN blocks, then the layers from the bottom up.

    Args:
        context: The texts are before the first layer.
        progress: Shows the layers.
        moved: Whether the states of the models differ there.
    """
    repairs = [] if moved else solve_shared(context)
    rows = context.plan.layers
    for row in progress.track(rows, "repairing", total=len(rows), unit="layer"):
        repairs += LayerRepair(context, row, moved=moved).run()
        moved = moved or context.scope.changes(row)
    return repairs


def _repair_head(context: RepairContext) -> list[Repair]:
    """Scale the head where that is in scope; the texts are above the last layer."""
    changed = any(map(context.scope.changes, context.plan.layers))
    if changed and context.scope.head and has_scale(context.base):
        return [fit_head_scale(context)]
    return []
