"""The maps of a narrowed FFN block, or of a changed attention block, fitted together."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bertslim.model.layer import AttentionBlock, FfnBlock
from bertslim.records import Block, Repair
from bertslim.repair.calibration import CalibrationBatch
from bertslim.repair.context import RepairContext
from bertslim.repair.ffn_maps import maps_of
from bertslim.repair.refinement import BlockTask, refine
from bertslim.repair.split_moments import Target, Values
from bertslim.repair.text_pool import TextPool
from bertslim.repair.token_pool import TokenPool

TOKENS_A_STEP = 1024
_FFN_TRIAL = 0.25


def refine_ffn(context: RepairContext, ffn: FfnBlock, target: Target, *, layer: int) -> Repair:
    """Fit all maps of an FFN block, and of a bypass.

    Args:
        context: The texts, at the layer, between its blocks.
        ffn: The slim model's block.
        target: What it should add.
        layer: The layer, by its number in the base.
    """

    def pool(chosen: Values) -> TokenPool:
        return TokenPool(context.calibration, target.weights, chosen, tokens_a_draw=TOKENS_A_STEP)

    task = BlockTask(
        fit=pool(_fit_tokens),
        held=pool(_held_tokens),
        output=lambda batch: ffn.update(batch.states.slim),
        target=target.values,
        metric=context.metric(layer, "ffn", ffn.output.out_features),
        ranks=context.calibration.ranks,
    )
    return _refined(context, maps_of(ffn), task, "FFN, refined", layer=layer, trial=_FFN_TRIAL)


def refine_attention(
    context: RepairContext,
    attention: AttentionBlock,
    target: Target,
    *,
    layer: int,
    target_block: Block,
) -> Repair:
    """Fit query, key, value and output map of an attention block.

    Args:
        context: The texts, at the layer, before its blocks.
        attention: The slim model's block.
        target: What it should add.
        layer: The layer, by its number in the base.
        target_block: Whose sum with the residual the target is part of in the base: the FFN
            block's, where attention makes up for that.
    """

    def pool(chosen: Values) -> TextPool:
        return TextPool(
            context.base.model,
            context.calibration,
            target.weights,
            chosen,
            tokens_a_draw=TOKENS_A_STEP,
        )

    def output(batch: CalibrationBatch) -> Tensor:
        states: Tensor = attention.output(attention.context(batch.states.slim, batch.given[layer]))
        return states

    task = BlockTask(
        fit=pool(_fit_tokens),
        held=pool(_held_tokens),
        output=output,
        target=target.values,
        metric=context.metric(layer, target_block, attention.output.out_features),
        ranks=context.calibration.ranks,
    )
    maps = [*attention.inputs, attention.output]
    return _refined(context, maps, task, "attention, refined", layer=layer)


def _refined(
    context: RepairContext,
    maps: Sequence[nn.Linear],
    task: BlockTask,
    part: str,
    *,
    layer: int,
    trial: float = 1.0,
) -> Repair:
    assert context.refinement is not None  # noqa: S101
    error = refine(maps, task, context.refinement, layer=layer, trial=trial)
    return Repair(layer=layer, part=part, before=error.before, after=error.after)


def _fit_tokens(batch: CalibrationBatch) -> Tensor:
    return batch.fit


def _held_tokens(batch: CalibrationBatch) -> Tensor:
    return batch.held
