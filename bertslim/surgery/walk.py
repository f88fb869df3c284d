"""The way of the calibration texts through both models, from the first layer to the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from transformers import PreTrainedModel

from bertslim.model.families import Family
from bertslim.model.slim_modeling import layers_of
from bertslim.ranks import Ranks
from bertslim.records import LayerPlan, Plan
from bertslim.surgery.calibration import CalibrationBatch
from bertslim.surgery.layer_parts import LayerParts
from bertslim.surgery.layer_repair import LayerRepair
from bertslim.surgery.scope import Scope


@dataclass(frozen=True)
class Walk:
    """What the repairs of all layers have in common.

    Attributes:
        base: The base.
        slim: The slim model.
        plan: What became of each layer.
        family: Their family.
        texts: The calibration texts that fall to this process.
        scope: Which maps may be solved anew.
        sensitivity: Of the base's outputs, (layers, 2, sequences, length) a batch; None: not known.
        ranks: The processes that share the texts.
    """

    base: PreTrainedModel
    slim: PreTrainedModel
    plan: Plan
    family: Family
    texts: Sequence[CalibrationBatch]
    scope: Scope
    sensitivity: Sequence[Tensor] | None
    ranks: Ranks

    def step(self, row: LayerPlan, *, moved: bool, base_only: bool = False) -> LayerRepair:
        """Return the repair of one layer, or its pass through the base alone."""
        given = self.sensitivity
        return LayerRepair(
            row=row,
            base=LayerParts(layers_of(self.base, self.family)[row.layer], self.family),
            slim=None if base_only else self.slim_layer(row.layer),
            texts=self.texts,
            scope=self.scope,
            sensitivity=None if given is None else [one[row.layer] for one in given],
            ranks=self.ranks,
            moved=moved,
        )

    def slim_layer(self, number: int) -> LayerParts | None:
        """Return what a layer of the base became; None where it is deleted."""
        slim = self.plan.layers[number].slim_layer
        return (
            None
            if slim is None
            else LayerParts(layers_of(self.slim, self.family)[slim], self.family)
        )
