"""Ridge regression on the tokens themselves, as the formulas say it: what others are tested on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def weighted_ridge(
    x: Array,
    y: Array,
    w: Array,
    prior: tuple[Array, Array],
    ridge: float,
    *,
    biased: bool = True,
) -> tuple[Array, Array]:
    """Solve the penalised problem as least squares: a row a token, a row an input's penalty.

    Args:
        x: (tokens, inputs)
        y: (tokens, outputs)
        w: (tokens,)
        prior: Matrix (inputs, outputs) and bias (outputs,); nothing is pulled to the bias.
        ridge: As a share of each input's own weighted variance, which counts as 0.0001 of the mean
            over the inputs where it is less; of its mean square without a bias.
        biased: Whether there is a bias.

    Returns:
        Matrix and bias.
    """
    centre = np.average(x, axis=0, weights=w) if biased else 0.0
    spread = np.sum(w[:, None] * (x - centre) ** 2, axis=0)
    spread = np.maximum(spread, 1e-4 * spread.mean())
    root, penalty = np.sqrt(w)[:, None], np.sqrt(ridge * spread)[:, None]
    inputs = x.shape[1]
    rows = np.vstack(
        [
            root * np.hstack([x, np.full((len(x), 1), float(biased))]),
            penalty * np.hstack([np.eye(inputs), np.zeros((inputs, 1))]),
        ]
    )
    wanted = np.vstack([root * y, penalty * prior[0]])
    solution = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return solution[:-1], solution[-1]
