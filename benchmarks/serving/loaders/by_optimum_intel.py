"""optimum-intel: the folder of the IR."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from optimum.intel import OVModelForFeatureExtraction, OVModelForSequenceClassification
from transformers import AutoTokenizer


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, list[Any]]]:
    folder = directory / "openvino"
    encodes = kind == "encoder"
    loaded = OVModelForFeatureExtraction if encodes else OVModelForSequenceClassification
    model = loaded.from_pretrained(folder, ov_config={"INFERENCE_PRECISION_HINT": "f32"})
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
