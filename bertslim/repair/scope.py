"""Which maps of which layers a repair may solve anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bertslim.recipe.operations import Operation
from bertslim.recipe.plan import CutPlan
from bertslim.recipe.schema import Reconstruct
from bertslim.records import LayerPlan


@dataclass(frozen=True)
class Scope:
    """How far a repair goes.

    Attributes:
        options: The section `reconstruct` of the recipe.
        attention_fills: Layers whose attention makes up for their FFN block, by number in the base.
        fitted_gains: Layers whose FFN output gets a gain that is solved.
        given_gains: Layers whose FFN output gets a given gain, which a solved output would undo.
        givers: Of each layer that uses another's FFN block, the layer that gives it.
    """

    options: Reconstruct
    attention_fills: frozenset[int]
    fitted_gains: frozenset[int]
    given_gains: frozenset[int]
    givers: dict[int, int]

    @classmethod
    def of(cls, plan: CutPlan) -> Scope:
        """Read the scope from a recipe with `reconstruct` that is worked out for a model."""
        rows = plan.record.layers
        in_base = {row.slim_layer: row.layer for row in rows}

        def layers_where(holds: Callable[[Operation], bool]) -> frozenset[int]:
            return frozenset(
                number for step in plan.steps if holds(step.operation) for number in step.layers
            )

        return cls(
            options=plan.recipe.reconstruct or Reconstruct(),
            attention_fills=layers_where(lambda operation: operation.fills_with_attention),
            fitted_gains=layers_where(lambda operation: operation.fits_gain),
            given_gains=layers_where(lambda operation: operation.sets_gain),
            givers={
                row.layer: in_base[row.after.ffn_of]
                for row in rows
                if row.after is not None and row.after.ffn_of is not None
            },
        )

    @property
    def outputs(self) -> bool:
        """Whether the output maps of blocks that are left alone may be solved anew."""
        return self.options.refit in ("outputs", "all")

    @property
    def inputs(self) -> bool:
        """Whether the input maps of blocks may be solved anew."""
        return self.options.refit == "all"

    @property
    def head(self) -> bool:
        """Whether the logits may be scaled."""
        return self.options.head == "scale"

    def changes(self, row: LayerPlan) -> bool:
        """Whether the recipe does something to a layer."""
        return bool(row.actions)

    def giver(self, row: LayerPlan) -> int | None:
        """Return the layer whose FFN block the layer uses, if that serves several; maybe its own.

        By number in the base.
        """
        own = row.layer if row.layer in self.givers.values() else None
        return self.givers.get(row.layer, own)
