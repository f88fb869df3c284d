"""Tensors on disk that an architecture has no use for; they are carried along for another head."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from bertslim.errors import ModelError
from bertslim.model.checkpoint_files import WeightFiles
from bertslim.model.families import family_named
from bertslim.model.pickled_tensors import read_pickle
from bertslim.records import ModelFacts


def read_extra(
    weights: WeightFiles, unexpected: list[str], facts: ModelFacts, directory: Path
) -> dict[str, Tensor]:
    """Read the tensors that a model has no place for.

    Args:
        weights: The weight files.
        unexpected: The names of those tensors.
        facts: The shape of the model.
        directory: Where it lies.

    Raises:
        ModelError: One of them belongs to a layer.
    """
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
    for name, tensor in read_pickle(path).items():
        if (new := _new_name(name)) in wanted:
            yield new, tensor.clone()


def _new_name(name: str) -> str:
    """Return what transformers calls a tensor of a checkpoint converted from TensorFlow."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )
