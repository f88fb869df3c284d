"""What a model's head needs of the data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertslim.model.config_facts import read_facts
from bertslim.model.families import FAMILIES
from bertslim.model.head_facts import describe_head
from bertslim.model.heads import heads_of


@pytest.mark.parametrize("model_type", FAMILIES)
def test_heads_with_an_output_map_to_the_vocabulary_predict_words(
    model_type: str, tiny_model: Callable[..., Any]
) -> None:
    for head in heads_of(FAMILIES[model_type]):
        model = tiny_model(model_type, head)
        config = model.config.to_dict() | {"architectures": [type(model).__name__]}
        described = describe_head(Path(), config, read_facts(config))
        assert described.kind == head
        assert described.predicts_words == (model.get_output_embeddings() is not None)
