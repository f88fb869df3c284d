"""transformers: the Auto classes on the result itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, list[Any]]]:
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    options = {"trust_remote_code": True} if "auto_map" in config else {}
    loaded = AutoModel if kind == "encoder" else AutoModelForSequenceClassification
    model = loaded.from_pretrained(directory, **options)
    tokenizer = AutoTokenizer.from_pretrained(directory, **options)

    def answer(texts: list[Any]) -> tuple[str, list[Any]]:
        inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            outputs = model(**inputs)
        if kind != "encoder":
            return "logits", outputs.logits.tolist()
        hidden, mask = outputs.last_hidden_state, inputs["attention_mask"].bool()
        return "hidden states", [
            states[real].flatten().tolist() for states, real in zip(hidden, mask, strict=True)
        ]

    return answer
