"""optimum-onnx: the folder of the ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from optimum.onnxruntime import ORTModelForFeatureExtraction, ORTModelForSequenceClassification
from transformers import AutoTokenizer


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, list[Any]]]:
    folder = directory / "onnx"
    encodes = kind == "encoder"
    loaded = ORTModelForFeatureExtraction if encodes else ORTModelForSequenceClassification
    model = loaded.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def answer(texts: list[Any]) -> tuple[str, list[Any]]:
        inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            outputs = model(**inputs)
        if not encodes:
            return "logits", outputs.logits.tolist()
        hidden, mask = outputs.last_hidden_state, inputs["attention_mask"].bool()
        return "hidden states", [
            states[real].flatten().tolist() for states, real in zip(hidden, mask, strict=True)
        ]

    return answer
