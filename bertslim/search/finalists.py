"""Configurations made for real: repaired from the bottom up, and judged on the select split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from transformers import PreTrainedModel

from bertslim.data.metrics import Score
from bertslim.data.paired_batches import PairedBatch
from bertslim.data.task import Batch, Rows
from bertslim.measure.predictions import PredictionComparison, compare_predictions
from bertslim.model.checkpoint import Checkpoint, build_slim, sharing_copy
from bertslim.progress import Progress
from bertslim.recipe.plan import CutPlan
from bertslim.records import Repair
from bertslim.repair.reconstruct import reconstruct
from bertslim.search.certify import Drop as SeenDrop
from bertslim.search.certify import PairedRows, ResampledDrop
from bertslim.surgery.block_damage import damage_of
from bertslim.surgery.layer_surgery import operate
from bertslim.surgery.survey import Survey

_RESAMPLES = 1000
_AT_ONCE = 64  # resamples: each has a weight for every row


@dataclass(frozen=True)
class Finalist:
    """A configuration that was made.

    Attributes:
        plan: Its recipe, worked out.
        model: The slim model, in the type that the base is stored in.
        repairs: What was solved.
    """

    plan: CutPlan
    model: PreTrainedModel
    repairs: tuple[Repair, ...]


@dataclass(frozen=True)
class Judged:
    """What a model is worth on the select split.

    Attributes:
        damage: KL to the base in nats, 1 - cosine, or 1 - Pearson's r.
        metric: The main metric of the task; None: the rows have no labels that the model predicts.
        base: What the base scores.
        slim: What the model scores.
        drop: The difference, with what its bound comes from; None as above.
    """

    damage: float
    metric: str | None = None
    base: float = 0.0
    slim: float = 0.0
    drop: SeenDrop | None = None


def make_finalist(
    base: Checkpoint,
    plan: CutPlan,
    batches: Sequence[Batch],
    surveyed: Survey,
    *,
    dtype: torch.dtype,
    seed: int,
    progress: Progress,
) -> Finalist:
    """Carry out the recipe of a configuration as `bertslim cut` does.

    Args:
        base: The model, in float32 and eval mode; left as it is.
        plan: The recipe, worked out for it.
        batches: The calibration texts.
        surveyed: What was measured of the base on them.
        dtype: What the base is stored in.
        seed: Settles which texts are held out to choose ridges on.
        progress: Shows the layers.

    Raises:
        ModelError: Activations are not finite.
    """
    model = sharing_copy(base.model)
    operate(model, plan, surveyed.scores)
    slim = build_slim(replace(base, model=model), plan.record)
    repairs = reconstruct(
        base,
        slim,
        plan,
        batches,
        gradient_moments=surveyed.gradient_moments,
        seed=seed,
        progress=progress,
    )
    slim.to(dtype=dtype)  # type: ignore[call-arg]
    return Finalist(plan, slim, repairs)


def judge_finalist(
    base: Checkpoint, slim: PreTrainedModel, rows: Rows, batches: Sequence[Batch], *, seed: int
) -> Judged:
    """Compare a model with the base on rows that it was not solved from.

    Args:
        base: The teacher.
        slim: The model.
        rows: The select split.
        batches: The same as the models take them.
        seed: Settles the resamples of a metric that is no share of rows.

    Raises:
        ModelError: A model puts out numbers that are not finite.
    """
    comparison = compare_predictions(
        base,
        slim,
        [PairedBatch(batch, batch) for batch in batches],
        task=rows.task if rows.scorable else None,
    )
    damage = _damage(comparison)
    if comparison.base_answers is None or comparison.slim_answers is None:
        return Judged(damage)
    before, after = (
        rows.task.score(rows.table, answers)[0]
        for answers in (comparison.base_answers, comparison.slim_answers)
    )
    if not (before.defined and after.defined and before.metric.rises_to_one):
        return Judged(damage)
    drop = paired_drop(before, after, seed=seed)
    return Judged(damage, before.name, before.value, after.value, drop)


def _damage(comparison: PredictionComparison) -> float:
    fields = {
        name: torch.from_numpy(values)
        for name in ("kl", "cosine", "base_outputs", "slim_outputs")
        if (values := getattr(comparison, name)) is not None
    }
    return float(damage_of(fields))


def paired_drop(base: Score, slim: Score, *, seed: int) -> SeenDrop:
    """Return the drop of a metric, as rows that are won and lost where it is a share of rows.

    Args:
        base: The score of the base.
        slim: That of the other model on the same rows.
        seed: Settles the resamples of any other metric.
    """
    rows = base.rows
    if base.name == "accuracy":
        before, after = _row_by_row(base), _row_by_row(slim)
        lost, won = (before > after).sum(), (before < after).sum()
        return PairedRows(rows, int(lost), int(won))
    draw = np.random.default_rng(seed)
    resampled = []
    for start in range(0, _RESAMPLES, _AT_ONCE):
        count = min(_AT_ONCE, _RESAMPLES - start)
        weights = draw.multinomial(rows, np.full(rows, 1 / rows), size=count).astype(np.float64)
        resampled.append(base.resampled(weights) - slim.resampled(weights))
    return ResampledDrop(rows, base.value - slim.value, np.concatenate(resampled))


def _row_by_row(score: Score) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the score of each row alone."""
    parts = []
    for start in range(0, score.rows, _AT_ONCE):
        count = min(_AT_ONCE, score.rows - start)
        weights = np.zeros((count, score.rows))
        weights[np.arange(count), start + np.arange(count)] = 1
        parts.append(score.resampled(weights))
    return np.concatenate(parts)
