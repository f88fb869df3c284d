"""fastembed: its custom models, of the ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType
from fastembed.rerank.cross_encoder import TextCrossEncoder

NAME = "mine/result"
FILE = {"sources": ModelSource(hf=NAME), "model_file": "onnx/model.onnx"}


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, list[Any]]]:
    if kind == "encoder":
        TextEmbedding.add_custom_model(
            NAME, pooling=PoolingType.MEAN, normalization=True, dim=384, **FILE
        )
        encoder = TextEmbedding(NAME, specific_model_path=str(directory))
        return lambda texts: ("embeddings", list(encoder.embed(texts)))
    TextCrossEncoder.add_custom_model(NAME, **FILE)
    reranker = TextCrossEncoder(NAME, specific_model_path=str(directory))
    return lambda pairs: (
        "logits",
        [
            [score]
            for query, group in groupby(pairs, key=lambda pair: pair[0])
            for score in reranker.rerank(query, [passage for _, passage in group])
        ],
    )
