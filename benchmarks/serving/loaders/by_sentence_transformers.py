"""sentence-transformers: the result itself, in PyTorch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sentence_transformers import CrossEncoder, SentenceTransformer


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, Any]]:
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    uneven = "auto_map" in config
    if kind == "encoder":
        encoder = SentenceTransformer(str(directory), trust_remote_code=uneven)
        return lambda texts: ("embeddings", encoder.encode(texts))
    reranker = CrossEncoder(str(directory), trust_remote_code=uneven)
    return lambda pairs: ("scores", reranker.predict(pairs)[:, None])
