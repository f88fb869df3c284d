"""Repair where hidden states go through the same layers several times, as in ALBERT.

A map then serves all passes and is solved from the states of several: each pass of a text counts
as a text of its own. The slim model's states depend on the maps that are solved, so that there are
two sweeps: from the base's states at each pass first, then from those that the slim model reaches
with the maps of the first sweep, towards the base's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.model.layer import model_layers, passes_of, watch_output
from bertslim.repair.calibration import States

_PASSES_OF_A_TEXT = 3  # drawn evenly, so that the states of all texts are as many as elsewhere


@dataclass(frozen=True)
class PassStates:
    """The states of both models before some of the passes, evenly drawn.

    Attributes:
        base: The base.
        slim: The model whose states the maps will get: the base itself in the first sweep.
    """

    base: PreTrainedModel
    slim: PreTrainedModel

    def __call__(self, inputs: dict[str, Tensor], number: int) -> Iterator[States]:
        """Yield the states of a batch before the passes that fall to it."""
        of_base = _states_before_passes(self.base, inputs)
        of_slim = of_base if self.slim is self.base else _states_before_passes(self.slim, inputs)
        for start in drawn_passes(len(of_base), number):
            yield States(of_base[start], of_slim[start])


def drawn_passes(passes: int, number: int) -> range:
    """Return the passes that fall to a batch, by its number; as many for each batch.

    Neighbouring batches begin one pass later each, so that all passes are drawn.
    """
    stride = max(1, passes // _PASSES_OF_A_TEXT)
    last = stride * (passes // stride - 1)  # from the first that is drawn
    first = number % (passes - last)
    return range(first, first + last + 1, stride)


@dataclass(frozen=True)
class FinalStates:
    """The states of both models behind the last pass."""

    base: PreTrainedModel
    slim: PreTrainedModel

    def __call__(self, inputs: dict[str, Tensor], number: int) -> Iterator[States]:
        """Yield the states of a batch."""
        yield States(_final_states(self.base, inputs), _final_states(self.slim, inputs))


def _states_before_passes(model: PreTrainedModel, inputs: dict[str, Tensor]) -> list[Tensor]:
    """Return what goes into the first layer each time, (sequences, length, hidden_size)."""
    states: list[Tensor] = []
    first = model_layers(model)[0].module
    handle = first.register_forward_pre_hook(lambda _, arguments: states.append(arguments[0]))
    with handle, torch.no_grad():
        model(**inputs)
    assert len(states) == passes_of(model)  # noqa: S101
    return states


def _final_states(model: PreTrainedModel, inputs: dict[str, Tensor]) -> Tensor:
    """Return what the last layer puts out the last time, (sequences, length, hidden_size)."""
    states: list[Tensor] = []
    with watch_output(model_layers(model)[-1].module, states.append), torch.no_grad():
        model(**inputs)
    return states[-1]
