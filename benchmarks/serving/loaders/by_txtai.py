"""txtai: the result itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

from txtai.embeddings import Embeddings
from txtai.pipeline import CrossEncoder, Labels


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, Any]]:
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    options = {"trust_remote_code": True} if "auto_map" in config else {}
    if kind == "encoder":
        encoder = Embeddings(path=str(directory), vectors=options)
        return lambda texts: ("embeddings", encoder.batchtransform(texts))
    if kind == "classifier":
        classifier = Labels(str(directory), dynamic=False, **options)
        return lambda texts: (
            "probabilities",
            [[score for _, score in sorted(row)] for row in classifier(texts)],
        )
    reranker = CrossEncoder(str(directory), **options)
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
