"""Does an exported model answer as PyTorch does? Run on inputs that exporters get wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.errors import BertslimError
from bertslim.export.formats import Precision
from bertslim.export.model_inputs import ANSWERS_ALONE, input_names
from bertslim.model.checkpoint import Checkpoint, sharing_copy
from bertslim.model.finite_outputs import require_finite_outputs

TOLERANCE: dict[str, float] = {"fp32": 1e-4, "fp16": 2e-2, "int8": 0.5, "int8-static": 0.5}
_CHOICES = 2
_PADDED_ROWS = 16

Answers = dict[str, NDArray[np.float32]]


class ExportedModel(Protocol):
    """A model in another runtime that is called as the PyTorch model is."""

    @property
    def runtime(self) -> str:
        """What runs it, such as "ONNX Runtime"."""
        ...

    @property
    def attention(self) -> str | None:
        """How PyTorch is to attend beside it: "eager" follows the formulas; None: as it does."""
        ...

    def __call__(self, **tensors: Tensor) -> SimpleNamespace:
        """Take int64 tensors by name; the outputs are attributes."""
        ...


@dataclass(frozen=True)
class ParityInput:
    """One call of both models.

    Attributes:
        label: Such as "3x16 with padding".
        tensors: By the name of the input.
    """

    label: str
    tensors: dict[str, Tensor]


@dataclass(frozen=True)
class Difference:
    """How far the two are apart.

    Attributes:
        output: The name of the output.
        label: The input.
        relative: Largest absolute difference / largest absolute value that PyTorch gives for this
            output, over all inputs; not a number where either is not.
        typical: The root of the mean squared difference, as a share of the same value.
    """

    output: str
    label: str
    relative: float
    typical: float

    def judged(self, precision: Precision) -> float:
        """Return what must not be large.

        Of int8 it is the typical difference: the words are random, and where a classifier wavers
        between two classes, rounding decides, so that the largest is as large as can be.
        """
        return self.typical if precision.startswith("int8") else self.relative


def check_parity(
    checkpoint: Checkpoint,
    exported: ExportedModel,
    precision: Precision = "fp32",
    *,
    bound: float | None = None,
) -> Difference:
    """Compare an exported model with its checkpoint and return the largest difference.

    Beside other runtimes PyTorch attends as its formulas define ("eager"). With
    scaled_dot_product_attention it gives a row of nothing but padding other numbers, which mean as
    little.

    Args:
        checkpoint: In float32.
        exported: What was made of it.
        precision: Of its weights. What rounding explains is little in float32, and much in int8,
            where the inputs are random words that the model never saw, so that only what is wrong
            for most of them is a finding; how it does on texts is another question.
        bound: What is allowed; None: what rounding explains.

    Raises:
        ModelError: The checkpoint puts out numbers that are not finite.
        BertslimError: They differ by more than rounding explains.
    """
    inputs = parity_inputs(checkpoint)
    model = sharing_copy(checkpoint.model)
    if exported.attention is not None:
        model.set_attn_implementation(exported.attention)
    answers = [
        (_torch_answers(model, given), _exported_answers(exported, given)) for given in inputs
    ]
    scales = _scales([torch_answers for torch_answers, _ in answers])
    differences = [
        _difference(output, given.label, expected[output], actual[output], scales[output])
        for given, (expected, actual) in zip(inputs, answers, strict=True)
        for output in expected
    ]
    bound = TOLERANCE[precision] if bound is None else bound
    wrong = [difference for difference in differences if not difference.judged(precision) <= bound]
    if wrong:
        worst = max(
            wrong, key=lambda difference: np.nan_to_num(difference.judged(precision), nan=np.inf)
        )
        raise _not_the_same(exported.runtime, worst, worst.judged(precision), bound)
    return max(differences, key=lambda difference: difference.relative)


def parity_inputs(checkpoint: Checkpoint) -> tuple[ParityInput, ...]:
    """Make the inputs: one token, few, all kinds of padding, and as many as there may be.

    Batch and length 1 are what an exporter may have taken for fixed, and the longest input what its
    positions may not reach. Of the padded rows, some are padded on the left, and the last one holds
    nothing but padding, unless the model has no answer to that, as one that takes the mean of what
    it says of each token.
    """
    longest = checkpoint.facts.max_length
    few, padded = min(7, longest), min(16, longest)
    label = f"{_PADDED_ROWS}x{padded} with padding"
    with_empty_row = _input(checkpoint, label, _PADDED_ROWS, padded, pad=padded)
    without = _input(checkpoint, label, _PADDED_ROWS, padded, pad=padded - 1)
    return (
        _input(checkpoint, "1x1", 1, 1),
        _input(checkpoint, f"1x{few}", 1, few),
        with_empty_row if _has_answers(checkpoint.model, with_empty_row) else without,
        _input(checkpoint, f"2x{longest}", 2, longest),
    )


def _input(
    checkpoint: Checkpoint, label: str, batch: int, length: int, *, pad: int = 0
) -> ParityInput:
    choices = (_CHOICES,) if checkpoint.facts.head == "MultipleChoice" else ()
    shape = (batch, *choices, length)
    vocabulary = checkpoint.facts.vocab_size
    draw = torch.Generator().manual_seed(batch * length)
    ids = torch.randint(vocabulary // 4, vocabulary * 3 // 4 + 1, shape, generator=draw)
    mask = torch.ones_like(ids)
    _pad(mask, pad)
    ids[mask == 0] = checkpoint.model.config.pad_token_id or 0
    second = torch.zeros_like(ids)
    second[..., length // 2 :] = 1
    tensors = {"input_ids": ids, "attention_mask": mask, "token_type_ids": second * mask}
    return ParityInput(label, {name: tensors[name] for name in input_names(checkpoint)})


def _pad(mask: Tensor, most: int) -> None:
    """Pad the rows with none to `most`, in turn on the right and on the left; (batch, ..., length).

    None at all where there is one row.
    """
    batch, length = mask.shape[0], mask.shape[-1]
    for row in range(batch):
        padding = most * row // max(batch - 1, 1)
        if row % 2 and row < batch - 1:
            mask[row, ..., :padding] = 0
        else:
            mask[row, ..., length - padding :] = 0


@torch.inference_mode()
def _has_answers(model: PreTrainedModel, given: ParityInput) -> bool:
    """Whether all that PyTorch puts out is a number."""
    outputs: Mapping[str, Any] = model(**given.tensors, **ANSWERS_ALONE)
    return all(bool(output.isfinite().all()) for output in outputs.values())


@torch.inference_mode()
def _torch_answers(model: PreTrainedModel, given: ParityInput) -> Answers:
    outputs: Mapping[str, Any] = model(**given.tensors, **ANSWERS_ALONE)
    require_finite_outputs(outputs, model, given.tensors, name="PyTorch")
    return {name: output.numpy() for name, output in outputs.items()}


def _exported_answers(model: ExportedModel, given: ParityInput) -> Answers:
    return {name: output.numpy() for name, output in vars(model(**given.tensors)).items()}


def _scales(answers: Sequence[Answers]) -> dict[str, float]:
    """The largest absolute value of each output; 1 where all are zero."""
    return {
        output: max(float(np.abs(answer[output]).max()) for answer in answers) or 1.0
        for output in answers[0]
    }


def _difference(
    output: str,
    label: str,
    expected: NDArray[np.float32],
    actual: NDArray[np.float32],
    scale: float,
) -> Difference:
    if expected.shape != actual.shape:
        return Difference(output, label, math.nan, math.nan)
    apart = np.abs(expected.astype(np.float64) - actual) / scale
    return Difference(output, label, float(apart.max()), float(np.sqrt(np.square(apart).mean())))


def _not_the_same(runtime: str, worst: Difference, judged: float, bound: float) -> BertslimError:
    return BertslimError(
        f"{runtime} does not answer as PyTorch does: {worst.output} differs by "
        f"{judged:.2g} of its largest value at {worst.label}, {bound:g} is allowed",
        remedy="nothing was written",
    )
