"""Checkpoints around models that lie on no disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bertslim.data.embedder import Embedder
from bertslim.model.checkpoint import Checkpoint
from bertslim.model.checkpoint_files import WeightFiles
from bertslim.model.config_facts import read_facts
from bertslim.records import ModelFacts


def facts_of(model: Any) -> ModelFacts:
    """Read the shape of a model from its own configuration."""
    return read_facts(model.config.to_dict() | {"architectures": [type(model).__name__]})


def checkpoint_of(
    model: Any, *, facts: ModelFacts | None = None, embedder: Embedder | None = None
) -> Checkpoint:
    """Return a model as a checkpoint; what its configuration says can be overruled."""
    checkpoint = Checkpoint(
        directory=Path("/nonexistent"),
        model=model,
        facts=facts or facts_of(model),
        config=model.config.to_dict() if hasattr(model.config, "to_dict") else {},
        weights=WeightFiles(()),
        extra={},
    )
    if embedder is not None:
        vars(checkpoint)["embedder"] = embedder
    return checkpoint
