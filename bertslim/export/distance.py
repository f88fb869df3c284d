"""How far an exported model is from PyTorch on texts, where rounding lets answers differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.data.paired_batches import PairedBatch
from bertslim.data.task import Batch
from bertslim.export.parity import ExportedModel
from bertslim.measure.fidelity import measure_fidelity
from bertslim.measure.predictions import compare_predictions
from bertslim.model.checkpoint import Checkpoint

CLOSE_ENOUGH = 0.002  # nats of KL, or what a cosine or a correlation lacks to 1


@dataclass(frozen=True)
class Distance:
    """How far rounding moves answers: KL in nats, or what a cosine or a correlation lacks to 1.

    Attributes:
        estimate: On the texts.
        least: The lower end of its 95 % interval: a few texts make up most of it.
    """

    estimate: float
    least: float

    @property
    def is_small(self) -> bool:
        """Whether nothing shows that it is more than CLOSE_ENOUGH."""
        return self.least <= CLOSE_ENOUGH


def distance_on(
    batches: Sequence[Batch], checkpoint: Checkpoint, exported: ExportedModel
) -> Distance | None:
    """Compare an exported model with its checkpoint on texts; None: nothing can be compared.

    Args:
        batches: The texts.
        checkpoint: In float32.
        exported: What was made of it.
    """
    comparison = compare_predictions(
        checkpoint, exported, [PairedBatch(batch, batch) for batch in batches]
    )
    figures = {
        measurement.name: measurement
        for measurement in measure_fidelity(comparison, seed=0, context={})
    }
    if (kl := figures.get("fidelity.kl")) is not None:
        assert kl.slim is not None  # noqa: S101
        assert kl.interval is not None  # noqa: S101
        return Distance(kl.slim, kl.interval.low)
    likeness = figures.get("fidelity.cosine", figures.get("fidelity.pearson"))
    if likeness is None:
        return None
    assert likeness.slim is not None  # noqa: S101
    most = likeness.interval.high if likeness.interval else likeness.slim
    return Distance(1 - likeness.slim, 1 - most)
