"""How closely the slim model follows the base; needs no labels."""

from __future__ import annotations

import numpy as np

from bertslim.measure.bootstrap import mean_interval
from bertslim.measure.predictions import Comparison, FloatArray
from bertslim.records import Measurement, Scalar, compare


def measure_fidelity(
    comparison: Comparison, *, seed: int, context: dict[str, Scalar], pooling: str = "mean"
) -> tuple[Measurement, ...]:
    """Turn a comparison into figures: KL and agreement, cosine, or correlation.

    Args:
        comparison: Of the base and the slim model on the same texts.
        seed: Settles the bootstrap.
        context: What was held fixed: data set, split, n.
        pooling: How embeddings were made, for bare encoders.
    """
    pooled = {**context, "pooling": pooling}
    found = [
        _mean("fidelity.kl", comparison.kl, seed, context),
        _mean("fidelity.agreement", comparison.agreement, seed, context),
        _mean("fidelity.cosine", comparison.cosine, seed, pooled),
    ]
    if comparison.kl is None and comparison.base_outputs is not None:
        found.append(_correlation(comparison, context))
    return tuple(measurement for measurement in found if measurement)


def _mean(
    name: str, values: FloatArray | None, seed: int, context: dict[str, Scalar]
) -> Measurement | None:
    if values is None:
        return None
    interval = mean_interval(values, seed=seed)
    return compare(name, None, float(values.mean()), interval=interval, **context)


def _correlation(comparison: Comparison, context: dict[str, Scalar]) -> Measurement | None:
    """Pearson's r between the outputs of regressors and rerankers, which have no classes."""
    base, slim = comparison.base_outputs, comparison.slim_outputs
    if base is None or slim is None or np.ptp(base) == 0 or np.ptp(slim) == 0:
        return None
    r = float(np.corrcoef(base.ravel(), slim.ravel())[0, 1])
    return compare("fidelity.pearson", None, r, interval=None, **context)
