"""Loads weights into a class of transformers or of slim_modeling, and refuses what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel
from transformers.activations import ACT2FN

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE
from bertslim.model import slim_modeling
from bertslim.model.description import Description
from bertslim.model.families import SLIM_PREFIX, family_named
from bertslim.model.heads import pooler_is_optional
from bertslim.model.neutral_config import neutral_config
from bertslim.printable import one_line
from bertslim.quiet import quiet_transformers
from bertslim.records import ModelFacts
from bertslim.wording import did_you_mean, shown

_NOT_TOGETHER = "config.json and the weights do not belong together"
_NO_HEAD = "correct `architectures` in config.json, or fine-tune the head first"


def model_class_of(config: Mapping[str, Any], facts: ModelFacts) -> type[PreTrainedModel]:
    """Return the class, stock or slim, that a model of this configuration has."""
    slim = str(config["model_type"]).startswith(SLIM_PREFIX)
    module = slim_modeling if slim else transformers
    model_class: type[PreTrainedModel] = getattr(
        module, ("Slim" if slim else "") + facts.architecture
    )
    return model_class


def init_arguments(facts: ModelFacts) -> dict[str, bool]:
    """Return what the class is called with beside the configuration."""
    optional = pooler_is_optional(family_named(facts.model_type), facts.head)
    return {"add_pooling_layer": facts.pooler} if optional else {}


def from_pretrained(
    directory: Path, files: Description, *, new_head: bool = False, as_configured: bool = False
) -> tuple[PreTrainedModel, list[str]]:
    """Load the weights into the class that the configuration names.

    Args:
        directory: The checkpoint.
        files: What its files describe.
        new_head: Whether the weights of the head may be missing.
        as_configured: Whether the model is also to be run as `config.json` says, such as to put out
            hidden states.

    Returns:
        The model, and the names on disk that it has no use for.

    Raises:
        ModelError: The weights do not fit the class, or the configuration cannot be built.
    """
    facts = files.facts
    model_class: Any = model_class_of(files.config, facts)
    config_class = model_class.config_class
    _check_activation(files, directory)
    try:
        with quiet_transformers():
            model, info = model_class.from_pretrained(
                directory,
                config=config_class.from_dict(files.config)
                if as_configured
                else neutral_config(config_class, files.config),
                dtype=getattr(torch, facts.dtype),
                local_files_only=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
                **init_arguments(facts),
            )
    except Exception as error:  # damaged files make libraries raise whatever they meet
        raise ModelError(f"cannot be loaded ({_reason(error)})", where=str(directory)) from error
    _require_fit(info, facts, directory, new_head=new_head)
    return model, sorted(info["unexpected_keys"])


def _require_fit(
    info: Mapping[str, Any], facts: ModelFacts, directory: Path, *, new_head: bool
) -> None:
    """Refuse tensors of another shape, and those that are not there, as transformers lists them."""
    misfits = sorted(info["mismatched_keys"])
    lacking = sorted(set(info["missing_keys"]) - {name for name, *_ in misfits})
    if new_head:
        misfits = [misfit for misfit in misfits if _in_encoder(misfit[0], facts)]
        lacking = [name for name in lacking if _in_encoder(name, facts)]
    if misfits:
        name, on_disk, expected = misfits[0]
        raise ModelError(
            f"{name} has shape {list(on_disk)}, by config.json it should be {list(expected)}",
            where=str(directory),
            remedy=_NOT_TOGETHER,
        )
    if lacking:
        named = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more" if lacking[3:] else "")
        raise ModelError(
            f"the weights lack {named}, which {facts.architecture} needs",
            where=str(directory),
            remedy=_NOT_TOGETHER if _in_encoder(lacking[0], facts) else _NO_HEAD,
        )


def _check_activation(files: Description, directory: Path) -> None:
    key = family_named(files.facts.model_type).keys.activation
    name = files.config.get(key)
    if name is not None and (not isinstance(name, str) or name not in ACT2FN):
        raise ModelError(
            f"{key} is {shown(name)}, which is no activation of transformers",
            where=str(directory / CONFIG_FILE),
            remedy=did_you_mean(name, ACT2FN),
        )


def _reason(error: Exception) -> str:
    """Return the first sentence of what a library has to say."""
    return f"{type(error).__name__}: {one_line(str(error)).partition('. ')[0]}".rstrip(": ")


def _in_encoder(tensor: str, facts: ModelFacts) -> bool:
    family = family_named(facts.model_type)
    return any(f"{module}." in tensor for module in (family.embeddings_module, family.layers))
