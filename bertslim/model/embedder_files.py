"""How a checkpoint embeds texts, read from the files of sentence-transformers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertslim.data.embedder import SIMILARITIES, Embedder
from bertslim.data.embedding_modules import Dense, EmbeddingModule, LayerNorm, Normalize, Truncate
from bertslim.data.pooling import POOLERS, Pooling
from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE, SENTENCE_TRANSFORMERS_FILE, SINGLE_WEIGHT_FILES
from bertslim.model.json_files import read_json_object
from bertslim.model.sentence_transformer import (
    Module,
    SentenceTransformer,
    find_sentence_transformer,
    read_transformer_settings,
)
from bertslim.model.tokenizer import load_tokenizer
from bertslim.wording import listed, shown

if TYPE_CHECKING:
    from torch import Tensor, nn

_EMBEDDING = "sentence_embedding"
_NOTHING_IN_USE = ("Dropout",)
_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}  # in the order in which their vectors are concatenated


def read_embedder(directory: Path, hidden_size: int) -> Embedder:
    """Read how an encoder embeds texts; without files of sentence-transformers, by the mean.

    Args:
        directory: The encoder.
        hidden_size: The width of its hidden states.

    Raises:
        ModelError: The files are damaged, do not fit the model, or name what is not applied here.
    """
    model = find_sentence_transformer(directory)
    if model is None:
        return Embedder()
    settings = _read_settings(model.root)
    pooling, modules = _read_modules(model, hidden_size)
    if settings.dimensions is not None:
        modules = (*modules, Truncate(settings.dimensions))
    prompt = settings.prompt
    excluded = prompt and not pooling.include_prompt
    return Embedder(
        pooling=Pooling(pooling.modes, _prompt_tokens(prompt, directory) if excluded else 0),
        modules=modules,
        prompt=settings.prompt,
        prompts=settings.prompts,
        max_length=read_transformer_settings(model).max_length or sys.maxsize,
        similarity=settings.similarity,
        notes=settings.notes,
    )


def _prompt_tokens(prompt: str, directory: Path) -> int:
    """Count the tokens of a prompt, but not the special one that ends a text."""
    tokenizer = load_tokenizer(directory)
    ids = tokenizer(prompt, truncation=True)["input_ids"]
    return len(ids) - (ids[-1] in tokenizer.all_special_ids)


@dataclass(frozen=True)
class _Settings:
    """What `config_sentence_transformers.json` settles."""

    prompt: str = ""
    prompts: tuple[str, ...] = ()
    similarity: str = "cosine"
    dimensions: int | None = None
    notes: tuple[str, ...] = ()


def _read_settings(root: Path) -> _Settings:
    path = root / SENTENCE_TRANSFORMERS_FILE
    if not path.is_file():
        return _Settings()
    settings = read_json_object(path)
    similarity = settings.get("similarity_fn_name") or "cosine"
    if similarity not in SIMILARITIES:
        raise ModelError(
            f"similarity_fn_name {shown(similarity)} is not known",
            where=str(path),
            remedy=f"known are {', '.join(SIMILARITIES)}",
        )
    dimensions = settings.get("truncate_dim")
    if dimensions is not None and not (type(dimensions) is int and dimensions > 0):
        raise ModelError(f"truncate_dim is {shown(dimensions)}", where=str(path))
    prompts = _read_prompts(settings, path)
    prompt, notes = _default_prompt(prompts, settings, path)
    if similarity != "cosine":
        notes = (*notes, f"embeddings are compared by {similarity}, as {path.name} has it")
    texts = tuple(text for text in prompts.values() if text)
    return _Settings(prompt, texts, similarity, dimensions, notes)


def _read_prompts(settings: Mapping[str, Any], path: Path) -> dict[str, str]:
    prompts = settings.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(
        text is None or isinstance(text, str) for text in prompts.values()
    ):
        raise ModelError("prompts is not an object of texts", where=str(path))
    return {name: text or "" for name, text in prompts.items()}


def _default_prompt(
    prompts: Mapping[str, str], settings: Mapping[str, Any], path: Path
) -> tuple[str, tuple[str, ...]]:
    """Return what is put before each text, and notes on prompts."""
    name = settings.get("default_prompt_name")
    if name is None:
        named = [key for key, text in prompts.items() if text]
        note = f"texts are read without the prompts {listed(named)}: none is the default"
        return "", (note,) if named else ()
    if name not in prompts:
        raise ModelError(
            f"default_prompt_name {shown(name)} is not among the prompts",
            where=str(path),
            remedy=f"name one of {listed(list(prompts))}" if prompts else "take it out",
        )
    prompt = prompts[name]
    return prompt, (f"the prompt {shown(prompt)} is put before each text",) if prompt else ()


@dataclass(frozen=True)
class _PoolingFile:
    """What the pooling's own file settles."""

    modes: tuple[str, ...]
    include_prompt: bool


