"""CKA between the layers of a model, and between those of two, while texts go through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement

import numpy as np
import torch
from torch import Tensor

from bertslim.analyze.cka import MinibatchCka, mixed
from bertslim.analyze.clusters import clusters_of
from bertslim.analyze.representations import sites_of, watched
from bertslim.arrays import FloatArray
from bertslim.data.outputs import model_inputs
from bertslim.data.task import Batch
from bertslim.errors import DataError
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.records import BLOCKS, Cka, CkaMatrix, Role, Site

BATCH_SIZE = 64
TOKENS_A_TEXT = 8
BUFFER = 2048
ROUNDS = 8

Place = tuple[Role, Site]


def measure_cka(
    models: dict[Role, Checkpoint],
    batches: Mapping[Role, Sequence[Batch]],
    progress: Progress,
    *,
    seed: int,
) -> Cka:
    """Compare all layers of all models on the same tokens; a few of each text, drawn by seed.

    Args:
        models: One or two.
        batches: The same texts, in random order, as each model takes them.
        progress: Where to show how far it is.
        seed: Settles which tokens are drawn, and which are compared at once.

    Raises:
        DataError: There are too few tokens, or the models split the texts into different tokens.
    """
    places = [(role, site) for role, model in models.items() for site in sites_of(model.facts)]
    running, tokens = MinibatchCka(len(places)), 0

    def chunks() -> Iterator[list[Tensor]]:
        nonlocal tokens
        draw = torch.Generator().manual_seed(seed)
        read = list(zip(*(batches[role] for role in models), strict=True))
        for together in progress.track(read, "comparing the layers", total=len(read), unit="batch"):
            chunk = _states(models, together, draw)
            tokens += len(chunk[0])
            yield chunk

    for batch in mixed(chunks(), BATCH_SIZE, buffer=BUFFER, rounds=ROUNDS, seed=seed):
        running.add(batch)
    if running.batches == 0:
        raise DataError("too few texts to compare layers on", remedy="give more with --data")
    return Cka(
        matrices=_matrices(running.matrix().numpy(), places, list(models)),
        tokens=tokens,
        batch_size=min(BATCH_SIZE, tokens),
        batches=running.batches,
    )


@torch.inference_mode()
def _states(
    models: dict[Role, Checkpoint], together: Sequence[Batch], draw: torch.Generator
) -> list[Tensor]:
    """Return the states of the drawn tokens at each place, (tokens, hidden_size) each."""
    mask = together[0].inputs["attention_mask"]
    if any(not torch.equal(batch.inputs["attention_mask"], mask) for batch in together):
        raise DataError(
            "the two models split the texts into different tokens, so that their layers cannot be "
            "compared"
        )
    drawn = _drawn(mask, draw)
    drawn_states = []
    for checkpoint, batch in zip(models.values(), together, strict=True):
        facts = checkpoint.facts
        with watched(checkpoint) as states:
            checkpoint.model(**model_inputs(batch.to(checkpoint.model.device), facts.head))
        choices = len(states[sites_of(facts)[0]]) // len(mask)
        drawn_states += [states[site][::choices][drawn].float().cpu() for site in sites_of(facts)]
    return drawn_states


def _drawn(mask: Tensor, draw: torch.Generator) -> Tensor:
    """Choose at most TOKENS_A_TEXT real tokens of each text; (texts, length) of bool."""
    chance = torch.rand(mask.shape, generator=draw).masked_fill(mask == 0, -1)
    rank = chance.argsort(dim=1, descending=True).argsort(dim=1)
    return (rank < TOKENS_A_TEXT) & mask.bool()


def _matrices(
    values: FloatArray, places: Sequence[Place], roles: Sequence[Role]
) -> tuple[CkaMatrix, ...]:
    matrices = []
    for block in BLOCKS:
        for rows, columns in combinations_with_replacement(roles, 2):
            chosen = [
                [number for number, (role, site) in enumerate(places)
                 if role == side and site.block == block]
                for side in (rows, columns)
            ]  # fmt: skip
            part = values[np.ix_(*chosen)]
            matrices.append(
                CkaMatrix(
                    rows=rows,
                    columns=columns,
                    block=block,
                    values=tuple(tuple(_number(value) for value in row) for row in part),
                    clusters=clusters_of(part) if rows == columns else (),
                )
            )
    return tuple(matrices)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
