"""Scores of a model's answers, each with what its bootstrap needs.

The figure itself comes from scikit-learn or scipy. To resample it 2,000 times, each metric is also
written as a formula over weights, (resamples, rows): how often a row was drawn. Most are formulas
of sums over the rows, so that a matrix product does for all resamples at once.

To add a metric, add its row to `bertslim/records/units.py`, write a function that returns a `Score`
and call it in the `score` of a task.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertslim.arrays import FloatArray, IntArray
from bertslim.records.units import METRICS, SCORE_PREFIX, Metric

Statistic = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Score:
    """One metric of one model.

    Attributes:
        name: Such as "macro_f1", the name of its row in METRICS without SCORE_PREFIX.
        value: The figure.
        rows: Rows that it was worked out from.
        resampled: Weights (resamples, rows) to the figure of each resample (resamples,).
        defined: Whether the truth allows for the figure; if not, it is not to be reported.
    """

    name: str
    value: float
    rows: int
    resampled: Statistic
    defined: bool = True

    @property
    def metric(self) -> Metric:
        """Its unit, and which way is better.

        Raises:
            KeyError: The name has no row in METRICS.
        """
        return METRICS[f"{SCORE_PREFIX}{self.name}"]


def score_of_sums(
    name: str,
    per_row: FloatArray,
    formula: Statistic,
    *,
    value: float | None = None,
) -> Score:
    """Make a score that is a formula of sums over rows.

    Args:
        name: Of the metric.
        per_row: (rows, sums): what each row adds.
        formula: (…, sums) -> (…).
        value: The figure where a library worked it out.
    """
    figure = float(formula(per_row.sum(axis=0))) if value is None else value
    return Score(name, figure, len(per_row), lambda weights: formula(weights @ per_row))


def mean_score(name: str, per_row: NDArray[Any]) -> Score:
    """Make a score that is the mean of a figure that each row has."""
    sums = np.stack([per_row.astype(np.float64), np.ones(len(per_row))], axis=1)
    return score_of_sums(name, sums, lambda total: share(total[..., 0], total[..., 1]))


def ratio_score(name: str, above: NDArray[Any], below: NDArray[Any]) -> Score:
    """Make a share of two counts, each summed over the rows first."""
    sums = np.stack([above, below], axis=1).astype(np.float64)
    return score_of_sums(name, sums, lambda total: share(total[..., 0], total[..., 1]))


def f1_score_of_counts(
    name: str, right: IntArray, true: IntArray, predicted: IntArray, *, value: float | None = None
) -> Score:
    """Make an F1 score, 2 right / (true + predicted), of counts (rows,) of spans or labels."""
    sums = np.stack([2 * right, true + predicted], axis=1).astype(np.float64)
    return score_of_sums(name, sums, lambda total: share(total[..., 0], total[..., 1]), value=value)


def accuracy(labels: IntArray, predictions: IntArray) -> Score:
    """Score the share of rows predicted right."""
    return mean_score("accuracy", labels == predictions)


def macro_f1(labels: IntArray, predictions: IntArray) -> Score:
    """Score F1 averaged over the classes that occur, each counting the same.

    Args:
        labels: (rows,) of classes, or (rows, classes) of 0 and 1.
        predictions: Of the same shape.
    """
    from sklearn.metrics import f1_score

    true, predicted = _one_hot(labels, predictions)
    value = f1_score(labels, predictions, average="macro", zero_division=0)
    every_class = labels.ndim == 2  # of several labels a text, scikit-learn counts all

    def formula(total: FloatArray) -> FloatArray:
        right, either = np.split(total, 2, axis=-1)
        counted = np.ones_like(either) if every_class else either > 0
        return share(share(2 * right, either).sum(axis=-1), counted.sum(axis=-1))

    sums = np.concatenate([true * predicted, true + predicted], axis=1)
    return score_of_sums("macro_f1", sums, formula, value=float(value))


def micro_f1(labels: IntArray, predictions: IntArray) -> Score:
    """Score F1 over all labels of all texts, both (rows, classes) of 0 and 1."""
    from sklearn.metrics import f1_score

    value = float(f1_score(labels, predictions, average="micro", zero_division=0))
    right = (labels * predictions).sum(axis=1)
    return f1_score_of_counts(
        "micro_f1", right, labels.sum(axis=1), predictions.sum(axis=1), value=value
    )


def matthews(labels: IntArray, predictions: IntArray) -> Score:
    """Score Matthews' correlation, for several classes R_K (Gorodkin 2004), of (rows,) of classes.

    It is 0 where all labels or all predictions are of one class.
    """
    from sklearn.metrics import matthews_corrcoef

    true, predicted = _one_hot(labels, predictions)

    def formula(total: FloatArray) -> FloatArray:
        right, t, p = total[..., 0], *np.split(total[..., 1:], 2, axis=-1)
        rows = t.sum(axis=-1)
        above = right * rows - (t * p).sum(axis=-1)
        below = (rows**2 - (t**2).sum(axis=-1)) * (rows**2 - (p**2).sum(axis=-1))
        return share(above, np.sqrt(below))

    sums = np.concatenate([(labels == predictions)[:, None], true, predicted], axis=1)
    value = float(matthews_corrcoef(labels, predictions)) if len(np.unique(labels)) > 1 else 0.0
    return score_of_sums("mcc", sums.astype(np.float64), formula, value=value)


def mean_squared_error(truth: FloatArray, predictions: FloatArray) -> Score:
    """Score the mean of the squared errors."""
    return mean_score("mse", (truth - predictions) ** 2)


def pearson(truth: FloatArray, predictions: FloatArray) -> Score:
    """Score Pearson's correlation; 0 where one side never changes, undefined if it is truth."""
    from scipy.stats import pearsonr

    varies = _varies(truth, predictions)
    value = float(pearsonr(truth, predictions).statistic) if varies else 0.0
    sides = truth - truth.mean(), predictions - predictions.mean()
    return Score(
        "pearson",
        value,
        len(truth),
        lambda weights: _weighted_correlation(*sides, weights),
        defined=_varies(truth),
    )


