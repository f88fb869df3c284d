"""ONNX Runtime with tokenizers, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, Any]]:
    file = directory / "onnx" / "model.onnx"
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(directory / "onnx" / "tokenizer.json"))
    tokenizer.enable_padding()

    def answer(texts: list[Any]) -> tuple[str, Any]:
        encoded = tokenizer.encode_batch(texts)
        mask = np.array([one.attention_mask for one in encoded])
        inputs = {
            "input_ids": np.array([one.ids for one in encoded]),
            "attention_mask": mask,
            "token_type_ids": np.array([one.type_ids for one in encoded]),
        }
        found = session.run(None, inputs)[0]
        if kind != "encoder":
            return "logits", found
        return "hidden states", [
            states[real].ravel() for states, real in zip(found, mask.astype(bool), strict=True)
        ]

    return answer
