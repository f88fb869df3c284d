"""What the files of a checkpoint describe, without a model being built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE
from bertslim.model.adapter import refuse_adapter
from bertslim.model.checkpoint_files import (
    WeightFiles,
    find_weights,
    has_weights,
    read_config,
)
from bertslim.model.config_facts import family_of, read_facts
from bertslim.model.config_values import ConfigValues
from bertslim.model.families import SLIM_PREFIX
from bertslim.model.settled_config import settle
from bertslim.model.weight_shapes import WeightShapes
from bertslim.records import ModelFacts


@dataclass(frozen=True)
class Description:
    """A checkpoint's configuration, its shape and its weight files.

    Attributes:
        config: The content of `config.json`, with the head, the number of labels and the type that
            the weights have.
        facts: Its shape.
        weights: The weight files; none where only the configuration is available.
        notes: What `config.json` says otherwise than the weights, a line each.
    """

    config: dict[str, Any]
    facts: ModelFacts
    weights: WeightFiles
    notes: tuple[str, ...] = ()


def describe_checkpoint(directory: Path, *, config_only: bool = False) -> Description:
    """Read the files, and hold the configuration to the weights.

    Args:
        directory: The checkpoint.
        config_only: Whether the weights may be missing.

    Raises:
        ModelError: A file is missing or damaged, the family is not supported, or the configuration
            and the weights do not belong together.
    """
    return _describe(directory, read_config(directory), config_only=config_only)


def describe_with_head(directory: Path, head: str, changes: Mapping[str, Any]) -> Description:
    """Describe a checkpoint as it is with another head, whatever it has.

    Args:
        directory: The checkpoint.
        head: The other head.
        changes: What else `config.json` has to say then, such as the names of the labels.

    Raises:
        ModelError: A file is missing or damaged, the family is not supported, or the configuration
            and the weights of the encoder do not belong together.
    """
    config = {**read_config(directory), **changes}
    config.pop("num_labels", None)
    with _naming(directory):
        config["architectures"] = [family_of(config).architecture(head)]
    return _describe(directory, config, new_head=True)


def _describe(
    directory: Path, config: dict[str, Any], *, config_only: bool = False, new_head: bool = False
) -> Description:
    with _naming(directory):
        refuse_adapter(directory)
        family_of(config)
        if config_only and not has_weights(directory):
            return Description(config, read_facts(config), WeightFiles(()))
        return hold_to_weights(config, find_weights(directory), new_head=new_head)


def hold_to_weights(
    config: Mapping[str, Any], weights: WeightFiles, *, new_head: bool = False
) -> Description:
    """Let the weights decide what they know, and refuse a configuration that they do not fit.

    Args:
        config: The content of `config.json`.
        weights: The weight files.
        new_head: Whether the head of the configuration is to be put on the weights yet.

    Raises:
        ModelError: The family is not supported, or the two do not belong together.
    """
    family, tensors = family_of(config), weights.tensors or {}
    settled = settle(config, family, tensors, new_head=new_head)
    slim = str(settled.config["model_type"]).startswith(SLIM_PREFIX)
    named = tensors if slim or not family.stored_under else {}
    shapes = WeightShapes.of(ConfigValues(family, settled.config), named)
    shapes.check_model()
    facts = read_facts(settled.config, tensors)
    shapes.check_layers(facts)
    return Description(dict(settled.config), facts, weights, settled.notes)


@contextmanager
def _naming(directory: Path) -> Iterator[None]:
    """Say where the checkpoint is, in an error that knows at most the name of the file."""
    try:
        yield
    except ModelError as error:
        if error.where not in (None, CONFIG_FILE):
            raise
        where = directory / error.where if error.where else directory
        raise ModelError(error.what, where=str(where), remedy=error.remedy) from error
