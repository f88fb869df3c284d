"""txtai: the ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

from txtai.embeddings import Embeddings
from txtai.pipeline import CrossEncoder, Labels


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, Any]]:
    folder = directory / "onnx"
    file = str(folder / "model.onnx")
    if kind == "encoder":
        encoder = Embeddings(path=file)
        return lambda texts: ("embeddings", encoder.batchtransform(texts))
    if kind == "classifier":
        classifier = Labels((file, str(folder)), dynamic=False)
        return lambda texts: (
            "probabilities",
            [[score for _, score in sorted(row)] for row in classifier(texts)],
        )
    reranker = CrossEncoder((file, str(folder)))
    return lambda pairs: (
        "logits",
        [
            [score]
            for query, group in groupby(pairs, key=lambda pair: pair[0])
            for _, score in sorted(
                reranker(query, [passage for _, passage in group], multilabel=None)
            )
        ],
    )
