"""How x86 CPUs without VNNI multiply int8, product by product."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def exact_product(inputs: NDArray[np.uint8], weight: NDArray[np.int8]) -> NDArray[np.int64]:
    """Multiply (rows, in) with (out, in), as CPUs with VNNI do."""
    product: NDArray[np.int64] = inputs.astype(np.int64) @ weight.astype(np.int64).T
    return product


def saturating_product(inputs: NDArray[np.uint8], weight: NDArray[np.int8]) -> NDArray[Any]:
    """Do the same as vpmaddubsw, vpmaddwd and vpaddd: two products at a time are held to int16."""
    totals = np.zeros((len(inputs), len(weight)), dtype=np.int64)
    for row, activations in enumerate(inputs):
        for column, weights in enumerate(weight):
            for start in range(0, len(weights), 2):
                both = sum(
                    int(activations[place]) * int(weights[place])
                    for place in range(start, min(start + 2, len(weights)))
                )
                totals[row, column] += max(-(2**15), min(2**15 - 1, both))
    return totals
