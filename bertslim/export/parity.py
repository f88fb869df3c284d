"""Does ONNX Runtime answer as PyTorch does? Run on inputs that exporters get wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bertslim.errors import BertslimError
from bertslim.export.onnx import ANSWERS_ALONE, input_names
from bertslim.export.quiet import quiet_output
from bertslim.model.checkpoint import Checkpoint

if TYPE_CHECKING:
    import onnxruntime

TOLERANCE = 1e-4
_SILENT = 4
_CHOICES = 2

Answers = dict[str, NDArray[np.float32]]


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
    """

    output: str
    label: str
    relative: float

    @property
    def within(self) -> bool:
        """Whether it is what rounding explains."""
        return self.relative <= TOLERANCE


def check_parity(checkpoint: Checkpoint, path: Path) -> Difference:
    """Compare an ONNX file with its checkpoint and return the largest difference.

    Args:
        checkpoint: In float32.
        path: The ONNX file.

    Raises:
        BertslimError: They differ by more than rounding explains.
    """
    session = _session(path)
    inputs = parity_inputs(checkpoint)
    answers = [(_torch_answers(checkpoint, one), _onnx_answers(session, one)) for one in inputs]
    scales = _scales([torch_answers for torch_answers, _ in answers])
    differences = [
        Difference(output, one.label, _distance(expected[output], found[output]) / scales[output])
        for one, (expected, found) in zip(inputs, answers, strict=True)
        for output in expected
    ]
    wrong = [difference for difference in differences if not difference.within]
    if wrong:
        raise _not_the_same(wrong)
    return max(differences, key=lambda difference: difference.relative)


def parity_inputs(checkpoint: Checkpoint) -> tuple[ParityInput, ...]:
    """Make the inputs: one token, few tokens, padding on the right, as many tokens as there may be.

    Batch and length 1 are what an exporter may have taken for fixed, and the longest input what its
    positions may not reach.
    """
    longest = checkpoint.facts.max_length
    padded = min(16, longest)
    return (
        _input(checkpoint, "1x1", 1, 1),
        _input(checkpoint, f"1x{min(7, longest)}", 1, min(7, longest)),
        _input(checkpoint, f"3x{padded} with padding", 3, padded, padding=padded // 2),
        _input(checkpoint, f"2x{longest}", 2, longest),
    )


def _input(
    checkpoint: Checkpoint, label: str, batch: int, length: int, *, padding: int = 0
) -> ParityInput:
    choices = (_CHOICES,) if checkpoint.facts.head == "MultipleChoice" else ()
    shape = (batch, *choices, length)
    vocabulary = checkpoint.facts.vocab_size
    draw = torch.Generator().manual_seed(batch * length)
    ids = torch.randint(vocabulary // 4, vocabulary * 3 // 4 + 1, shape, generator=draw)
    mask = torch.ones_like(ids)
    for row in range(1, batch):
        mask[row, ..., length - padding * row // (batch - 1) :] = 0
    ids[mask == 0] = checkpoint.model.config.pad_token_id or 0
    second = torch.zeros_like(ids)
    second[..., length // 2 :] = 1
    tensors = {"input_ids": ids, "attention_mask": mask, "token_type_ids": second * mask}
    return ParityInput(label, {name: tensors[name] for name in input_names(checkpoint)})


def _session(path: Path) -> onnxruntime.InferenceSession:
    with quiet_output():
        import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@torch.inference_mode()
def _torch_answers(checkpoint: Checkpoint, given: ParityInput) -> Answers:
    outputs: Mapping[str, Any] = checkpoint.model(**given.tensors, **ANSWERS_ALONE)
    return {name: output.numpy() for name, output in outputs.items()}


def _onnx_answers(session: onnxruntime.InferenceSession, given: ParityInput) -> Answers:
    feed = {name: tensor.numpy() for name, tensor in given.tensors.items()}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def _scales(answers: Sequence[Answers]) -> dict[str, float]:
    """The largest absolute value of each output; 1 where all are zero."""
    return {
        output: max(float(np.abs(one[output]).max()) for one in answers) or 1.0
        for output in answers[0]
    }


def _distance(expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    if expected.shape != found.shape:
        return float("nan")
    return float(np.abs(expected - found).max())


def _not_the_same(wrong: Sequence[Difference]) -> BertslimError:
    worst = max(wrong, key=lambda one: np.nan_to_num(one.relative, nan=np.inf))
    return BertslimError(
        f"ONNX Runtime does not answer as PyTorch does: {worst.output} differs by "
        f"{worst.relative:.2g} of its largest value at {worst.label}, {TOLERANCE:g} is allowed",
        remedy="nothing was written",
    )