def spearman(truth: FloatArray, predictions: FloatArray) -> Score:
    """Score Spearman's rank correlation; 0 and undefined as Pearson's."""
    from scipy.stats import spearmanr

    varies = _varies(truth, predictions)
    value = float(spearmanr(truth, predictions).statistic) if varies else 0.0
    rank_truth, rank_predictions = _ranker(truth), _ranker(predictions)

    def resampled(weights: FloatArray) -> FloatArray:
        return _weighted_correlation(rank_truth(weights), rank_predictions(weights), weights)

    return Score("spearman", value, len(truth), resampled, defined=_varies(truth))


RANKED = 10  # of the passages of a query, how many count


def ndcg(queries: Sequence[str], relevance: FloatArray, scores: FloatArray) -> Score:
    """Score the discounted gain of the first passages of each query, as a share of the best order.

    The gain of a passage is its relevance, as in trec_eval, below 0 as 0; passages with equal
    scores share their places (Järvelin and Kekäläinen 2002). A resample draws queries. Queries
    whose passages are all relevant, or none of them, tell nothing and are left out.

    Args:
        queries: The query of each row.
        relevance: (rows,): how relevant its passage is; 0 for not.
        scores: (rows,): what the model puts out.
    """
    from sklearn.metrics import ndcg_score

    return _query_score(
        "ndcg_10",
        [
            float(ndcg_score(gains[None], given[None], k=RANKED))
            for gains, given in _by_query(queries, relevance, scores)
        ],
    )


def reciprocal_rank(queries: Sequence[str], relevance: FloatArray, scores: FloatArray) -> Score:
    """Score 1 / the place of the first relevant passage of each query; 0 beyond the first ones.

    Passages that are not relevant and have the same score stand before it. Arguments as above.
    """
    places = [
        1 + int((given[gains == 0] >= given[gains > 0].max()).sum())
        for gains, given in _by_query(queries, relevance, scores)
    ]
    return _query_score("mrr_10", [1 / place if place <= RANKED else 0.0 for place in places])


def _by_query(
    queries: Sequence[str], relevance: FloatArray, scores: FloatArray
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield the gains and the scores of the passages of each query that tells models apart."""
    _, query = np.unique(np.asarray(queries), return_inverse=True)
    gains = relevance.clip(min=0)
    for number in range(query.max(initial=-1) + 1):
        of_query = query == number
        relevant = gains[of_query] > 0
        if relevant.any() and not relevant.all():
            yield gains[of_query], scores[of_query]


def _query_score(name: str, per_query: Sequence[float]) -> Score:
    score = mean_score(name, np.asarray(per_query, dtype=np.float64))
    return score if per_query else replace(score, defined=False)


def _weighted_correlation(first: FloatArray, second: FloatArray, weights: FloatArray) -> FloatArray:
    """Correlate (rows,) or (resamples, rows) with each other, row by row of the weights."""
    total = weights.sum(axis=-1, keepdims=True)
    first = first - (weights * first).sum(axis=-1, keepdims=True) / total
    second = second - (weights * second).sum(axis=-1, keepdims=True) / total
    spread = (weights * first**2).sum(axis=-1) * (weights * second**2).sum(axis=-1)
    return share((weights * first * second).sum(axis=-1), np.sqrt(spread))


def _ranker(values: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return a function from weights to the rank of each value among those drawn, ties shared."""
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(group.max() + 1))

    def ranks(weights: FloatArray) -> FloatArray:
        drawn = np.add.reduceat(weights[:, order], starts, axis=1)
        middle = drawn.cumsum(axis=1) - (drawn - 1) / 2
        drawn_ranks: FloatArray = middle[:, group]
        return drawn_ranks

    return ranks


def _one_hot(labels: IntArray, predictions: IntArray) -> tuple[FloatArray, FloatArray]:
    if labels.ndim == 2:
        return labels.astype(np.float64), predictions.astype(np.float64)
    classes = np.arange(max(labels.max(), predictions.max()) + 1)
    true, predicted = ((ids[:, None] == classes).astype(float) for ids in (labels, predictions))
    return true, predicted


def _varies(*sides: FloatArray) -> bool:
    return all(np.ptp(side) > 0 for side in sides)


def share(above: FloatArray, below: FloatArray) -> FloatArray:
    """Divide; 0 by 0 is 0."""
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(answers: Sequence[str], given: str) -> float:
    """Return 1 if the answer given is one of the right ones, once normalised; else 0."""
    return max(float(_normalise(answer) == _normalise(given)) for answer in answers or ("",))


def f1_of_words(answers: Sequence[str], given: str) -> float:
    """Return F1 of the words of the answer given and the nearest right one, once normalised.

    If either has no words, it is 1 where both have none, else 0 (Rajpurkar et al. 2018).
    """
    return max(
        _f1(_normalise(answer).split(), _normalise(given).split()) for answer in answers or ("",)
    )


def _f1(true: Sequence[str], given: Sequence[str]) -> float:
    if not true or not given:
        return float(true == given)
    right = sum((Counter(true) & Counter(given)).values())
    return 2 * right / (len(true) + len(given))


def _normalise(text: str) -> str:
    """Lower the case, drop punctuation and articles, and fold white space."""
    words = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", words).split())
