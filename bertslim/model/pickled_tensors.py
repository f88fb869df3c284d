"""The tensors of a file that `torch.save` wrote, read without running the code of a pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path

import torch
from torch import Tensor

from bertslim.errors import ModelError
from bertslim.model.stored_tensors import StoredTensor
from bertslim.printable import one_line
from bertslim.quiet import quiet_process


def read_pickle(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a state dictionary, in the file's own memory where its form allows.

    Raises:
        ModelError: The file is cut short, holds code, or is no state dictionary.
    """
    try:
        with quiet_process():
            state = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except Exception as error:  # damaged files make torch raise whatever it meets
        reason = one_line(str(error)).partition(". ")[0]
        named = f"{type(error).__name__}: {reason}".rstrip(": ")
        raise ModelError(
            f"cannot be loaded ({named})",
            where=str(path),
            remedy="download it again, or write it as safetensors",
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()
    ):
        raise ModelError(
            "holds something else than tensors by name",
            where=str(path),
            remedy="write it again with `save_pretrained`",
        )
    return dict(state)


def list_pickle(path: Path) -> dict[str, StoredTensor]:
    """Return the names, shapes and types of the tensors.

    Raises:
        ModelError: The file is cut short, holds code, or is no state dictionary.
    """
    return {
        name: StoredTensor(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for name, tensor in read_pickle(path).items()
    }
