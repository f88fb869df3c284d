"""The repair of one layer: which of its maps are solved anew, from what, towards what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn
from transformers import PreTrainedModel

from bertslim.model.families import Family
from bertslim.model.layer import LayerParts
from bertslim.model.slim_modeling import ffn_of, layers_of, linear_of
from bertslim.ranks import Ranks
from bertslim.records import LayerPlan, Plan, Repair
from bertslim.repair.affine_maps import affine_of, identity, set_affine
from bertslim.repair.calibration import CalibrationBatch
from bertslim.repair.ffn_maps import output_inputs, output_part, solve_fill, solve_output
from bertslim.repair.gain import fit_gain
from bertslim.repair.regression import Regression, Values, regression
from bertslim.repair.ridge import RidgeFit
from bertslim.repair.scope import Scope
from bertslim.repair.token_weights import equal_weights, token_weights
from bertslim.surgery.operations import multiply_ffn


@dataclass
class LayerRepair:
    """Brings the texts through one layer of both models, and repairs the slim one's on the way.

    Attributes:
        row: What became of the layer.
        base: The base's layer.
        slim: The slim model's; None where it is deleted.
        texts: The calibration texts; their states are those below the layer, then those above.
        scope: Which maps may be solved anew.
        sensitivity: Of the base's outputs to the layer's two sums, (2, sequences, length) a batch.
        ranks: The processes that share the texts.
        moved: Whether the slim model's states differ from the base's below the layer.
        done: What was solved.
    """

    row: LayerPlan
    base: LayerParts
    slim: LayerParts | None
    texts: Sequence[CalibrationBatch]
    scope: Scope
    sensitivity: Sequence[Tensor] | None
    ranks: Ranks
    moved: bool
    done: list[Repair] = field(default_factory=list)

    def run(self) -> None:
        """Repair the layer; the texts stand behind it afterwards.

        Raises:
            ModelError: Activations are not finite.
        """
        if self.slim is None:
            self._run_base()
        elif self.moved or self.scope.changes(self.row):
            self._repair(self.slim)
        else:
            self._run_base()
            for text in self.texts:
                text.slim.copy_(text.base)

    def _run_base(self) -> None:
        self._run_base_attention()
        self._run_base_ffn()

    def _run_base_attention(self) -> None:
        for text in self.texts:
            base = self.base
            context = base.context(text.base, text.given) if base.has_attention else None
            text.attended.copy_(base.attended(text.base, context))

    def _run_base_ffn(self) -> None:
        for text in self.texts:
            inner = self.base.inner(text.attended)
            text.summed.copy_(inner + self.base.block(inner))
            text.base.copy_(self.base.output(text.summed))

    def _repair(self, slim: LayerParts) -> None:
        if slim.has_attention and self.moved and self.scope.inputs:
            self._solve_inputs("attention inputs", lambda text: text.base, *slim.attention_in)
        self._run_base_attention()
        if self._attention_fills:
            self._run_base_ffn()
        if slim.has_attention:
            self._repair_attention_out(slim)
        else:
            for text in self.texts:
                text.slim.copy_(slim.inner(text.slim))
        if not self._attention_fills:
            self._run_base_ffn()
        self._repair_ffn(slim)
        for text in self.texts:
            text.slim.copy_(slim.output(text.slim + slim.block(text.slim)))

    def _solve_inputs(self, part: str, base_states: Values, *maps: nn.Linear) -> None:
        """Let maps say of the slim states what they said of the base's.

        The targets are an affine map of the base's states, so that what comes nearest to them is
        that map behind the one that brings the slim states nearest to the base's.
        """
        found = self._regression(lambda text: text.slim, base_states, self._equal_weights())
        solved = found.solve(identity(maps[0].in_features))
        if solved.ridge is not None:
            set_affine(affine_of(*maps).behind(solved.affine), *maps)
        self._note(part, solved)

    def _repair_attention_out(self, slim: LayerParts) -> None:
        """Solve the output map of attention where that is in scope; bring the texts behind it."""
        width = slim.attention_out.in_features

        def context(text: CalibrationBatch) -> Tensor:
            """Stand in for the base's sum that is not needed any more, or not yet."""
            room = text.attended if self._attention_fills else text.summed
            return room[..., :width]

        for text in self.texts:
            context(text).copy_(slim.context(text.slim, text.given))
        in_scope = self._attention_fills or self._attention_changed
        if in_scope or (self.moved and self.scope.outputs):
            sums, weights = self._sum_behind_attention()
            found = self._regression(context, lambda text: sums(text) - text.slim, weights).solve(
                affine_of(slim.attention_out)
            )
            set_affine(found.affine, slim.attention_out)
            self._note("attention output", found)
        for text in self.texts:
            text.slim.copy_(slim.inner(slim.attended(text.slim, context(text))))

    def _sum_behind_attention(self) -> tuple[Values, list[Tensor]]:
        """Return what the slim layer's sum behind attention should be, and how tokens count.

        Attention that makes up for the FFN block feeds the LayerNorm behind that block. Without a
        LayerNorm of its own the sum is what that LayerNorm made of it.
        """
        if self._attention_fills:
            return self._sum_behind_ffn()
        assert self.row.after is not None  # noqa: S101
        if self.row.before.attention_norm and not self.row.after.attention_norm:
            return (lambda text: self.base.inner(text.attended)), self._equal_weights()
        return (lambda text: text.attended), self.token_weights(0)

    def _sum_behind_ffn(self) -> tuple[Values, list[Tensor]]:
        assert self.row.after is not None  # noqa: S101
        if self.row.before.ffn_norm and not self.row.after.ffn_norm:
            return (lambda text: text.base), self._equal_weights()
        return (lambda text: text.summed), self.token_weights(1)

    @property
    def _attention_fills(self) -> bool:
        """Whether the layer's attention makes up for its FFN block."""
        return self.row.layer in self.scope.attention_fills

    @property
    def _attention_changed(self) -> bool:
        after = self.row.after
        return after is not None and after.heads != self.row.before.heads

    def _repair_ffn(self, slim: LayerParts) -> None:
        """Solve the maps of the FFN block, or what fills its place, where they are in scope."""
        after = self.row.after
        assert after is not None  # noqa: S101
        changed = (after.intermediate_size, after.linear_rank) != (
            self.row.before.intermediate_size,
            self.row.before.linear_rank,
        )
        moved = self.moved or self._attention_changed
        given = self.row.layer in self.scope.given_gains
        in_scope = (changed or (moved and self.scope.outputs)) and not given
        if self.row.layer in self.scope.fitted_gains:
            self._solve_gain(slim)
        elif self.scope.giver(self.row) is not None or not in_scope:
            return
        elif after.intermediate_size:
            if moved and self.scope.inputs:
                ffn_in, _ = ffn_of(slim.layer, slim.family)
                self._solve_inputs(
                    "FFN inputs", lambda text: self.base.inner(text.attended), ffn_in
                )
            self._solve_ffn_out(slim)
        elif after.linear_rank:
            self._solve_fill(slim)

    def _solve_ffn_out(self, slim: LayerParts) -> None:
        """Solve the second map of the FFN block, and a bypass with it."""
        found = self._behind_ffn(lambda text: output_inputs(slim, text.slim))
        self._note(output_part(slim), solve_output(slim, found))

    def _solve_fill(self, slim: LayerParts) -> None:
        """Solve the linear map that stands in the FFN block's place."""
        fill = linear_of(slim.layer, slim.family)
        assert fill is not None  # noqa: S101
        self._note("linear fill", solve_fill(fill, self._behind_ffn(lambda text: text.slim)))

    def _solve_gain(self, slim: LayerParts) -> None:
        """Solve the number that the FFN output is multiplied by: sum w <y, y*> / sum w <y, y>."""
        sums, weights = self._sum_behind_ffn()
        found = fit_gain(
            self.texts,
            lambda text: slim.block(text.slim),
            lambda text: sums(text) - text.slim,
            weights,
            layer=self.row.layer,
            ranks=self.ranks,
        )
        multiply_ffn(slim.layer, slim.family, found.gain)
        self.done.append(
            Repair(
                layer=self.row.layer,
                part="FFN gain",
                factor=found.gain,
                before=found.before,
                after=found.after,
            )
        )

    def _behind_ffn(self, inputs: Values) -> Regression:
        sums, weights = self._sum_behind_ffn()
        return self._regression(inputs, lambda text: sums(text) - text.slim, weights)

    def _regression(self, inputs: Values, targets: Values, weights: Sequence[Tensor]) -> Regression:
        return regression(
            self.texts, inputs, targets, weights, layer=self.row.layer, ranks=self.ranks
        )

    def _note(self, part: str, found: RidgeFit) -> None:
        self.done.append(found.recorded(self.row.layer, part))

    def _equal_weights(self) -> list[Tensor]:
        return equal_weights([text.slim for text in self.texts])

    def token_weights(self, place: int) -> list[Tensor]:
        """Weigh the tokens of the layer's first or second sum in the base."""
        sums = [(text.attended, text.summed)[place] for text in self.texts]
        given = self.sensitivity
        sensitivity = None if given is None else [one[place] for one in given]
        return token_weights(sums, sensitivity)


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
