"""Hooks that look at the blocks and LayerNorms of a model while texts go through it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bertslim.model.checkpoint import Checkpoint
from bertslim.model.layer import Layer
from bertslim.records import BLOCKS, Block
from bertslim.surgery.criteria import (
    GRADIENT_CRITERIA,
    OUTPUT_CRITERIA,
    GradientCriterion,
    HeadObs,
    OutputCriterion,
    Ranking,
)
from bertslim.surgery.output_metric import output_metric, symmetric_root
from bertslim.surgery.statistics import variance_of

_LayerBlock = tuple[int, Block]


class Observer:
    """Adds up what neurons and heads do, and how much depends on each token and each direction.

    What goes into the output map of a block is what its units put out: a number a neuron, and
    head_size channels a head.

    Args:
        checkpoint: The model to look at, in eval mode.
        kept: The smallest number of neurons or heads that will be kept, by what is ranked.
        token_weights: Whether to watch the inputs of the LayerNorms as well.
        gradient_moments: Whether to add up the gradients there.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        kept: Mapping[Ranking, int],
        *,
        token_weights: bool,
        gradient_moments: bool,
    ) -> None:
        self._facts = checkpoint.facts
        self._layers = checkpoint.layers
        self._watches_tokens = token_weights
        self._by_output: dict[_LayerBlock, dict[Ranking, OutputCriterion]] = defaultdict(dict)
        self._by_gradient: dict[_LayerBlock, dict[Ranking, GradientCriterion]] = defaultdict(dict)
        for ranking, keep in kept.items():
            place = ranking.layer, ranking.block
            if ranking.criterion in GRADIENT_CRITERIA:
                criterion = GRADIENT_CRITERIA[ranking.criterion](self._units(place))
                self._by_gradient[place][ranking] = criterion
            else:
                self._by_output[place][ranking] = self._output_criterion(ranking, keep)
        size, device = checkpoint.facts.hidden_size, checkpoint.model.device
        self._gradient_moments = {
            (number, block): torch.zeros(size, size, dtype=torch.float64, device=device)
            for number in range(len(self._layers))
            for block in BLOCKS
            if gradient_moments or self._needs_metric((number, block))
        }
        self._outputs: Tensor | None = None
        self._mask, self._differentiated = torch.empty(0), False
        self._token_weights = torch.empty(0)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to look for."""
        return not (self.needs_outputs or self.needs_gradients)

    @property
    def needs_outputs(self) -> bool:
        """Whether what units put out is looked at by itself, on all texts."""
        every = (one for of_place in self._by_output.values() for one in of_place.values())
        return any(not criterion.by_metric for criterion in every)

    @property
    def needs_gradients(self) -> bool:
        """Whether the outputs must be differentiated, at least on some texts."""
        return bool(self._gradient_moments) or self.needs_every_gradient

    @property
    def needs_every_gradient(self) -> bool:
        """Whether they must be on all texts."""
        return bool(self._by_gradient) or self._watches_tokens

    @property
    def gradient_moments(self) -> Tensor:
        """The second moments of the outputs' gradient, (layers, 2, hidden_size, hidden_size).

        Those with respect to the sums of attention and FFN block with the residual, if all were
        asked for.
        """
        return torch.stack(
            [
                torch.stack([self._gradient_moments[number, block].cpu() for block in BLOCKS])
                for number in range(len(self._layers))
            ]
        )

    def _needs_metric(self, place: _LayerBlock) -> bool:
        return any(criterion.by_metric for criterion in self._by_output.get(place, {}).values())

    @contextmanager
    def watching(self, mask: Tensor, *, differentiated: bool) -> Iterator[Tensor]:
        """Look at one run of the model, and at the gradients if it is differentiated.

        Args:
            mask: Which tokens are real, as they go through the layers, (sequences, length).
            differentiated: Whether it is going to be.

        Yields:
            How much depends on each token, (layers, 2, sequences, length); 0 until differentiated.
        """
        self._mask, self._differentiated = mask.bool(), differentiated
        self._token_weights = torch.zeros(len(self._layers), 2, *mask.shape, device=mask.device)
        with ExitStack() as hooks:
            for number, layer in enumerate(self._layers):
                for block in BLOCKS:
                    self._watch_block(hooks, number, layer, block)
            if differentiated:
                _hook(hooks, self._layers[0].module, _start_gradient)
            yield self._token_weights
        self._outputs = None

    def scores(self) -> Iterator[tuple[Ranking, Tensor]]:
        """Yield the scores of each ranking, as they are worked out."""
        for by_gradient in self._by_gradient.values():
            for ranking, criterion in by_gradient.items():
                yield ranking, criterion.scores()
        for place, by_output in self._by_output.items():
            number, block = place
            weight = self._layers[number].block(block).output.weight.detach().cpu()
            for ranking, output_criterion in by_output.items():
                by_metric = output_criterion.by_metric
                seen = self._in_metric(place, weight) if by_metric else weight
                yield ranking, output_criterion.scores(seen)

    def _in_metric(self, place: _LayerBlock, weight: Tensor) -> Tensor:
        """Return M^1/2 W of an output map W, or what is no number where a gradient is none."""
        moment = self._gradient_moments[place].cpu()
        if not moment.isfinite().all():
            return torch.full_like(weight, torch.nan)
        return symmetric_root(output_metric(moment)) @ weight.double()

    def _units(self, place: _LayerBlock) -> int:
        """Return how many neurons or heads a block has."""
        number, block = place
        facts = self._facts.layers[number]
        return facts.heads if block == "attention" else facts.intermediate_size

    def _output_criterion(self, ranking: Ranking, keep: int) -> OutputCriterion:
        units = self._units((ranking.layer, ranking.block))
        if ranking.block == "attention":
            return HeadObs(units, keep, self._facts.head_size)
        return OUTPUT_CRITERIA[ranking.criterion](units, keep)

    def _watch_block(self, hooks: ExitStack, number: int, layer: Layer, block: Block) -> None:
        place = number, block
        by_output = self._looking(place)
        if by_output or place in self._by_gradient:
            _hook(hooks, layer.block(block).output, partial(self._see_outputs, place))
        if by_output:
            hooks.callback(layer.watch_sum(block, partial(self._see_sum, by_output, place)).remove)
        if self._differentiated and (self._watches_tokens or place in self._gradient_moments):
            see = partial(self._see_token_sum, place)
            hooks.callback(layer.watch_sum(block, see).remove)

    def _looking(self, place: _LayerBlock) -> list[OutputCriterion]:
        """Return the criteria that go by what units put out in this run of the model.

        Those that need gradients as well keep to the texts that have them.
        """
        by_output = self._by_output.get(place, {}).values()
        return [one for one in by_output if self._differentiated or not one.by_metric]

    def _see_outputs(self, place: _LayerBlock, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Keep what the units put out until it is known how much each token counts."""
        outputs: Tensor = inputs[0][0] if isinstance(inputs[0], tuple) else inputs[0]
        self._outputs = outputs.detach()
        if place in self._by_gradient:
            _hook_gradient(outputs, partial(self._see_output_gradient, place, outputs.detach()))

    def _see_sum(
        self, criteria: list[OutputCriterion], place: _LayerBlock, residual_sum: Tensor
    ) -> None:
        """Weigh tokens by 1 / Var(u), as the norm after them divides by the root of that."""
        assert self._outputs is not None  # noqa: S101
        outputs = _precise(self._outputs[self._mask])
        sums = _precise(residual_sum.detach()[self._mask])
        centred = self._facts.form.norms_centre
        normed = self._is_normed(place)
        weights = 1 / variance_of(sums, centred=centred) if normed else sums.new_ones(len(sums))
        for criterion in criteria:
            criterion.add(outputs, weights)

    def _is_normed(self, place: _LayerBlock) -> bool:
        """Whether a norm reads a sum: where norms stand before blocks, the next one or the last."""
        number, block = place
        facts = self._facts.layers[number]
        has_norm = facts.attention_norm if block == "attention" else facts.ffn_norm
        return self._facts.form.norms_before or has_norm

    def _see_output_gradient(self, place: _LayerBlock, outputs: Tensor, gradient: Tensor) -> None:
        changes = _precise(outputs[self._mask]) * _precise(gradient[self._mask])
        of_units = changes.view(len(changes), self._units(place), -1).sum(dim=-1)
        owner = self._mask.nonzero()[:, 0]
        for criterion in self._by_gradient[place].values():
            criterion.add(of_units, owner, len(self._mask))

    def _see_token_sum(self, place: _LayerBlock, residual_sum: Tensor) -> None:
        _hook_gradient(residual_sum, partial(self._see_sum_gradient, place))

    def _see_sum_gradient(self, place: _LayerBlock, gradient: Tensor) -> None:
        number, block = place
        squares = gradient.float().square().sum(dim=-1)
        # a layer that hidden states go through several times has several such sums
        self._token_weights[number, BLOCKS.index(block)] += squares.masked_fill(~self._mask, 0)
        moment = self._gradient_moments.get(place)
        if moment is not None:
            real = _precise(gradient[self._mask])
            moment += real.T @ real


def _hook(hooks: ExitStack, module: nn.Module, see: Callable[..., Any]) -> None:
    hooks.callback(module.register_forward_pre_hook(see).remove)


def _hook_gradient(values: Tensor, see: Callable[[Tensor], None]) -> None:
    values.register_hook(see)  # type: ignore[no-untyped-call]


def _start_gradient(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Make the hidden states something to differentiate by, as no weight is."""
    hidden, *others = inputs
    if hidden.requires_grad:  # they have been here before
        return inputs
    return hidden.detach().requires_grad_(), *others


def _precise(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
