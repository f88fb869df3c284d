"""The repair of one layer: which of its maps are solved anew, from what, towards what."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor, nn

from bertslim.model.layer import Layer
from bertslim.records import LayerFacts, LayerPlan, Repair
from bertslim.repair.affine_maps import affine_of, identity, set_affine
from bertslim.repair.block_refinement import refine_attention, refine_ffn
from bertslim.repair.calibration import CalibrationBatch
from bertslim.repair.context import RepairContext
from bertslim.repair.ffn_maps import (
    output_inputs,
    output_part,
    solve_fill,
    solve_output,
)
from bertslim.repair.gain import fit_gain
from bertslim.repair.ridge import RidgeFit
from bertslim.repair.split_moments import SplitMoments, Target, Values, gather_moments
from bertslim.surgery.layer_surgery import multiply_ffn


@dataclass
class LayerRepair:
    """Brings the texts through one layer of both models, and repairs the slim one's layer.

    Attributes:
        context: What the repairs of all layers have in common.
        row: What the layer becomes.
        moved: Whether the slim model's states differ from the base's below the layer.
        repairs: What is solved so far.
    """

    context: RepairContext
    row: LayerPlan
    moved: bool
    repairs: list[Repair] = field(default_factory=list)

    def run(self) -> list[Repair]:
        """Repair the layer; the texts stand above it afterwards.

        Returns:
            What was solved, in order.

        Raises:
            ModelError: Activations are not finite.
        """
        if self.row.after is None:
            self._run_base()
        elif self.moved or self.context.scope.changes(self.row):
            self._repair()
        else:
            self._run_base()
            for batch in self._batches:
                batch.states.slim.copy_(batch.states.base)
        return self.repairs

    def _repair(self) -> None:
        attention = self.slim.attention
        if attention.is_present and self.moved and self.context.scope.inputs:
            self._solve_attention_inputs()
        self._run_base_attention()
        if self._attention_fills:
            self._run_base_ffn()
        if self._attention_repeats:
            for batch in self._batches:
                batch.states.slim.copy_(self._between(batch))
        elif attention.is_present:
            self._repair_attention_output()
        else:
            for batch in self._batches:
                batch.states.slim.copy_(attention.normalise(batch.states.slim))
        if not self._attention_fills:
            self._run_base_ffn()
        self._repair_ffn()
        for batch in self._batches:
            batch.states.slim.copy_(self.slim.ffn.run(batch.states.slim))

    def _run_base(self) -> None:
        self._run_base_attention()
        self._run_base_ffn()

    def _run_base_attention(self) -> None:
        for batch in self._batches:
            batch.run_base_attention(self.base, self.row.layer)

    def _run_base_ffn(self) -> None:
        for batch in self._batches:
            batch.run_base_ffn(self.base)

    def _solve_attention_inputs(self) -> None:
        base, slim = self.base.attention, self.slim.attention
        self._solve_inputs(
            "attention inputs",
            lambda batch: slim.read(batch.states.slim),
            lambda batch: base.read(batch.states.base),
            slim.inputs_of_states,
        )

    def _solve_ffn_input(self) -> None:
        base, slim = self.base.ffn, self.slim.ffn
        self._solve_inputs(
            "FFN inputs",
            lambda batch: slim.read(batch.states.slim),
            lambda batch: base.read(self._between(batch)),
            slim.inputs,
        )

    def _solve_inputs(
        self, part: str, slim_states: Values, base_states: Values, maps: list[nn.Linear]
    ) -> None:
        """Let maps put out for the slim states what they put out for the base's.

        The targets are an affine map of the base's states, so that what comes nearest to them is
        that map composed with the one that brings the slim states nearest to the base's.
        """
        target = Target(base_states, CalibrationBatch.equal_weights)
        moments = self._moments(slim_states, target).for_maps(*maps)
        solved = moments.solve(identity(maps[0].in_features))
        if solved.ridge is not None:
            set_affine(affine_of(*maps).compose(solved.affine), *maps)
        self._record(part, solved)

    def _repair_attention_output(self) -> None:
        """Solve the output map of attention where that is in scope; run it on the texts."""
        attention = self.slim.attention
        width = attention.output.in_features

        def context(batch: CalibrationBatch) -> Tensor:
            """Use the buffer of the base's sum that is not needed any more, or not yet."""
            states = batch.states
            buffer = states.attention_sum if self._attention_fills else states.ffn_sum
            return buffer[..., :width]

        def work_out_context() -> None:
            for batch in self._batches:
                given = batch.given[self.row.layer]
                context(batch).copy_(attention.context(batch.states.slim, given))

        work_out_context()
        in_scope = self._attention_fills or self._attention_changed
        if in_scope or (self.moved and self.context.scope.outputs):
            target = _less_residual(self._attention_target())
            moments = self._moments(context, target).for_maps(attention.output)
            solved = moments.solve(affine_of(attention.output))
            set_affine(solved.affine, attention.output)
            self._record("attention output", solved)
            if in_scope and self.context.refinement is not None:
                self._refine_attention(target)
                work_out_context()
        for batch in self._batches:
            joined = attention.join(batch.states.slim, context(batch))
            batch.states.slim.copy_(attention.normalise(joined))

    def _refine_attention(self, target: Target) -> None:
        """Fit all maps of the attention block together."""
        refined = refine_attention(
            self.context,
            self.slim.attention,
            target,
            layer=self.row.layer,
            target_block="ffn" if self._attention_fills else "attention",
        )
        self.repairs.append(refined)

    def _attention_target(self) -> Target:
        """Return what the slim layer's sum of attention and residual should be.

        Attention that makes up for the FFN block feeds the norm after that block. Without a norm
        after it the sum is the output of that norm in the base. Where norms stand before blocks,
        the sum is the residual stream itself, and the norms above weigh its tokens.
        """
        if self._attention_fills:
            return self._ffn_target()
        if self._norm_gone(self.row.before.attention_norm, self._after.attention_norm):
            return Target(self._between, CalibrationBatch.equal_weights)
        return Target(
            lambda batch: batch.states.attention_sum,
            lambda batch: batch.attention_weights(self.row.layer),
        )

    def _norm_gone(self, before: bool, after: bool) -> bool:
        """Whether the recipe deletes the norm after a sum."""
        return before and not after and not self.context.base.facts.form.norms_before

    def _ffn_target(self) -> Target:
        """Return what the slim layer's sum of FFN and residual should be."""
        if self._norm_gone(self.row.before.ffn_norm, self._after.ffn_norm):
            return Target(lambda batch: batch.states.base, CalibrationBatch.equal_weights)
        return Target(
            lambda batch: batch.states.ffn_sum,
            lambda batch: batch.ffn_weights(self.row.layer),
        )

    def _repair_ffn(self) -> None:
        """Solve the maps of the FFN block, or what fills its place, where they are in scope."""
        scope, after, before = self.context.scope, self._after, self.row.before
        changed = (after.intermediate_size, after.linear_rank) != (
            before.intermediate_size,
            before.linear_rank,
        )
        moved = self.moved or self._attention_changed
        given = self.row.layer in scope.given_gains
        in_scope = (changed or (moved and scope.outputs)) and not given
        if self.row.layer in scope.fitted_gains:
            self._solve_gain()
        elif scope.giver(self.row) is not None or not in_scope:
            return
        elif after.intermediate_size:
            if moved and scope.inputs:
                self._solve_ffn_input()
            self._solve_ffn_output()
            if changed:
                self._refine_ffn()
        elif after.linear_rank:
            self._solve_fill()

    def _solve_ffn_output(self) -> None:
        """Solve the second map of the FFN block, and a bypass with it."""
        ffn = self.slim.ffn
        moments = self._ffn_moments(lambda batch: output_inputs(ffn, batch.states.slim))
        self._record(output_part(ffn), solve_output(ffn, moments))

    def _refine_ffn(self) -> None:
        """Fit all maps of the narrowed FFN block together, where that is wanted."""
        if self.context.refinement is not None:
            target = _less_residual(self._ffn_target())
            refined = refine_ffn(self.context, self.slim.ffn, target, layer=self.row.layer)
            self.repairs.append(refined)

    def _solve_fill(self) -> None:
        """Solve the linear map that stands in the FFN block's place."""
        ffn = self.slim.ffn
        fill = ffn.linear_map
        assert fill is not None  # noqa: S101
        moments = self._ffn_moments(lambda batch: ffn.read(batch.states.slim))
        self._record("linear fill", solve_fill(fill, moments))

    def _solve_gain(self) -> None:
        """Solve the number that the FFN output is multiplied by: sum w <y, y*> / sum w <y, y>."""
        ffn, layer = self.slim.ffn, self.row.layer
        fitted = fit_gain(
            self.context.calibration,
            lambda batch: ffn.update(batch.states.slim),
            _less_residual(self._ffn_target()),
            layer=layer,
        )
        multiply_ffn(ffn, fitted.gain)
        self.repairs.append(
            Repair(
                layer=layer,
                part="FFN gain",
                factor=fitted.gain,
                before=fitted.before,
                after=fitted.after,
            )
        )

    def _ffn_moments(self, inputs: Values) -> SplitMoments:
        return self._moments(inputs, _less_residual(self._ffn_target()))

    def _moments(self, inputs: Values, target: Target) -> SplitMoments:
        return gather_moments(self.context.calibration, inputs, target, layer=self.row.layer)

    def _record(self, part: str, fit: RidgeFit) -> None:
        self.repairs.append(fit.recorded(self.row.layer, part))

    @cached_property
    def base(self) -> Layer:
        """The base's layer."""
        return self.context.base_layer(self.row.layer)

    @cached_property
    def slim(self) -> Layer:
        """The slim model's layer, where it is not deleted."""
        slim = self.context.slim_layer(self.row.layer)
        assert slim is not None  # noqa: S101
        return slim

    def _between(self, batch: CalibrationBatch) -> Tensor:
        """Return the base's states between the two blocks of the layer."""
        return self.base.attention.normalise(batch.states.attention_sum)

    @property
    def _batches(self) -> list[CalibrationBatch]:
        return list(self.context.calibration.batches)

    @property
    def _after(self) -> LayerFacts:
        assert self.row.after is not None  # noqa: S101
        return self.row.after

    @property
    def _attention_fills(self) -> bool:
        """Whether the layer's attention makes up for its FFN block."""
        return self.row.layer in self.context.scope.attention_fills

    @property
    def _attention_repeats(self) -> bool:
        """Whether the attention block puts out what the base's does: it is the same, for the same.

        So it is in the lowest layer that a recipe changes, if it changes the FFN block alone.
        """
        same_norm = self._after.attention_norm == self.row.before.attention_norm
        changes = self.moved or self._attention_changed or self._attention_fills
        return same_norm and not changes and self.slim.attention.is_present

    @property
    def _attention_changed(self) -> bool:
        return self._after.heads != self.row.before.heads


def _less_residual(sums: Target) -> Target:
    """Return the target of a block from that of its sum with the slim model's residual."""
    return Target(lambda batch: sums.values(batch) - batch.states.slim, sums.weights)
