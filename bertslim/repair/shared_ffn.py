"""The repair of FFN blocks that serve several layers: one second map, solved from all of them."""

from __future__ import annotations

from torch import Tensor

from bertslim.model.layer import FfnBlock, Layer
from bertslim.records import Repair
from bertslim.repair.calibration import CalibrationBatch
from bertslim.repair.context import RepairContext
from bertslim.repair.ffn_maps import output_inputs, output_part, solve_output
from bertslim.repair.split_moments import SplitMoments, Target, gather_moments


def solve_shared(context: RepairContext) -> list[Repair]:
    """Solve the second map of each shared FFN block from the states of its layers in the base.

    A shared map cannot wait for the slim states of its highest layer, since they depend on it; so
    the inputs are the base's here. The texts stand before the first layer again afterwards.
    """
    if not context.scope.givers:
        return []
    moments: dict[int, SplitMoments] = {}
    batches = context.calibration.batches
    for row in context.plan.layers:
        layer = context.base_layer(row.layer)
        for batch in batches:
            batch.run_base_attention(layer, row.layer)
            batch.run_base_ffn(layer)
        giver = context.scope.giver(row)
        if giver is not None:
            own = _moments(context, layer, row.layer, _block(context, giver))
            moments[giver] = moments[giver].merged(own) if giver in moments else own
    for batch in batches:
        batch.states.base.copy_(batch.states.slim)
    return [_solve(_block(context, giver), giver, total) for giver, total in moments.items()]


def _moments(context: RepairContext, layer: Layer, number: int, block: FfnBlock) -> SplitMoments:
    """Take the moments of a layer of the base, its neurons being those of the shared block."""

    def between(batch: CalibrationBatch) -> Tensor:
        return layer.attention.normalise(batch.states.attention_sum)

    return gather_moments(
        context.calibration,
        lambda batch: output_inputs(block, between(batch)),
        Target(
            lambda batch: batch.states.ffn_sum - between(batch),
            lambda batch: batch.ffn_weights(number),
        ),
        layer=number,
    )


def _solve(block: FfnBlock, layer: int, moments: SplitMoments) -> Repair:
    return solve_output(block, moments).recorded(layer, f"shared {output_part(block)}")


def _block(context: RepairContext, giver: int) -> FfnBlock:
    """Return the shared block of the slim layer that gives it; the plan refuses to delete it."""
    layer = context.slim_layer(giver)
    assert layer is not None  # noqa: S101
    return layer.ffn
