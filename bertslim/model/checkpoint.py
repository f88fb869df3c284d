"""The only place that loads and saves weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.data.embedder import Embedder
from bertslim.devices import Device
from bertslim.model.checkpoint_files import WeightFiles
from bertslim.model.description import describe_checkpoint, describe_with_head
from bertslim.model.embedder_files import read_embedder
from bertslim.model.extra_tensors import read_extra
from bertslim.model.families import SLIM_PREFIX, Family, family_named
from bertslim.model.finite_weights import require_finite_weights
from bertslim.model.layer import Layer, model_layers
from bertslim.model.neutral_config import keep_settings, neutral_config, run_settings
from bertslim.model.pretrained import from_pretrained, init_arguments, model_class_of
from bertslim.model.slim_code import slim_code
from bertslim.model.slim_config import auto_map_of, slim_config
from bertslim.quiet import quiet_transformers
from bertslim.records import ModelFacts, Plan
from bertslim.wording import listed


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        directory: Where it lies.
        model: In eval mode, in the dtype on disk, on the CPU until it is brought elsewhere.
        facts: Its shape.
        config: The content of its `config.json`.
        weights: The files that the weights were read from.
        extra: Tensors on disk that the architecture has no use for, such as the pooler beside a
            masked LM; they are carried along, since another head may need them.
        notes: What `config.json` says otherwise than the weights, a line each.
    """

    directory: Path
    model: PreTrainedModel
    facts: ModelFacts
    config: dict[str, Any]
    weights: WeightFiles
    extra: dict[str, Tensor]
    notes: tuple[str, ...] = ()

    def to(self, device: Device) -> Self:
        """Bring the model to a device, and return the checkpoint."""
        self.model.to(device)  # type: ignore[arg-type]
        return self

    @property
    def family(self) -> Family:
        """The family of the model."""
        return family_named(self.facts.model_type)

    @property
    def layers(self) -> list[Layer]:
        """The transformer layers, from the bottom up."""
        return model_layers(self.model)

    @cached_property
    def embedder(self) -> Embedder:
        """How texts become embeddings; by the mean unless files of sentence-transformers say it.

        Raises:
            ModelError: Those files are damaged, or name what is not applied here.
        """
        if self.facts.head != "":
            return Embedder()
        return read_embedder(self.directory, self.facts.hidden_size)

    @property
    def is_regression(self) -> bool:
        """Whether the model puts out numbers for a text instead of classes."""
        if self.facts.head != "SequenceClassification":
            return False
        return self.facts.labels == 1 or bool(self.model.config.problem_type == "regression")

    @property
    def is_multi_label(self) -> bool:
        """Whether a text may have several labels, each a yes or no."""
        return bool(self.model.config.problem_type == "multi_label_classification")


def load_model(directory: Path) -> PreTrainedModel:
    """Load a base or slim checkpoint in eval mode, without running code of the checkpoint's own.

    It is run as its `config.json` says, such as to put out hidden states.

    Raises:
        ModelError: The checkpoint is damaged, incomplete or of a family not supported.
    """
    model, _ = from_pretrained(directory, describe_checkpoint(directory), as_configured=True)
    require_finite_weights(model.named_parameters(), directory)
    model.eval()
    return model


def load_checkpoint(directory: Path) -> Checkpoint:
    """Load a base or slim checkpoint with what else is needed to cut and save it again.

    Raises:
        ModelError: The checkpoint is damaged, incomplete or of a family not supported.
    """
    files = describe_checkpoint(directory)
    model, unexpected = from_pretrained(directory, files)
    extra = read_extra(files.weights, unexpected, files.facts, directory)
    require_finite_weights((*model.named_parameters(), *extra.items()), directory)
    notes = (*files.notes, *_unused(extra, files.facts))
    return Checkpoint(
        directory, model.eval(), files.facts, files.config, files.weights, extra, notes
    )


def _unused(extra: Mapping[str, Tensor], facts: ModelFacts) -> tuple[str, ...]:
    if not extra:
        return ()
    names = listed(sorted(extra), 2)
    return (f"{facts.architecture} does not use {names} of the weights, which stay in the file",)


