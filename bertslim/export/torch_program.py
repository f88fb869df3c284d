"""A checkpoint -> a program of torch.export, which runs with PyTorch alone."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram
from transformers import PreTrainedModel
from transformers.exporters.configs import DynamoConfig
from transformers.exporters.exporter_dynamo import DynamoExporter

from bertslim.export.exporting import exporting
from bertslim.export.model_inputs import ANSWERS_ALONE, input_axes, sample_inputs
from bertslim.model.checkpoint import Checkpoint, sharing_copy
from bertslim.quiet import quiet_process


def convert(checkpoint: Checkpoint) -> ExportedProgram:
    """Make the program of a model; its weights become float32, also in the checkpoint.

    Inputs are keywords, outputs a dict; both have the names that they have in ONNX.

    Args:
        checkpoint: What to convert.

    Raises:
        BertslimError: transformers cannot export it.
    """
    checkpoint.model.float()
    with exporting(checkpoint, "torch.export"):
        sample = sample_inputs(checkpoint)
        config = DynamoConfig(dynamic_shapes=dict.fromkeys(sample, input_axes(checkpoint)))
        model = _answering_in_dicts(checkpoint.model)
        exported = DynamoExporter().export(model, sample | ANSWERS_ALONE, config=config)
        program: ExportedProgram = exported.program
        _forget_source(program)
    return program


def save(program: ExportedProgram, path: Path) -> None:
    """Write the program and its weights into one file."""
    whole = io.BytesIO()  # PyTorch aborts the process where it cannot write to a file itself
    with quiet_process():
        torch.export.save(program, whole)
    path.write_bytes(whole.getbuffer())


class TorchProgram:
    """A program that was read back: `program(**inputs)` has the outputs as attributes.

    Args:
        path: The file.
    """

    runtime = "torch.export"
    attention = None

    def __init__(self, path: Path) -> None:
        with quiet_process(), path.open("rb") as file:
            program = torch.export.load(file)
        self.inputs = tuple(program.graph_signature.user_inputs)
        self.outputs = tuple(program.call_spec.out_spec.context)
        self._module = program.module()

    @torch.inference_mode()
    def __call__(self, **tensors: Tensor) -> SimpleNamespace:
        """Take int64 tensors by name, also such as the program has no input for."""
        outputs = self._module(**{name: tensors[name] for name in self.inputs})
        return SimpleNamespace(**outputs)


def _answering_in_dicts(model: PreTrainedModel) -> PreTrainedModel:
    """Return a model whose answers are plain dicts: a file can be read only where its types are."""
    made = sharing_copy(model)
    answer = made.forward

    def forward(**inputs: Any) -> dict[str, Tensor]:
        return dict(answer(**inputs))

    made.forward = forward
    return made


def _forget_source(program: ExportedProgram) -> None:
    """Remove the lines of source code that nodes were traced from: their paths are local."""
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)
