"""Draw rows at random."""

from __future__ import annotations

import numpy as np

from bertslim.data.task import Rows


def draw_rows(rows: Rows, samples: int, *, seed: int) -> Rows:
    """Draw rows without replacement, long texts before short ones.

    A row is drawn in proportion to the length of its text in characters: that gives more tokens for
    the same number of texts, and more of the long contexts, where errors add up.

    Args:
        rows: The fit split.
        samples: How many; all of them where there are no more.
        seed: Settles the draw.

    Returns:
        The rows in their order.
    """
    if len(rows) <= samples:
        return rows
    lengths = np.array([len(key) for key in rows.split_keys()], dtype=np.float64)
    drawn = np.random.default_rng(seed).choice(
        len(rows), samples, replace=False, p=lengths / lengths.sum()
    )
    return rows.select(sorted(drawn.tolist()))
