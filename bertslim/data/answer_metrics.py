"""Exact match and F1 of an answer, as the official evaluation script of SQuAD has them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(answers: Sequence[str], given: str) -> float:
    """Return 1 if the answer given is one of the right ones, once normalised; else 0."""
    return max(float(_normalise(one) == _normalise(given)) for one in answers or ("",))


def f1_of_words(answers: Sequence[str], given: str) -> float:
    """Return F1 of the words of the answer given and the nearest right one, once normalised.

    If either has no words, it is 1 where both have none, else 0 (Rajpurkar et al. 2018).
    """
    return max(_f1(_normalise(one).split(), _normalise(given).split()) for one in answers or ("",))


def _f1(true: Sequence[str], given: Sequence[str]) -> float:
    if not true or not given:
        return float(true == given)
    right = sum((Counter(true) & Counter(given)).values())
    return 2 * right / (len(true) + len(given))


def _normalise(text: str) -> str:
    """Lower the case, drop punctuation and articles, and fold white space."""
    words = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", words).split())
