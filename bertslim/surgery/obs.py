"""In which order neurons go if each time the one goes whose loss the others make up for best."""

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


class _Neurons:
    """The neurons that are left, with removals that are pending.

    A removal changes H^-1 by -p p^T and V by -p z^T, where p = H^-1_:j / sqrt((H^-1)_jj) and
    z = V_j / sqrt((H^-1)_jj). The vectors of a few removals are kept and folded in by one product;
    until then only what every removal has to know is kept current: the diagonal of H^-1 and the
    norms of V's rows.
    """

    def __init__(self, covariance: Tensor, weight: Tensor) -> None:
        variance = covariance.diagonal()
        ridge = _RIDGE * float(variance.mean()) or 1.0
        system = covariance + ridge * torch.eye(len(covariance), dtype=covariance.dtype)
        self._inverse = torch.cholesky_inverse(torch.linalg.cholesky(system))
        self._rows = self._inverse @ (covariance @ weight.T.to(covariance))
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
