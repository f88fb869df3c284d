"""sentence-transformers: the folder of the ONNX file, by its backend for ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sentence_transformers import CrossEncoder, SentenceTransformer


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, Any]]:
    folder = str(directory / "onnx")
    if kind == "encoder":
        encoder = SentenceTransformer(folder, backend="onnx")
        return lambda texts: ("embeddings", encoder.encode(texts))
    reranker = CrossEncoder(folder, backend="onnx")
    return lambda pairs: ("scores", reranker.predict(pairs)[:, None])
