"""The linear maps at the end of an FFN block or in its place, each solved from one regression."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bertslim.model.layer import FfnBlock
from bertslim.repair.affine_maps import affine_of, factors_of, matrix_of, set_affine, set_matrix
from bertslim.repair.ridge import Affine, RidgeFit, low_rank
from bertslim.repair.split_moments import SplitMoments


def output_inputs(ffn: FfnBlock, states: Tensor) -> Tensor:
    """Return the inputs of the second map of an FFN block, and beside them those of a bypass.

    Args:
        ffn: An FFN block.
        states: The states between the blocks of its layer, (sequences, length, hidden_size).

    Returns:
        (sequences, length, neurons), or neurons + hidden_size with a bypass.
    """
    neurons = ffn.neurons(states)
    if ffn.linear_map is None:
        return neurons
    return torch.cat([neurons, ffn.read(states)], dim=-1)


def maps_of(ffn: FfnBlock) -> list[nn.Linear]:
    """Return all linear maps of an FFN block, those of a bypass last."""
    match ffn.linear_map:
        case nn.Linear() as whole:
            beside = [whole]
        case nn.Sequential() as factors:
            beside = [*factors_of(factors)]
        case _:
            beside = []
    return [*ffn.inputs, ffn.output, *beside]


def output_part(ffn: FfnBlock) -> str:
    """Name what `solve_output` solves of an FFN block."""
    return "FFN output" if ffn.linear_map is None else "FFN output and bypass"


def solve_output(ffn: FfnBlock, moments: SplitMoments) -> RidgeFit:
    """Solve and set the second map of an FFN block, and a bypass with it.

    Args:
        ffn: An FFN block.
        moments: Of `output_inputs` and of what the block should add.
    """
    ffn_out, bypass = ffn.output, ffn.linear_map
    prior, neurons = affine_of(ffn_out), ffn_out.in_features
    moments = moments.for_maps(ffn_out)
    if bypass is None:
        solved = moments.solve(prior)
        set_affine(solved.affine, ffn_out)
        return solved
    prior = Affine(torch.cat([prior.weight, matrix_of(bypass)]), prior.bias)
    if isinstance(bypass, nn.Linear):
        solved = moments.solve(prior)
        set_matrix(bypass, solved.affine.weight[neurons:])
    else:
        first, second = factors_of(bypass)
        factored = _solve_factored(moments, prior, whole=neurons, rank=first.out_features)
        solved = factored.fit
        if solved.ridge is None:
            return solved
        set_matrix(first, factored.into)
        set_matrix(second, solved.affine.weight[neurons:])
    set_affine(Affine(solved.affine.weight[:neurons], solved.affine.bias), ffn_out)
    return solved


def solve_fill(fill: nn.Linear | nn.Sequential, moments: SplitMoments) -> RidgeFit:
    """Solve and set the linear map that stands in an FFN block's place.

    Args:
        fill: The map, or its two factors.
        moments: Of the inputs of the block and of what the map should add.
    """
    if isinstance(fill, nn.Linear):
        solved = moments.solve(affine_of(fill))
        set_affine(solved.affine, fill)
        return solved
    first, second = factors_of(fill)
    prior = Affine(matrix_of(fill), affine_of(second).bias)
    factored = _solve_factored(moments, prior, whole=0, rank=first.out_features)
    if factored.fit.ridge is not None:
        set_matrix(first, factored.into)
        set_affine(factored.fit.affine, second)
    return factored.fit


@dataclass(frozen=True)
class _Factored:
    """A map of which the last inputs go through a narrow one first.

    Attributes:
        fit: The map that follows the narrow one; its ridge is None where the prior stays instead.
        into: The narrow one, (inputs, rank).
    """

    fit: RidgeFit
    into: Tensor


def _solve_factored(moments: SplitMoments, prior: Affine, *, whole: int, rank: int) -> _Factored:
    """Solve a map at full rank, take the best narrow map from it, and solve the map after it.

    Args:
        moments: Of inputs and targets.
        prior: What the map is pulled towards.
        whole: How many of the first inputs go past the narrow map.
        rank: What is left of the other inputs.
    """
    full = moments.solve(prior)
    into, out_of = low_rank(moments.both.xx[whole:, whole:], full.affine.weight[whole:], rank)
    narrowing = into.new_zeros(whole + len(into), whole + rank)
    narrowing[:whole, :whole].fill_diagonal_(1)
    narrowing[whole:, whole:] = into
    start = Affine(torch.cat([prior.weight[:whole], out_of]), prior.bias)
    solved = replace(moments.projected(narrowing).solve(start), before=full.before)
    if solved.ridge is None or not solved.after < solved.before:
        solved = RidgeFit(prior, None, full.before, full.before)
    return _Factored(solved, into)
