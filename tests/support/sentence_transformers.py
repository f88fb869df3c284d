"""Tiny sentence-transformers models on disk, with any setting."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

_TYPE = "sentence_transformers.models."


def save_sentence_transformer(
    encoder: Path,
    target: Path,
    *modules: Any,
    transformer: dict[str, Any] | None = None,
    model: dict[str, Any] | None = None,
    pooling: dict[str, Any] | None = None,
) -> Path:
    """Write the files of a sentence-transformers model around an encoder.

    Args:
        encoder: A checkpoint with its tokenizer.
        target: Where to write; a directory that is not there yet.
        modules: What follows the pooling, modules of sentence-transformers.
        transformer: `sentence_bert_config.json`; None: there is no such file.
        model: `config_sentence_transformers.json`; None: there is no such file.
        pooling: The configuration of the pooling, the mean unless it says otherwise.

    Returns:
        The directory.
    """
    shutil.copytree(encoder, target)
    listed = [("Transformer", ""), ("Pooling", "1_Pooling")]
    (target / "1_Pooling").mkdir()
    _write(target / "1_Pooling/config.json", pooling or {"pooling_mode": "mean"})
    for number, module in enumerate(modules, start=2):
        kind = type(module).__name__
        listed.append((kind, f"{number}_{kind}"))
        (target / listed[-1][1]).mkdir()
        module.save(str(target / listed[-1][1]))
    entries = [
        {"idx": number, "name": str(number), "path": path, "type": _TYPE + kind}
        for number, (kind, path) in enumerate(listed)
    ]
    _write(target / "modules.json", entries)
    if transformer is not None:
        _write(target / "sentence_bert_config.json", transformer)
    if model is not None:
        _write(target / "config_sentence_transformers.json", model)
    return target


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def save_cross_encoder(model: Path, target: Path, activation: str | None) -> Path:
    """Save a classifier or reranker as CrossEncoder does.

    Args:
        model: A checkpoint with its tokenizer.
        target: Where to write.
        activation: The full name of what is applied to its outputs; None: the default.

    Returns:
        The directory.
    """
    from sentence_transformers import CrossEncoder
    from sentence_transformers.util import import_from_string

    function = import_from_string(activation)() if activation else None
    CrossEncoder(str(model), activation_fn=function).save(str(target))
    return target
