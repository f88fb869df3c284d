"""Linear probes: what a linear classifier can read from the representations at each site.

Each is a ridge classifier on standardised features whose ridge is chosen by leave-one-out
cross-validation. A control of the same kind learns random labels (Hewitt and Liang 2019,
1909.03368): one for each word for tokens, which a representation that tells words apart gives away,
and one for each text. What a probe does better than its control is in the representation; the rest
the probe may have learned by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bertslim.analyze.features import Features, gather_features
from bertslim.analyze.representations import sites_of
from bertslim.arrays import Float32Array, IntArray
from bertslim.data.metrics import Score, accuracy, macro_f1
from bertslim.data.task import Batch
from bertslim.measure.bootstrap import statistic_interval
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.records import ProbePoint, Probes, Role, Site

RIDGES = tuple(float(ridge) for ridge in np.logspace(-1, 5, 7))
_METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1"}
MOST_FITTED, MOST_SCORED = 10_000, 5_000


@dataclass(frozen=True)
class LabelledTexts:
    """Texts that probes are fitted to, and others that they are scored on, as batches with labels.

    Attributes:
        fit: Of the fit split.
        report: Of the report split.
    """

    fit: Sequence[Batch]
    report: Sequence[Batch]

    @property
    def per_token(self) -> bool:
        """Whether tokens have the labels, rather than texts."""
        labels = self.fit[0].labels
        return labels is not None and labels.dim() > 1


def measure_probes(
    models: dict[Role, Checkpoint],
    texts: dict[Role, LabelledTexts],
    progress: Progress,
    *,
    seed: int,
) -> Probes:
    """Fit a probe and its control at every site of every model.

    Args:
        models: One or two.
        texts: The same for each, as it takes them.
        progress: Where to show how far it is.
        seed: Settles the random labels and the bootstrap.
    """
    points: list[ProbePoint] = []
    per_token = texts["base"].per_token
    for role, checkpoint in models.items():
        given = texts[role]
        with (
            gather_features(checkpoint, given.fit, progress, most=MOST_FITTED) as fitted,
            gather_features(checkpoint, given.report, progress, most=MOST_SCORED) as scored,
        ):
            control = _control(fitted, scored, seed)
            sites = sites_of(checkpoint.facts)
            for site in progress.track(sites, "probing", total=len(sites), unit="block"):
                points.append(_point(role, site, fitted, scored, control, per_token, seed))
    frequent = np.full_like(scored.labels, np.bincount(fitted.labels).argmax())
    score = _score(scored.labels, frequent, per_token)
    return Probes(
        unit="tokens" if per_token else "texts",
        metric=_METRICS[score.name],
        fitted=len(fitted.labels),
        scored=len(scored.labels),
        chance=score.value,
        points=tuple(points),
    )


@dataclass(frozen=True)
class _Control:
    """Random labels of the examples that are fitted to, and of those that are scored."""

    fitted: IntArray
    scored: IntArray


def _control(fitted: Features, scored: Features, seed: int) -> _Control:
    """Draw a label for each word or text, as frequent as the true ones are."""
    draw = np.random.default_rng(seed)
    words = np.union1d(fitted.words, scored.words)
    drawn = draw.choice(fitted.labels, size=len(words))
    return _Control(*(drawn[np.searchsorted(words, part.words)] for part in (fitted, scored)))


def _point(
    role: Role,
    site: Site,
    fitted: Features,
    scored: Features,
    control: _Control,
    per_token: bool,
    seed: int,
) -> ProbePoint:
    known, asked = _standardised(fitted.at(site), scored.at(site))
    answers, ridge = _fit_and_answer(known, fitted.labels, asked)
    at_random, _ = _fit_and_answer(known, control.fitted, asked)
    score = _score(scored.labels, answers, per_token)
    interval = statistic_interval(score.resampled, None, rows=score.rows, seed=seed)
    return ProbePoint(
        model=role,
        site=site,
        score=score.value,
        low=interval.low,
        high=interval.high,
        control=_score(control.scored, at_random, per_token).value,
        ridge=ridge,
    )


def _standardised(known: Float32Array, asked: Float32Array) -> tuple[Float32Array, Float32Array]:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(known)
    return scaler.transform(known), scaler.transform(asked)


def _fit_and_answer(
    known: Float32Array, labels: IntArray, asked: Float32Array
) -> tuple[IntArray, float]:
    """Return what a probe answers, and the ridge that it was fitted with."""
    from sklearn.linear_model import RidgeClassifierCV

    if len(np.unique(labels)) < 2:
        return np.full(len(asked), labels[0]), 0.0
    probe = RidgeClassifierCV(RIDGES, class_weight="balanced").fit(known, labels)
    return probe.predict(asked), float(probe.alpha_)


def _score(labels: IntArray, answers: IntArray, per_token: bool) -> Score:
    """Most tokens have no label of interest, so that their accuracy would mean little."""
    return macro_f1(labels, answers) if per_token else accuracy(labels, answers)
