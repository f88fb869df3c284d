"""OpenVINO with tokenizers, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from tokenizers import Tokenizer


def load(directory: Path, kind: str) -> Callable[[list[Any]], tuple[str, Any]]:
    file = directory / "openvino" / "openvino_model.xml"
    float32 = {"INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(file, "CPU", float32)
    tokenizer = Tokenizer.from_file(str(directory / "openvino" / "tokenizer.json"))
    tokenizer.enable_padding()

    def answer(texts: list[Any]) -> tuple[str, Any]:
        encoded = tokenizer.encode_batch(texts)
        mask = np.array([one.attention_mask for one in encoded])
        inputs = {
            "input_ids": np.array([one.ids for one in encoded]),
            "attention_mask": mask,
            "token_type_ids": np.array([one.type_ids for one in encoded]),
        }
        found = model(inputs)[0]
        if kind != "encoder":
            return "logits", found
        return "hidden states", [
            states[real].ravel() for states, real in zip(found, mask.astype(bool), strict=True)
        ]

    return answer
