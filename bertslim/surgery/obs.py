"""In which order neurons or heads go if each time the one goes that the others make up for best."""

from __future__ import annotations

import torch
from torch import Tensor

_RIDGE = 1e-2  # as a share of the neurons' mean variance
_PENDING = 64  # removals that are folded into the matrices at once


def removal_order(covariance: Tensor, weight: Tensor, keep: int) -> Tensor:
    """Remove neurons one at a time by the layer-wise Optimal Brain Surgeon.

    With H = covariance + lambda I and V = H^-1 covariance W2^T, a row a neuron, the loss is
    sum w |(a - mean) (V - W2^T)|^2 + lambda |V|^2; an intercept makes up for the means. The neuron
    with the smallest |V_j|^2 / (H^-1)_jj goes, which is by how much the loss rises, and the rows
    of those that are left are solved anew:

        V <- V - H^-1_:j V_j / (H^-1)_jj        H^-1 <- H^-1 - H^-1_:j H^-1_j: / (H^-1)_jj

    Hassibi and Stork 1992; for structures, Kurtic et al. 2022 (oBERT, arXiv 2203.07259) and Kurtic
    et al. 2023 (ZipLM, arXiv 2302.04089).

    Args:
        covariance: sum w (a - mean)(a - mean)^T of the neurons' outputs a, in float64,
            (intermediate_size, intermediate_size).
        weight: W2, (hidden_size, intermediate_size).
        keep: How many neurons are left at the end.

    Returns:
        The neurons that went, first to last, shape (intermediate_size - keep,).
    """
    neurons = _Neurons(covariance, weight)
    return torch.stack([neurons.remove() for _ in range(len(covariance) - keep)])


def head_removal_order(covariance: Tensor, weight: Tensor, size: int, keep: int) -> Tensor:
    """Remove attention heads one at a time, each with all its channels S.

    As `removal_order`, with blocks in the place of rows: the head goes for which

        tr(V_S^T (H^-1_SS)^-1 V_S)

    is smallest, which is by how much the loss rises, and the rows of the channels that are left are
    solved anew:

        V <- V - H^-1_:S (H^-1_SS)^-1 V_S        H^-1 <- H^-1 - H^-1_:S (H^-1_SS)^-1 H^-1_S:

    Kurtic et al. 2023 (ZipLM, arXiv 2302.04089), section 3.1.

    Args:
        covariance: sum w (x - mean)(x - mean)^T of the input x of the output map, in float64,
            (heads x size, heads x size).
        weight: The output map, (hidden_size, heads x size).
        size: Channels of a head.
        keep: How many heads are left at the end.

    Returns:
        The heads that went, first to last, shape (heads - keep,).
    """
    inverse, rows = _solved(covariance, weight)
    left, gone = torch.arange(len(covariance) // size), []
    while len(left) > keep:
        between_heads = inverse.reshape(len(left), size, len(left), size)
        blocks = between_heads.diagonal(dim1=0, dim2=2).movedim(-1, 0)
        of_heads = rows.reshape(len(left), size, -1)
        costs = (of_heads * torch.linalg.solve(blocks, of_heads)).sum(dim=(1, 2))
        place = int(costs.argmin())
        channels = slice(place * size, (place + 1) * size)
        gain = torch.linalg.solve(blocks[place], inverse[channels])
        stays = torch.ones(len(rows), dtype=torch.bool)
        stays[channels] = False
        rows = (rows - gain.T @ rows[channels])[stays]
        inverse = (inverse - inverse[:, channels] @ gain)[stays][:, stays]
        gone.append(left[place])
        left = torch.cat([left[:place], left[place + 1 :]])
    return torch.stack(gone) if gone else left[:0]


def _solved(covariance: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return H^-1 and V = W2^T - lambda H^-1 W2^T while nothing is removed."""
    ridge = _RIDGE * float(covariance.diagonal().mean()) or 1.0
    system = covariance.clone()
    system.diagonal().add_(ridge)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(system))
    targets = weight.T.to(covariance)
    return inverse, targets.addmm(inverse, targets, alpha=-ridge)


class _Neurons:
    """The neurons that are left, with removals that are pending.

    A removal changes H^-1 by -p p^T and V by -p z^T, where p = H^-1_:j / sqrt((H^-1)_jj) and
    z = V_j / sqrt((H^-1)_jj). The vectors of a few removals are kept and folded in by one product;
    until then only what every removal has to know is kept current: the diagonal of H^-1 and the
    norms of V's rows.
    """

    def __init__(self, covariance: Tensor, weight: Tensor) -> None:
        self._inverse, self._rows = _solved(covariance, weight)
        self._numbers = torch.arange(len(covariance))
        self._start()

    def remove(self) -> Tensor:
        """Remove the neuron whose loss costs least, and return its number."""
        if self._pending == _PENDING:
            self._fold()
        place = (self._norms / self._diagonal).masked_fill(~self._alive, torch.inf).argmin()
        self._alive[place] = False
        p, z = self._p[:, : self._pending], self._z[: self._pending]
        scale = self._diagonal[place].sqrt()
        column = (self._inverse[:, place] - p @ p[place]) / scale
        row = (self._rows[place] - p[place] @ z) / scale
        across = self._rows @ row - p @ (z @ row)
        self._norms += column * (column * row.square().sum() - 2 * across)
        self._diagonal -= column.square()
        self._p[:, self._pending], self._z[self._pending] = column, row
        self._pending += 1
        return self._numbers[place]

    def _fold(self) -> None:
        """Work the pending removals into the matrices, without the neurons that went."""
        p, left = self._p[self._alive], self._alive
        self._inverse = self._inverse[left][:, left].addmm_(p, p.T, alpha=-1)
        self._rows = self._rows[left].addmm_(p, self._z, alpha=-1)
        self._numbers = self._numbers[left]
        self._start()

    def _start(self) -> None:
        self._diagonal = self._inverse.diagonal().clone()
        self._norms = self._rows.square().sum(dim=1)
        self._alive = torch.ones(len(self._numbers), dtype=torch.bool)
        self._p = self._inverse.new_zeros(len(self._numbers), _PENDING)
        self._z = self._rows.new_zeros(_PENDING, self._rows.shape[1])
        self._pending = 0
