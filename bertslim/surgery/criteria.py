"""Criteria that rank the neurons of an FFN block, or attention heads, by what they do on texts.

Each adds up what it needs batch by batch, in float64, where the model is, and takes the same memory
however many texts there are; scores are on the CPU. In the formulas a_tj is what neuron j puts out
for token t.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bertslim.records import Block
from bertslim.surgery.obs import head_removal_order, removal_order
from bertslim.surgery.statistics import MomentSums


@dataclass(frozen=True)
class Ranking:
    """What is ranked by what: the units of a block, which are neurons or heads.

    Attributes:
        criterion: By which, such as "obs".
        block: "ffn" for its neurons, "attention" for its heads.
        layer: The number of the layer in the base.
    """

    criterion: str
    block: Block
    layer: int


class OutputCriterion(ABC):
    """Goes by what neurons put out.

    Attributes:
        by_metric: Whether errors of the block's output count by the outputs' gradient, so that
            `scores` takes M^1/2 W2 in place of W2, M as `output_metric` has it.

    Args:
        neurons: intermediate_size.
        keep: The smallest number of neurons that will be kept.
    """

    by_metric: ClassVar[bool] = False

    def __init__(self, neurons: int, keep: int) -> None:
        self.neurons = neurons
        self.keep = keep

    @abstractmethod
    def add(self, outputs: Tensor, weights: Tensor) -> None:
        """Add tokens.

        Args:
            outputs: a_tj, (tokens, intermediate_size).
            weights: w_t, how much each token counts, (tokens,).
        """

    @abstractmethod
    def scores(self, weight: Tensor) -> Tensor:
        """Return a score a neuron, higher for those to keep, in float64, (intermediate_size,).

        Args:
            weight: W2, (hidden_size, intermediate_size), on the CPU.
        """


class Activation(OutputCriterion):
    """sqrt(sum_t w_t a_tj^2) ||W2_j||: how much a neuron adds, after LayerNorm's scaling."""

    def __init__(self, neurons: int, keep: int) -> None:
        super().__init__(neurons, keep)
        self._energy = torch.zeros(neurons, dtype=torch.float64)

    def add(self, outputs: Tensor, weights: Tensor) -> None:
        """Add sum_t w_t a_tj^2."""
        self._energy = self._energy.to(outputs.device)
        self._energy += weights @ outputs.square()

    def scores(self, weight: Tensor) -> Tensor:
        """Multiply by the norms of the columns of W2."""
        scores: Tensor = self._energy.cpu().sqrt() * weight.double().norm(dim=0)
        return scores


class Obs(OutputCriterion):
    """The place in the order in which the Optimal Brain Surgeon removes neurons.

    Those that are left at the smallest width are equal, and the highest.
    """

    def __init__(self, neurons: int, keep: int) -> None:
        super().__init__(neurons, keep)
        self._sums = MomentSums(neurons, 0)

    def add(self, outputs: Tensor, weights: Tensor) -> None:
        """Add to the weighted second moments about the mean."""
        self._sums.add(outputs, outputs[:, :0], weights)

    def scores(self, weight: Tensor) -> Tensor:
        """Remove neurons down to the smallest width."""
        covariance = self._sums.moments().xx.cpu()
        scores = torch.full((self.neurons,), float(self.neurons), dtype=torch.float64)
        if not (covariance.isfinite().all() and weight.isfinite().all()):
            return scores * torch.nan
        gone = self._removal_order(covariance, weight.double())
        scores[gone] = torch.arange(len(gone), dtype=torch.float64)
        return scores

    def _removal_order(self, covariance: Tensor, weight: Tensor) -> Tensor:
        return removal_order(covariance, weight, self.keep)


class HeadObs(Obs):
    """The same of attention heads, each of which goes with all its channels.

    Args:
        heads: How many there are.
        keep: The smallest number of heads that will be kept.
        size: Channels of a head.
    """

    def __init__(self, heads: int, keep: int, size: int) -> None:
        super().__init__(heads, keep)
        self._size = size
        self._sums = MomentSums(heads * size, 0)

    def _removal_order(self, covariance: Tensor, weight: Tensor) -> Tensor:
        return head_removal_order(covariance, weight, self._size, self.keep)


class KfacObs(Obs):
    """The same order where the loss of the block's output is measured in the metric of the outputs.

    The Hessian of a block's second map is then the Kronecker product of the neurons' covariance and
    of the second moment M of the outputs' gradient: the Optimal Brain Surgeon with K-FAC, as in
    Wang et al. 2019 (EigenDamage, arXiv 1905.05934) and van der Ouderaa et al. 2023 (LLM Surgeon,
    arXiv 2312.17244). A neuron's cost is |M^1/2 V_j|^2 / (H^-1)_jj.
    """

    by_metric = True


class GradientCriterion(ABC):
    """Goes by a_tj dL/da_tj: to first order, how L would change if a neuron fell silent.

    Args:
        units: intermediate_size, or the number of heads.
    """

    def __init__(self, units: int) -> None:
        self._total = torch.zeros(units, dtype=torch.float64)

    @abstractmethod
    def add(self, changes: Tensor, owner: Tensor, sequences: int) -> None:
        """Add tokens.

        Args:
            changes: a_tj dL/da_tj, (tokens, intermediate_size).
            owner: The sequence that each token belongs to, (tokens,).
            sequences: How many there are.
        """

    def scores(self) -> Tensor:
        """Return a score a neuron, higher for those to keep, in float64, (intermediate_size,)."""
        return self._total.cpu()


class Taylor(GradientCriterion):
    """sum_t |a_tj dL/da_tj| (Molchanov et al. 2017, arXiv 1611.06440)."""

    def add(self, changes: Tensor, owner: Tensor, sequences: int) -> None:
        """Add the sizes, token by token."""
        self._total = self._total.to(changes.device)
        self._total += changes.abs().sum(dim=0)


class Fisher(GradientCriterion):
    """sum over sequences of (sum_t a_tj dL/da_tj)^2: the Fisher information of a mask variable.

    Kwon et al. 2022, arXiv 2204.09656, eq. 6: the diagonal, with a mask of one entry a neuron.
    """

    def add(self, changes: Tensor, owner: Tensor, sequences: int) -> None:
        """Add the squares, sequence by sequence."""
        by_sequence = changes.new_zeros(sequences, changes.shape[1]).index_add_(0, owner, changes)
        self._total = self._total.to(changes.device)
        self._total += by_sequence.square().sum(dim=0)


OUTPUT_CRITERIA: dict[str, type[OutputCriterion]] = {
    "activation": Activation,
    "obs": Obs,
    "kfac_obs": KfacObs,
}
GRADIENT_CRITERIA: dict[str, type[GradientCriterion]] = {"taylor": Taylor, "fisher": Fisher}