def load_with_new_head(
    directory: Path,
    labels: tuple[str, ...],
    *,
    seed: int,
    head: str = "SequenceClassification",
    problem_type: str | None = "single_label_classification",
) -> Checkpoint:
    """Load an encoder, or a model with another head, and put a new head on it.

    The head's weights are drawn anew; those of the encoder must all be there.

    Args:
        directory: A base or slim checkpoint.
        labels: The names of the outputs in the order of their ids.
        seed: Settles the new weights.
        head: What the model ends in, as `ModelFacts.head` has it.
        problem_type: Which loss a classifier of texts is trained with.

    Raises:
        ModelError: The checkpoint is damaged, incomplete or of a family not supported.
    """
    changes = {
        "problem_type": problem_type,
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
    }
    files = describe_with_head(directory, head, changes)
    transformers.set_seed(seed)
    model, _ = from_pretrained(directory, files, new_head=True)
    require_finite_weights(model.named_parameters(), directory)
    _draw_head_anew(model)
    return Checkpoint(
        directory, model.eval(), files.facts, files.config, files.weights, {}, files.notes
    )


@torch.no_grad()
def _draw_head_anew(model: PreTrainedModel) -> None:
    for module in model.children():
        if module is model.base_model:
            continue
        for parameter in module.parameters():
            parameter._is_hf_initialized = False  # type: ignore[attr-defined]
        module.apply(model._init_weights)


def sharing_copy(model: PreTrainedModel) -> PreTrainedModel:
    """Return a copy of a model whose modules are its own and whose tensors are the model's."""
    tensors = (*model.parameters(), *model.buffers())
    return copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})


def build_slim(base: Checkpoint, plan: Plan) -> PreTrainedModel:
    """Make the model of the slim class from a base model that was cut in place.

    No weight is copied; the slim class is built without memory and takes the tensors over, and it
    is an error if a single name or shape differs.
    """
    # a stock class works such a list out where config.json is silent
    lists = {name: getattr(base.model.config, name) for name in base.family.layer_lists}
    bias_heads = [layer.attention.bias_heads for layer in base.layers]
    config_dict = slim_config(base.config | lists, base.facts, plan, bias_heads)
    model_class: Any = model_class_of(config_dict, base.facts)
    config = neutral_config(model_class.config_class, config_dict)
    with quiet_transformers(), torch.device("meta"):
        model: PreTrainedModel = model_class(config, **init_arguments(base.facts))
    model.load_state_dict(base.model.state_dict(), assign=True)
    for name, buffer in base.model.named_buffers():
        owner, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(owner), leaf, buffer)
    model.tie_weights()
    model.eval()
    return model


def save_checkpoint(
    model: PreTrainedModel,
    directory: Path,
    extra: dict[str, Tensor],
    base_config: Mapping[str, Any],
) -> None:
    """Write weights, configuration and, for a slim class, the code that loads it.

    Args:
        model: The model.
        directory: Where to write.
        extra: Tensors to write beside its own.
        base_config: The `config.json` of what it was made from, whose settings on how to run it
            stay.

    Raises:
        ModelError: A weight is not a finite number.
    """
    state = {**model.state_dict(), **extra}
    require_finite_weights(state.items(), directory)
    _name_own_code(model.config)
    with quiet_transformers():
        model.save_pretrained(directory, state_dict=state)
    keep_settings(directory, run_settings(type(model.config), base_config))
    if model.config.model_type.startswith(SLIM_PREFIX):
        for name, code in slim_code().items():
            (directory / name).write_bytes(code)


def _name_own_code(config: Any) -> None:
    """Name bertslim's own code in a slim configuration, and no other code in any."""
    for key in ("auto_map", "custom_pipelines"):
        if hasattr(config, key):
            delattr(config, key)
    if config.model_type.startswith(SLIM_PREFIX):
        config.auto_map = auto_map_of(family_named(config.model_type))
