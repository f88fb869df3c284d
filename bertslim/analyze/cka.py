"""How alike representations are: linear CKA, added up from small batches.

CKA is that of Kornblith et al. 2019 (1905.00414). It is estimated as by Nguyen, Raghu and Kornblith
2020 (2010.15327): HSIC of each batch by the unbiased estimator of Song et al. 2012, averaged over
the batches, so that the size of a batch does not shift it as it does the usual biased one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

FEWEST = 4  # examples that the unbiased estimator needs


class MinibatchCka:
    """CKA between all pairs of sites; memory does not depend on the number of examples.

    Args:
        sites: How many there are.
    """

    def __init__(self, sites: int) -> None:
        self._hsic = torch.zeros(sites, sites, dtype=torch.float64)
        self.batches = 0

    def add(self, features: Sequence[Tensor]) -> None:
        """Add a batch.

        Args:
            features: (examples, width) for each site; the same examples at all of them, in the same
                order, and at least FEWEST. Widths may differ.
        """
        self._hsic += hsic(features)
        self.batches += 1

    def matrix(self) -> Tensor:
        """Return CKA of each site with each, float64, (sites, sites); NaN where one never varies.

        Raises:
            ValueError: No batch was added.
        """
        if self.batches == 0:
            raise ValueError("no batch was added")
        own = self._hsic.diagonal()
        own = torch.where(own > 0, own, torch.nan)
        return self._hsic / (own.unsqueeze(0) * own.unsqueeze(1)).sqrt()


def hsic(features: Sequence[Tensor]) -> Tensor:
    """Return the unbiased estimate of HSIC, linear kernels, of each site with each.

    With K and L the Gram matrices, their diagonals set to zero, and n examples (equation 3 of
    Nguyen et al. 2020):

        (tr(K L) + (1'K1)(1'L1) / ((n - 1)(n - 2)) - 2 / (n - 2) 1'K L1) / (n (n - 3))

    Args:
        features: (examples, width) for each site, at least FEWEST examples.

    Returns:
        float64, (sites, sites)
    """
    grams = torch.stack([_gram(states) for states in features])
    count = grams.shape[-1]
    flat, rows = grams.flatten(1), grams.sum(dim=2)
    sums = rows.sum(dim=1)
    traces = flat @ flat.T
    products = rows @ rows.T
    scaled = sums.unsqueeze(0) * sums.unsqueeze(1) / ((count - 1) * (count - 2))
    return (traces + scaled - 2 / (count - 2) * products) / (count * (count - 3))


def _gram(features: Tensor) -> Tensor:
    """Centre first: HSIC stays what it is, and less is lost to rounding."""
    centred = features.double()
    centred = centred - centred.mean(dim=0)
    return (centred @ centred.T).fill_diagonal_(0)


def mixed(
    chunks: Iterable[Sequence[Tensor]], size: int, *, buffer: int, rounds: int, seed: int
) -> Iterator[list[Tensor]]:
    """Yield batches of examples that are drawn at random from many chunks.

    Examples that come one after the other are alike, such as the tokens of a text, and the estimate
    holds for examples that are drawn independently. So they are gathered in a buffer first. Each
    buffer is dealt out several times, anew each time, which brings more pairs of examples together.

    Args:
        chunks: (examples, width) for each site; each chunk with the same sites.
        size: Examples a batch. Those left over at the end are a batch where there is no other.
        buffer: Examples to gather, at least; two batches at least.
        rounds: How often each buffer is dealt out.
        seed: Settles the draw.
    """
    draw = torch.Generator().manual_seed(seed)
    held: list[Sequence[Tensor]] = []
    gathered, whole = 0, False
    for chunk in chunks:
        held.append(chunk)
        gathered += len(chunk[0])
        if gathered >= max(buffer, 2 * size):
            yield from _dealt(held, size, rounds, draw)
            held, gathered, whole = [], 0, True
    if gathered >= size:
        yield from _dealt(held, size, rounds, draw)
    elif gathered >= FEWEST and not whole:
        yield _joined(held)


def _dealt(
    held: Sequence[Sequence[Tensor]], size: int, rounds: int, draw: torch.Generator
) -> Iterator[list[Tensor]]:
    sites = _joined(held)
    count = len(sites[0])
    for _ in range(rounds):
        order = torch.randperm(count, generator=draw)
        for start in range(0, count - size + 1, size):
            chosen = order[start : start + size]
            yield [site[chosen] for site in sites]


def _joined(held: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    return [torch.cat(parts) for parts in zip(*held, strict=True)]
