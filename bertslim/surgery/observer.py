"""Hooks that look at the FFN blocks and LayerNorms of a model while texts go through it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bertslim.model.checkpoint import Checkpoint
from bertslim.records import Block
from bertslim.surgery.criteria import (
    GRADIENT_CRITERIA,
    OUTPUT_CRITERIA,
    GradientCriterion,
    OutputCriterion,
)
from bertslim.surgery.output_metric import output_metric, symmetric_root
from bertslim.surgery.statistics import variance_of

_BLOCKS: tuple[Block, ...] = ("attention", "ffn")
_FFN = _BLOCKS.index("ffn")


class Observer:
    """Adds up what neurons do, and how much depends on each token and each direction.

    Args:
        checkpoint: The model to look at, in eval mode.
        widths: By criterion and layer, the smallest number of neurons that will be kept.
        token_weights: Whether to watch the inputs of the LayerNorms as well.
        gradient_moments: Whether to add up the gradients there.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        widths: Mapping[tuple[str, int], int],
        *,
        token_weights: bool,
        gradient_moments: bool,
    ) -> None:
        self._facts = facts = checkpoint.facts
        self._layers = checkpoint.layers
        self._watches_tokens = token_weights
        self._by_output: dict[int, dict[str, OutputCriterion]] = defaultdict(dict)
        self._by_gradient: dict[int, dict[str, GradientCriterion]] = defaultdict(dict)
        for (name, number), keep in widths.items():
            neurons = facts.layers[number].intermediate_size
            if name in OUTPUT_CRITERIA:
                self._by_output[number][name] = OUTPUT_CRITERIA[name](neurons, keep)
            else:
                self._by_gradient[number][name] = GRADIENT_CRITERIA[name](neurons)
        size = facts.hidden_size
        self._gradient_moments = {
            (number, place): torch.zeros(size, size, dtype=torch.float64)
            for number in range(len(facts.layers))
            for place in range(len(_BLOCKS))
            if gradient_moments or (place == _FFN and self._needs_metric(number))
        }
        self._neurons: Tensor | None = None
        self._mask = torch.empty(0)
        self._token_weights = torch.empty(0)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to look for."""
        return not (self._by_output or self.needs_gradients)

    @property
    def needs_gradients(self) -> bool:
        """Whether the outputs must be differentiated."""
        return bool(self._by_gradient or self._gradient_moments) or self._watches_tokens

    @property
    def gradient_moments(self) -> Tensor:
        """The second moments of the outputs' gradient, (layers, 2, hidden_size, hidden_size).

        Those with respect to the sums of attention and FFN block with the residual, if all were
        asked for.
        """
        places = range(len(_BLOCKS))
        return torch.stack(
            [
                torch.stack([self._gradient_moments[number, place] for place in places])
                for number in range(len(self._layers))
            ]
        )

    def _needs_metric(self, number: int) -> bool:
        return any(criterion.by_metric for criterion in self._by_output.get(number, {}).values())

    @contextmanager
    def watching(self, mask: Tensor) -> Iterator[Tensor]:
        """Look at one run of the model, and at the gradients if it is differentiated.

        Args:
            mask: Which tokens are real, as they go through the layers, (sequences, length).

        Yields:
            How much depends on each token, (layers, 2, sequences, length); 0 until differentiated.
        """
        self._mask = mask.bool()
        self._token_weights = torch.zeros(len(self._layers), 2, *mask.shape)
        with ExitStack() as hooks:
            for number, layer in enumerate(self._layers):
                if number in self._by_output or number in self._by_gradient:
                    _hook(hooks, layer.ffn.output, partial(self._see_neurons, number))
                if number in self._by_output:
                    watch = layer.watch_sum("ffn", partial(self._see_sum, number))
                    hooks.callback(watch.remove)
                for place, block in enumerate(_BLOCKS):
                    if self._watches_tokens or (number, place) in self._gradient_moments:
                        see = partial(self._see_token_sum, number, place)
                        hooks.callback(layer.watch_sum(block, see).remove)
            if self.needs_gradients:
                _hook(hooks, self._layers[0].module, _start_gradient)
            yield self._token_weights
        self._neurons = None

    def scores(self) -> Iterator[tuple[tuple[str, int], Tensor]]:
        """Yield the scores of each criterion and layer, as they are worked out."""
        for number, by_gradient in self._by_gradient.items():
            for name, criterion in by_gradient.items():
                yield (name, number), criterion.scores()
        for number, by_output in self._by_output.items():
            weight = self._layers[number].ffn.output.weight.detach()
            for name, output_criterion in by_output.items():
                by_metric = output_criterion.by_metric
                seen = self._in_metric(number, weight) if by_metric else weight
                yield (name, number), output_criterion.scores(seen)

    def _in_metric(self, number: int, weight: Tensor) -> Tensor:
        """Return M^1/2 W2, or what is no number where a gradient is none."""
        moment = self._gradient_moments[number, _FFN]
        if not moment.isfinite().all():
            return torch.full_like(weight, torch.nan)
        return symmetric_root(output_metric(moment)) @ weight.double()

    def _see_neurons(self, number: int, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Keep what the neurons put out until it is known how much each token counts."""
        neurons: Tensor = inputs[0][0] if isinstance(inputs[0], tuple) else inputs[0]
        self._neurons = neurons.detach()
        if number in self._by_gradient:
            _hook_gradient(neurons, partial(self._see_neuron_gradient, number, neurons.detach()))

    def _see_sum(self, number: int, residual_sum: Tensor) -> None:
        """Weigh tokens by 1 / Var(u), as the norm after them divides by the root of that."""
        assert self._neurons is not None  # noqa: S101
        outputs = _precise(self._neurons[self._mask])
        sums = _precise(residual_sum.detach()[self._mask])
        # where norms stand before blocks, the next one and the last follow every sum
        normed = self._facts.form.norms_before or self._facts.layers[number].ffn_norm
        weights = 1 / variance_of(sums) if normed else sums.new_ones(len(sums))
        for criterion in self._by_output[number].values():
            criterion.add(outputs, weights)

    def _see_neuron_gradient(self, number: int, neurons: Tensor, gradient: Tensor) -> None:
        changes = _precise(neurons[self._mask]) * _precise(gradient[self._mask])
        owner = self._mask.nonzero()[:, 0]
        for criterion in self._by_gradient[number].values():
            criterion.add(changes, owner, len(self._mask))

    def _see_token_sum(self, number: int, place: int, residual_sum: Tensor) -> None:
        _hook_gradient(residual_sum, partial(self._see_sum_gradient, number, place))

    def _see_sum_gradient(self, number: int, place: int, gradient: Tensor) -> None:
        squares = gradient.float().square().sum(dim=-1)
        self._token_weights[number, place] = squares.masked_fill(~self._mask, 0)
        moment = self._gradient_moments.get((number, place))
        if moment is not None:
            real = _precise(gradient[self._mask])
            moment += real.T @ real


def _hook(hooks: ExitStack, module: nn.Module, see: Callable[..., Any]) -> None:
    hooks.callback(module.register_forward_pre_hook(see).remove)


def _hook_gradient(values: Tensor, see: Callable[[Tensor], None]) -> None:
    values.register_hook(see)  # type: ignore[no-untyped-call]


def _start_gradient(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Make the hidden states something to differentiate by, as no weight is."""
    return inputs[0].detach().requires_grad_(), *inputs[1:]


def _precise(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
