"""Models put together from the library: each block as it was repaired alone, nothing more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bertslim.data.outputs import model_inputs, pieces
from bertslim.data.task import Batch
from bertslim.measure.predictions import compare_outputs
from bertslim.model.layer import LayerArguments, layer_inputs, run_head
from bertslim.progress import Progress
from bertslim.search.levels import Configuration, LayerChoices, LayerLevels, Level
from bertslim.search.library import Library
from bertslim.surgery.block_damage import damage_of

Damages = dict[tuple[int, Level | None], float]
"""What a model loses with one block of a layer at a level, or with None without the layer."""


@dataclass(frozen=True)
class _Texts:
    """A batch below the first layer, and what the base makes of it.

    Attributes:
        batch: The texts, on the device of the base.
        inputs: What the model takes.
        hidden: The states that the first layer gets, (sequences, length, hidden_size).
        given: What each layer gets beside them.
        outputs: What the base puts out.
    """

    batch: Batch
    inputs: dict[str, Tensor]
    hidden: Tensor
    given: tuple[LayerArguments, ...]
    outputs: Any


class StitchedModels:
    """Runs models put together from the library on texts, and compares them with the base.

    Args:
        library: The blocks.
        batches: The texts.
    """

    def __init__(self, library: Library, batches: Sequence[Batch]) -> None:
        self._library = library
        self._base = library.base
        self._texts = list(self._read(batches))

    @torch.inference_mode()
    def damage(self, configuration: Configuration) -> float:
        """Return what a model loses, averaged over the texts.

        KL(base || model) in nats; for bare encoders 1 - cosine, for regressors 1 - Pearson's r.
        """
        compared = _Compared()
        for texts in self._texts:
            hidden = self._run(texts, texts.hidden, configuration, 0)
            compared.add(self._compare(texts, hidden))
        return compared.damage()

    @torch.inference_mode()
    def damages(self, choices: Sequence[LayerChoices], progress: Progress) -> Damages:
        """Return what is lost with one block alone altered; layers below are not run again.

        Args:
            choices: The levels that each layer may have.
            progress: Shows the batches.
        """
        kept: Configuration = tuple(layer.kept for layer in choices)
        compared: dict[tuple[int, Level | None], _Compared] = defaultdict(_Compared)
        total = len(self._texts)
        for texts in progress.track(self._texts, "altering the blocks", total=total, unit="batch"):
            hidden = texts.hidden
            for number, layer in enumerate(choices):
                for key, levels in _alterations(layer):
                    altered = (*kept[:number], levels, *kept[number + 1 :])
                    above = self._run(texts, hidden, altered, number)
                    compared[number, key].add(self._compare(texts, above))
                hidden = self._run(texts, hidden, kept[: number + 1], number)
        return {key: one.damage() for key, one in compared.items()}

    def _read(self, batches: Sequence[Batch]) -> Iterator[_Texts]:
        model, facts = self._base.model, self._base.facts
        with torch.inference_mode():
            for piece in (piece for batch in batches for piece in pieces(batch, facts)):
                there = piece.to(model.device)
                inputs = model_inputs(there, facts.head)
                hidden, given = layer_inputs(model, inputs)
                yield _Texts(there, inputs, hidden, given, model(**inputs))

    def _run(
        self, texts: _Texts, hidden: Tensor, configuration: Configuration, start: int
    ) -> Tensor:
        """Bring states from below a layer to above the last one of the configuration."""
        for number in range(start, len(configuration)):
            levels = configuration[number]
            if levels is None:
                continue
            attention = self._library.attention(number, levels.attention)
            between = attention.run(hidden, texts.given[number])
            hidden = self._library.ffn(number, levels.ffn).run(between)
        return hidden

    def _compare(self, texts: _Texts, hidden: Tensor) -> dict[str, Tensor]:
        outputs = run_head(self._base.model, texts.inputs, hidden)
        return compare_outputs(self._base, texts.outputs, outputs, texts.batch)


def _alterations(layer: LayerChoices) -> Iterator[tuple[Level | None, LayerLevels | None]]:
    """Yield a layer with one block at each of its levels, and without it, by what is altered."""
    for level in layer.levels:
        yield level, layer.kept.at(level)
    if layer.may_go:
        yield None, None


class _Compared:
    """What was compared with the base, batch by batch."""

    def __init__(self) -> None:
        self._values: dict[str, list[Tensor]] = defaultdict(list)

    def add(self, figures: dict[str, Tensor]) -> None:
        for name, values in figures.items():
            self._values[name].append(values)

    def damage(self) -> float:
        return float(damage_of({name: torch.cat(values) for name, values in self._values.items()}))
