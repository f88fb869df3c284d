"""Tiny models of which every layer lacks something, for the tests of what is exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.families import FAMILIES

UNEVEN = [
    {"op": "drop_ffn", "layers": [0]},
    {"op": "drop_attention", "layers": [1]},
    {"op": "resize_ffn", "layers": [1], "width": 24},
]
CASES = [
    ("bert", "SequenceClassification"),
    ("bert", ""),
    ("mpnet", "QuestionAnswering"),
    ("distilbert", "SequenceClassification"),
]
MORE = [
    pytest.param(model_type, head, marks=pytest.mark.slow)
    for model_type in ("bert", "mpnet", "distilbert", "roberta", "electra")
    for head in ("SequenceClassification", "QuestionAnswering", "")
    if (model_type, head) not in CASES
]


def uneven_model(
    make_checkpoint: Callable[..., Path],
    make_recipe: Callable[..., Any],
    cut: Callable[..., Path],
    model_type: str,
    head: str,
) -> Checkpoint:
    """Cut a tiny model of two layers; the first three arguments are the fixtures of that name."""
    layers = {FAMILIES[model_type].keys.layers: 2}
    recipe = make_recipe(*UNEVEN, name="uneven", reconstruct={"samples": 1})
    return load_checkpoint(cut(make_checkpoint(model_type, head, **layers), recipe))
