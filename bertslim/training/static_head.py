"""Fit a logistic head on the mean of static embeddings, as the cheapest classifier of texts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from transformers import PreTrainedTokenizerBase

from bertslim.arrays import FloatArray, IntArray
from bertslim.data.batches import tokenise
from bertslim.data.load import text_length
from bertslim.data.splits import Splits
from bertslim.data.task import LABEL, Rows
from bertslim.data.text_classification import TextClassification
from bertslim.errors import DataError
from bertslim.model.checkpoint import Checkpoint
from bertslim.model.static_embeddings import LinearHead, StaticEmbeddings, token_embeddings

STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)  # inverse ridges, of which the select split chooses
_NEVER = -1e4  # the logit of a class that no row of the fit split has


def static_obstacle(checkpoint: Checkpoint, rows: Rows) -> str | None:
    """Say why static embeddings cannot do what a model does; None: they can.

    They can where one class is chosen for a text, and where texts are embedded by the mean.
    """
    facts = checkpoint.facts
    if facts.head == "":
        width = token_embeddings(checkpoint.model).shape[1]
        modes = checkpoint.embedder.pooling.modes
        if modes != ("mean",):
            return f"the model embeds by {'+'.join(modes)}, and no token of theirs knows the others"
        return None if width == facts.hidden_size else "they are not as wide as hidden states"
    task = rows.task
    if not isinstance(task, TextClassification):
        return f"no head is fitted on them for {task.name}"
    return "no head is fitted on them for several labels a text" if task.several else None


def fit_static(
    checkpoint: Checkpoint, tokenizer: PreTrainedTokenizerBase, splits: Splits
) -> StaticEmbeddings:
    """Make static embeddings of a model, with a head for its classes if it has one.

    The head is a logistic regression on the standardised means, fitted on the fit split; its ridge
    is the one with the least cross-entropy on the select split.

    Args:
        checkpoint: The model, for which there is no `static_obstacle`.
        tokenizer: Its tokenizer.
        splits: Labelled data, where the model has a head.

    Raises:
        DataError: The fit split has one class alone.
    """
    static = StaticEmbeddings.of(checkpoint.model, tokenizer)
    if checkpoint.facts.head == "":
        return static
    length = text_length(checkpoint.facts, tokenizer, splits.fit.task)
    fit, select = (
        _Examples.of(static, rows, tokenizer, length) for rows in (splits.fit, splits.select)
    )
    return replace(static, head=_fit_head(fit, select, checkpoint.facts.labels, splits))


@dataclass(frozen=True)
class _Examples:
    """The mean embeddings of texts, (texts, width), and the class of each, (texts,)."""

    means: FloatArray
    labels: IntArray

    @classmethod
    def of(
        cls,
        static: StaticEmbeddings,
        rows: Rows,
        tokenizer: PreTrainedTokenizerBase,
        length: int,
    ) -> _Examples:
        features = tokenise(rows, tokenizer, length, label=False)
        means = static.means([feature.inputs["input_ids"] for feature in features])
        return cls(means, np.asarray(rows.table[LABEL][:], dtype=np.int64))


def _fit_head(fit: _Examples, select: _Examples, classes: int, splits: Splits) -> LinearHead:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(fit.labels)) < 2:
        raise DataError("the fit split has one class alone", where=splits.record.source)
    scaler = StandardScaler().fit(fit.means)
    known = scaler.transform(fit.means)
    heads = (
        _unscaled(
            LogisticRegression(C=strength, max_iter=1000).fit(known, fit.labels), scaler, classes
        )
        for strength in STRENGTHS
    )
    return min(heads, key=lambda head: _cross_entropy(head, select))


def _unscaled(fitted: object, scaler: object, classes: int) -> LinearHead:
    """Write a regression on standardised means as a head on the means, with a logit a class."""
    coefficients, intercept = fitted.coef_, fitted.intercept_  # type: ignore[attr-defined]
    if len(coefficients) == 1:  # of two classes: the logit of the second, that of the first is 0
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercept = np.concatenate([np.zeros_like(intercept), intercept])
    scaled = coefficients / scaler.scale_  # type: ignore[attr-defined]
    weight = np.zeros((scaled.shape[1], classes))
    bias = np.full(classes, _NEVER)
    seen = fitted.classes_  # type: ignore[attr-defined]
    weight[:, seen] = scaled.T
    bias[seen] = intercept - scaled @ scaler.mean_  # type: ignore[attr-defined]
    return LinearHead(weight.astype(np.float32), bias.astype(np.float32))


def _cross_entropy(head: LinearHead, examples: _Examples) -> float:
    from scipy.special import log_softmax

    logits = examples.means @ head.weight + head.bias
    chosen = log_softmax(logits, axis=1)[np.arange(len(logits)), examples.labels]
    return -float(chosen.mean())
