"""What an export starts from, and what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.errors import InputError
from bertslim.progress import Progress
from bertslim.records import Int8Products

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.splits import Splits
    from bertslim.export.formats import Precision
    from bertslim.export.parity import ExportedModel
    from bertslim.model.checkpoint import Checkpoint


@dataclass(frozen=True)
class ExportJob:
    """What is exported, and where to.

    Attributes:
        checkpoint: The model.
        precision: Of the weights in the files.
        splits: Texts to make int8 by; None: there are none.
        tokenizer: Reads the texts; None: there are none.
        target: What the first file will be called.
        new: Where the files are written, the first one first.
        progress: Shows the steps.
    """

    checkpoint: Checkpoint
    precision: Precision
    splits: Splits | None
    tokenizer: PreTrainedTokenizerBase | None
    target: Path
    new: Sequence[Path]
    progress: Progress


@dataclass(frozen=True)
class ExportedFile:
    """What was written.

    Attributes:
        model: The files, read back.
        inputs: Their names.
        outputs: Their names.
        opset: The version of the operators, in ONNX.
        bound: How far it may be from PyTorch on random words; None: as far as rounding explains.
        in_float32: What an int8 model computes in float32, in words.
        int8_products: The products of a file in int8.
        notes: What the reader should know.
    """

    model: ExportedModel
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    opset: int | None = None
    bound: float | None = None
    in_float32: tuple[str, ...] = ()
    int8_products: Int8Products | None = None
    notes: tuple[str, ...] = ()


def missing_tokenizer() -> InputError:
    """Return the error of an int8 export without texts."""
    return InputError(
        "the ranges of int8 are those of texts, and there is no tokenizer",
        remedy="add one to the directory, or leave out --int8",
    )
