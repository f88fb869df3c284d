"""The repair of FFN blocks that serve several layers: one second map, solved from all of them."""

from __future__ import annotations

from bertslim.model.layer import LayerParts
from bertslim.records import Repair
from bertslim.repair.ffn_maps import output_inputs, output_part, solve_output
from bertslim.repair.layer_repair import LayerRepair, Walk
from bertslim.repair.regression import Regression, regression


def solve_shared(walk: Walk) -> list[Repair]:
    """Solve the second map of each shared FFN block from what its layers get and say in the base.

    A shared map cannot wait for the slim states of its highest layer, since they depend on it; so
    the inputs are the base's here. The texts stand before the first layer again afterwards.
    """
    if not walk.scope.givers:
        return []
    found: dict[int, Regression] = {}
    for row in walk.plan.layers:
        step = walk.step(row, moved=False, base_only=True)
        step.run()
        giver = walk.scope.giver(row)
        if giver is not None:
            one = _regression(walk, step, _block(walk, giver))
            found[giver] = found[giver].merged(one) if giver in found else one
    for text in walk.texts:
        text.base.copy_(text.slim)
    return [_solve(_block(walk, giver), giver, one) for giver, one in found.items()]


def _regression(walk: Walk, step: LayerRepair, block: LayerParts) -> Regression:
    """Take the moments of a layer of the base, its neurons being those of the shared block."""
    return regression(
        walk.texts,
        lambda text: output_inputs(block, step.base.inner(text.attended)),
        lambda text: text.summed - step.base.inner(text.attended),
        step.token_weights(1),
        layer=step.row.layer,
        ranks=walk.ranks,
    )


def _solve(block: LayerParts, layer: int, found: Regression) -> Repair:
    return solve_output(block, found).recorded(layer, f"shared {output_part(block)}")


def _block(walk: Walk, giver: int) -> LayerParts:
    """Return the slim layer that gives a shared block; the plan refuses to delete it."""
    block = walk.slim_layer(giver)
    assert block is not None  # noqa: S101
    return block