def _read_modules(
    model: SentenceTransformer, hidden_size: int
) -> tuple[_PoolingFile, tuple[EmbeddingModule, ...]]:
    """Read the pooling and what follows it."""
    first, *later = model.modules
    if not model.is_plain:
        raise _not_applied(first, "Transformer is expected first")
    if not later or later[0].kind != "Pooling":
        raise _not_applied(later[0] if later else first, "Pooling is expected after the encoder")
    pooling = _read_pooling(later[0].folder / CONFIG_FILE)
    width = len(pooling.modes) * hidden_size
    modules: list[EmbeddingModule] = []
    for module in later[1:]:
        if module.kind in _NOTHING_IN_USE:
            continue
        made, width = _read_module(module, width)
        modules.append(made)
    return pooling, tuple(modules)


def _read_pooling(path: Path) -> _PoolingFile:
    settings = read_json_object(path)
    named = settings.get("pooling_mode")
    if named is None:
        named = [mode for key, mode in _MODES.items() if settings.get(key)] or ["mean"]
    modes = [named] if isinstance(named, str) else named
    if not isinstance(modes, list) or not modes or not all(mode in POOLERS for mode in modes):
        raise ModelError(
            f"the pooling {shown(named)} is not known",
            where=str(path),
            remedy=f"known are {', '.join(POOLERS)}",
        )
    include_prompt = settings.get("include_prompt", True)
    return _PoolingFile(tuple(modes), include_prompt is not False)


def _read_module(module: Module, width: int) -> tuple[EmbeddingModule, int]:
    """Return a module after the pooling, and the width of what it makes of embeddings."""
    path = module.folder / CONFIG_FILE
    settings = read_json_object(path) if path.is_file() else {}
    names = [settings.get(f"module_{end}_name") for end in ("input", "output")]
    if any(name not in (None, _EMBEDDING) for name in names):
        raise _not_applied(module, "it is for single tokens")
    if module.kind == "Normalize":
        return Normalize(), width
    if module.kind == "LayerNorm":
        tensors = _tensors(module.folder, {"norm.weight": (width,), "norm.bias": (width,)})
        return LayerNorm(tensors["norm.weight"], tensors["norm.bias"]), width
    if module.kind == "Dense":
        return _read_dense(module.folder, settings, width)
    raise _not_applied(module, "known are Dense, LayerNorm, Normalize and Dropout")


def _read_dense(folder: Path, settings: Mapping[str, Any], width: int) -> tuple[Dense, int]:
    after = settings.get("out_features")
    if type(after) is not int or after < 1:
        raise ModelError(f"out_features is {shown(after)}", where=str(folder / CONFIG_FILE))
    residual = settings.get("use_residual") is True
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (after, width)}
    if settings.get("bias", True):
        shapes["linear.bias"] = (after,)
    if residual and after != width:
        shapes["residual.weight"] = (after, width)
    tensors = _tensors(folder, shapes)
    dense = Dense(
        _activation(settings.get("activation_function"), folder / CONFIG_FILE),
        tensors["linear.weight"],
        tensors.get("linear.bias"),
        residual,
        tensors.get("residual.weight"),
    )
    return dense, after


def _activation(name: object, path: Path) -> nn.Module:
    """Return an activation of PyTorch by its full name, Tanh where there is none."""
    from torch import nn

    known = {**vars(nn.modules.activation), "Identity": nn.Identity}
    head, _, last = str(name or "torch.nn.Tanh").rpartition(".")
    made = known.get(last) if head.startswith("torch.nn") else None
    if not (isinstance(made, type) and issubclass(made, nn.Module)):
        raise ModelError(
            f"activation_function {shown(name)} is not one of PyTorch's", where=str(path)
        )
    try:
        return made()
    except TypeError as error:
        raise ModelError(
            f"activation_function {shown(name)} needs settings, which the file has not",
            where=str(path),
        ) from error


def _tensors(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Load the weights of a module, each of its shape."""
    path = next((folder / name for name in SINGLE_WEIGHT_FILES if (folder / name).is_file()), None)
    if path is None:
        raise ModelError("has no weights", where=str(folder), remedy="download it again")
    tensors = load_module_weights(path)
    for name, shape in shapes.items():
        if name not in tensors or tuple(tensors[name].shape) != shape:
            found = list(tensors[name].shape) if name in tensors else "missing"
            raise ModelError(f"{name} is {found}, it should be {list(shape)}", where=str(path))
    return {name: tensors[name] for name in shapes}


def load_module_weights(path: Path) -> dict[str, Tensor]:
    """Load the tensors of a module's file, safetensors or a pickle, without running its code.

    Raises:
        ModelError: It is damaged.
    """
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # damaged files make libraries raise whatever they meet
        raise ModelError("is damaged", where=str(path), remedy="download it again") from error
    if not isinstance(tensors, dict):
        raise ModelError("is damaged", where=str(path), remedy="download it again")
    return {name: tensor for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}


def _not_applied(module: Module, why: str) -> ModelError:
    return ModelError(
        f"the module {module.kind} of sentence-transformers is not applied here ({why})",
        where=str(module.folder),
        remedy="move modules.json away to embed texts by the mean over tokens",
    )
