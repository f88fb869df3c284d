"""What the files of a checkpoint describe, without a weight being loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE
from bertslim.model.checkpoint_files import (
    WeightFiles,
    find_weights,
    has_weights,
    read_config,
)
from bertslim.model.config_facts import family_of, read_facts
from bertslim.records import ModelFacts


@dataclass(frozen=True)
class Description:
    """A checkpoint's configuration, its shape and its weight files.

    Attributes:
        config: The content of `config.json`.
        facts: Its shape.
        weights: The weight files; none where only the configuration is at hand.
    """

    config: dict[str, Any]
    facts: ModelFacts
    weights: WeightFiles


def describe_checkpoint(directory: Path, *, config_only: bool = False) -> Description:
    """Read the files.

    Args:
        directory: The checkpoint.
        config_only: Whether the weights may be missing.

    Raises:
        ModelError: A file is missing or damaged, or the family is not supported.
    """
    config = read_config(directory)
    missing = config_only and not has_weights(directory)
    try:
        family_of(config)
        weights = WeightFiles((), None) if missing else find_weights(directory)
        return Description(config, read_facts(config, weights.tensors), weights)
    except ModelError as error:
        if error.where != CONFIG_FILE:
            raise
        where = str(directory / CONFIG_FILE)
        raise ModelError(error.what, where=where, remedy=error.remedy) from error
