"""The repair of FFN blocks that serve several layers: one second map, solved from all of them."""

from __future__ import annotations

from bertslim.model.slim_modeling import layers_of, linear_of
from bertslim.records import Plan, Repair
from bertslim.surgery.ffn_maps import output_inputs, solve_output
from bertslim.surgery.layer_parts import LayerParts
from bertslim.surgery.layer_repair import LayerRepair, Walk
from bertslim.surgery.regression import Regression, regression


def solve_shared(walk: Walk, plan: Plan) -> list[Repair]:
    """Solve the second map of each shared FFN block from what its layers get and say in the base.

    A shared map cannot wait for the slim states of its highest layer, since they depend on it; so
    the inputs are the base's here. The texts stand before the first layer again afterwards.
    """
    if not walk.scope.givers:
        return []
    found: dict[int, Regression] = {}
    for row in plan.layers:
        step = walk.step(row, moved=False, base_only=True)
        step.run()
        giver = walk.scope.giver(row)
        if giver is not None:
            one = _regression(walk, step, _slim_layer(walk, plan, giver))
            found[giver] = found[giver].merged(one) if giver in found else one
    for text in walk.texts:
        text.base.copy_(text.slim)
    return [_solve(_slim_layer(walk, plan, giver), giver, one) for giver, one in found.items()]


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
    bypassed = linear_of(block.layer, block.family) is not None
    solved = solve_output(block, found)
    return Repair(
        layer=layer,
        part="shared FFN output and bypass" if bypassed else "shared FFN output",
        ridge=solved.ridge,
        before=solved.before,
        after=solved.after,
    )


def _slim_layer(walk: Walk, plan: Plan, number: int) -> LayerParts:
    """Return the slim layer that a layer of the base became."""
    slim = {row.layer: row.slim_layer for row in plan.layers}[number]
    assert slim is not None  # noqa: S101
    return LayerParts(layers_of(walk.slim, walk.family)[slim], walk.family)
