"""The labels of a split in figures, so that a person sees a wrong reading at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bertslim.records import LabelCount, LabelSummary, ScoreRange


def count_labels(counts: Iterable[tuple[str, int]], *, of: int) -> LabelSummary:
    """List labels by how often they occur, those that do not left out.

    Args:
        counts: Pairs of a label and how many rows, words or spans have it.
        of: How many there are in all; 0 where a share would mean nothing.
    """
    occurring = [(name, int(count)) for name, count in counts if count]
    occurring.sort(key=lambda pair: -pair[1])
    labels = tuple(LabelCount(name=name, count=count) for name, count in occurring)
    return LabelSummary(counts=labels, of=of)


def summarise_scores(scores: Sequence[float]) -> LabelSummary | None:
    """Give the range of scores and their mean; None where there are none."""
    if not scores:
        return None
    mean = sum(scores) / len(scores)
    return LabelSummary(scores=ScoreRange(low=min(scores), mean=mean, high=max(scores)))
