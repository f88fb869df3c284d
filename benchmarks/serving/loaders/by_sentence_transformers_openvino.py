"""sentence-transformers: the folder of the IR, by its backend for OpenVINO."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sentence_transformers import CrossEncoder, SentenceTransformer

FLOAT32 = {"ov_config": {"INFERENCE_PRECISION_HINT": "f32"}}


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, Any]]:
    folder = str(directory / "openvino")
    if kind == "encoder":
        encoder = SentenceTransformer(folder, backend="openvino", model_kwargs=FLOAT32)
        return lambda texts: ("embeddings", encoder.encode(texts))
    reranker = CrossEncoder(folder, backend="openvino", model_kwargs=FLOAT32)
    return lambda pairs: ("scores", reranker.predict(pairs)[:, None])
