"""The only place that loads and saves weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from bertslim.data.embedder import Embedder
from bertslim.errors import ModelError
from bertslim.model import slim_modeling
from bertslim.model.checkpoint_files import WeightFiles, find_weights, read_config
from bertslim.model.config_facts import read_facts
from bertslim.model.description import describe_checkpoint
from bertslim.model.embedder_files import read_embedder
from bertslim.model.families import SLIM_PREFIX, Family, family_named
from bertslim.model.heads import pooler_is_optional
from bertslim.model.layer import Layer, model_layers
from bertslim.model.slim_code import slim_code
from bertslim.model.slim_config import auto_map_of, slim_config
from bertslim.printable import one_line
from bertslim.quiet import quiet_transformers
from bertslim.records import ModelFacts, Plan

_NOT_TOGETHER = "config.json and the weights do not belong together"
_NO_HEAD = "correct `architectures` in config.json, or fine-tune the head first"


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        directory: Where it lies.
        model: In eval mode, in the dtype on disk, on the CPU.
        facts: Its shape.
        config: The content of its `config.json`.
        weights: The files that the weights were read from.
        extra: Tensors on disk that the architecture has no use for, such as the pooler beside a
            masked LM; they are carried along, since another head may need them.
    """

    directory: Path
    model: PreTrainedModel
    facts: ModelFacts
    config: dict[str, Any]
    weights: WeightFiles
    extra: dict[str, Tensor]

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

    Raises:
        ModelError: The checkpoint is damaged, incomplete or of a family not supported.
    """
    return load_checkpoint(directory).model


def load_checkpoint(directory: Path) -> Checkpoint:
    """Load a base or slim checkpoint with what else is needed to cut and save it again.

    Raises:
        ModelError: The checkpoint is damaged, incomplete or of a family not supported.
    """
    files = describe_checkpoint(directory)
    model, unexpected = _from_pretrained(directory, files.config, files.facts)
    extra = _read_extra(files.weights, unexpected, files.facts, directory)
    return Checkpoint(directory, model.eval(), files.facts, files.config, files.weights, extra)


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
    config = {
        **read_config(directory),
        "architectures": None,
        "problem_type": problem_type,
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
    }
    family = family_named(read_facts(config).model_type)
    config["architectures"] = [family.architecture(head)]
    weights = find_weights(directory)
    facts = read_facts(config, weights.tensors)
    transformers.set_seed(seed)
    model, _ = _from_pretrained(directory, config, facts, new_head=True)
    _draw_head_anew(model)
    return Checkpoint(directory, model.eval(), facts, config, weights, extra={})


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
    config_dict = slim_config(base.config, base.facts, plan)
    model_class = _model_class(config_dict, base.facts)
    config = _config_object(model_class, config_dict)
    with quiet_transformers(), torch.device("meta"):
        model: PreTrainedModel = model_class(config, **_init_arguments(base.facts))
    model.load_state_dict(base.model.state_dict(), assign=True)
    for name, buffer in base.model.named_buffers():
        owner, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(owner), leaf, buffer)
    model.tie_weights()
    model.eval()
    return model


def save_checkpoint(model: PreTrainedModel, directory: Path, extra: dict[str, Tensor]) -> None:
    """Write weights, configuration and, for a slim class, the code that loads it."""
    state = {**model.state_dict(), **extra}
    _name_own_code(model.config)
    with quiet_transformers():
        model.save_pretrained(directory, state_dict=state)
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


def _model_class(config: dict[str, Any], facts: ModelFacts) -> type[PreTrainedModel]:
    slim = str(config["model_type"]).startswith(SLIM_PREFIX)
    module = slim_modeling if slim else transformers
    model_class: type[PreTrainedModel] = getattr(
        module, ("Slim" if slim else "") + facts.architecture
    )
    return model_class


def _config_object(model_class: type[PreTrainedModel], config: dict[str, Any]) -> PreTrainedConfig:
    config_class: Any = model_class.config_class
    made: PreTrainedConfig = config_class.from_dict(config)
    return made


def _init_arguments(facts: ModelFacts) -> dict[str, bool]:
    optional = pooler_is_optional(family_named(facts.model_type), facts.head)
    return {"add_pooling_layer": facts.pooler} if optional else {}


def _from_pretrained(
    directory: Path, config: dict[str, Any], facts: ModelFacts, *, new_head: bool = False
) -> tuple[PreTrainedModel, list[str]]:
    """Return the model, and the names on disk that it has no use for."""
    model_class: Any = _model_class(config, facts)
    try:
        with quiet_transformers():
            model, info = model_class.from_pretrained(
                directory,
                config=_config_object(model_class, config),
                dtype="auto",
                local_files_only=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
                **_init_arguments(facts),
            )
    except Exception as error:  # damaged files make libraries raise whatever they meet
        raise ModelError(f"cannot be loaded ({_reason(error)})", where=str(directory)) from error
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
    return model, sorted(info["unexpected_keys"])


def _reason(error: Exception) -> str:
    """Return the first sentence of what a library has to say."""
    return f"{type(error).__name__}: {one_line(str(error)).partition('. ')[0]}".rstrip(": ")


def _in_encoder(tensor: str, facts: ModelFacts) -> bool:
    return "embeddings." in tensor or f"{family_named(facts.model_type).layers}." in tensor


def _read_extra(
    weights: WeightFiles, unexpected: list[str], facts: ModelFacts, directory: Path
) -> dict[str, Tensor]:
    layers = family_named(facts.model_type).layers + "."
    if strange := [name for name in unexpected if layers in name]:
        raise ModelError(
            f"the weights hold {strange[0]}, which {facts.architecture} has no place for",
            where=str(directory),
        )
    wanted = {name for name in unexpected if not name.endswith("position_ids")}
    extra: dict[str, Tensor] = {}
    for path in weights.paths if wanted else ():
        extra |= dict(_tensors(path, wanted))
    return extra


def _tensors(path: Path, wanted: set[str]) -> Iterator[tuple[str, Tensor]]:
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 (it is no dictionary)
                if (new := _new_name(name)) in wanted:
                    yield new, file.get_tensor(name)
        return
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    for name, tensor in state.items():
        if (new := _new_name(name)) in wanted:
            yield new, tensor.clone()


def _new_name(name: str) -> str:
    """Return what transformers calls a tensor of a checkpoint converted from TensorFlow."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )
