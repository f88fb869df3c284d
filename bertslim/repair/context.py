"""What the repairs of all layers have in common."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.model.checkpoint import Checkpoint
from bertslim.model.layer import Layer, model_layers
from bertslim.records import BLOCKS, Block, Plan
from bertslim.repair.calibration import Calibration
from bertslim.repair.refinement import Refinement
from bertslim.repair.scope import Scope
from bertslim.surgery.output_metric import output_metric


@dataclass(frozen=True)
class RepairContext:
    """Both models, the plan between them and the texts to repair from.

    Attributes:
        base: The model before the cut.
        slim: The model after it; its maps are replaced as they are solved.
        plan: What each layer of the base becomes.
        scope: Which maps may be solved anew.
        calibration: The texts, at the current layer.
        refinement: How all maps of a block are fitted together once its output map is solved; None:
            they are not.
        gradient_moments: What that measures errors by, as `Survey` has them; None: all directions
            count alike.
    """

    base: Checkpoint
    slim: PreTrainedModel
    plan: Plan
    scope: Scope
    calibration: Calibration
    refinement: Refinement | None = None
    gradient_moments: Tensor | None = None

    def metric(self, number: int, block: Block, size: int) -> Tensor:
        """Return the metric of the output of a layer's block, (hidden_size, hidden_size)."""
        if self.gradient_moments is None:
            return torch.eye(size, dtype=torch.float64)
        return output_metric(self.gradient_moments[number, BLOCKS.index(block)])

    def base_layer(self, number: int) -> Layer:
        """Return a layer of the base."""
        return self.base.layers[number]

    def slim_layer(self, number: int) -> Layer | None:
        """Return the slim layer that a layer of the base becomes; None where it is deleted."""
        slim_number = self.plan.layers[number].slim_layer
        return None if slim_number is None else model_layers(self.slim)[slim_number]
