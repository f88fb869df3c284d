"""ONNX files of a checkpoint as other tools write them, each as its own guide has it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnx
import onnx_ir
import torch

from bertslim.export.model_inputs import ANSWERS_ALONE, input_names, sample_inputs
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.families import SLIM_PREFIX
from bertslim.quiet import quiet_process

RacePrecision = Literal["fp32", "int8"]

TORCHSCRIPT = "TorchScript export, onnxruntime.transformers optimizer"
EXPORTERS = "transformers.exporters"
EXPORTERS_FUSED = "transformers.exporters, ort_fusions"
OPTIMUM = "optimum-onnx"
_OPTIMUM_SCRIPT = """
import sys
from pathlib import Path
from optimum.exporters.onnx import main_export
model, output, task, precision = sys.argv[1:]
main_export(model, output=output, task=task, optimize=None if precision == "int8" else "O2",
            do_validation=False)
if precision == "int8":
    from optimum.onnxruntime import ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig
    ORTQuantizer.from_pretrained(output, file_name="model.onnx").quantize(
        save_dir=output,
        quantization_config=AutoQuantizationConfig.avx512_vnni(is_static=False, per_channel=True),
    )
"""
_TASKS = {"SequenceClassification": "text-classification", "TokenClassification":
          "token-classification", "QuestionAnswering": "question-answering",
          "": "feature-extraction"}  # fmt: skip


@dataclass(frozen=True)
class Rival:
    """A way to make an ONNX file: `make(checkpoint directory, file to write)`."""

    name: str
    precision: RacePrecision
    make: Callable[[Path, Path], None]


def rivals(precision: RacePrecision, optimum: Path | None) -> list[Rival]:
    """Return the other ways to make a file of a precision.

    Args:
        precision: "fp32" or "int8".
        optimum: The Python of an environment that has optimum-onnx; None: it is left out.
    """
    int8 = precision == "int8"
    found = [
        Rival(TORCHSCRIPT, precision, torchscript_int8 if int8 else torchscript),
        Rival(EXPORTERS, precision, exporters_int8 if int8 else exporters),
    ]
    if not int8:
        found.append(Rival(EXPORTERS_FUSED, precision, exporters_fused))
    if optimum is not None:
        made = lambda model, path: by_optimum(optimum, precision, model, path)  # noqa: E731
        found.append(Rival(OPTIMUM, precision, made))
    return found


def torchscript(directory: Path, path: Path) -> None:
    """Export by tracing, with attention as the optimizer's patterns want it, and optimise."""
    from onnxruntime.transformers import optimizer

    checkpoint = load_checkpoint(directory)
    model = checkpoint.model.float()
    model.set_attn_implementation("eager")
    names = input_names(checkpoint)
    example = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in names)
    with quiet_process(), tempfile.TemporaryDirectory() as folder:
        traced = Path(folder) / "traced.onnx"
        torch.onnx.export(
            _Positional(model, names),
            example,
            str(traced),
            input_names=list(names),
            output_names=["output"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in names},
            opset_version=17,
            dynamo=False,
        )
        attention = checkpoint.facts
        made = optimizer.optimize_model(
            str(traced),
            model_type="bert",
            num_heads=attention.layers[0].heads,
            hidden_size=attention.hidden_size,
            opt_level=1,
        )
        made.save_model_to_file(str(path))


def torchscript_int8(directory: Path, path: Path) -> None:
    """Quantise the optimised file."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        torchscript(directory, whole)
        with quiet_process():
            quantize_dynamic(
                whole,
                path,
                weight_type=QuantType.QInt8,
                extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
            )


def exporters(directory: Path, path: Path) -> None:
    """Export as transformers does."""
    _by_exporters(load_checkpoint(directory), path)


def exporters_fused(directory: Path, path: Path) -> None:
    """Let transformers fuse for ONNX Runtime on CPUs, too."""
    _by_exporters(load_checkpoint(directory), path, ort_fusions="cpu")


def exporters_int8(directory: Path, path: Path) -> None:
    """Let transformers quantise with ONNX Runtime's tools."""
    from transformers.exporters.quantizers.quantizer_onnxruntime import (
        OnnxRuntimeDynamicConfig,
        OnnxRuntimeQuantizer,
    )

    quantizer = OnnxRuntimeQuantizer(OnnxRuntimeDynamicConfig())
    _by_exporters(load_checkpoint(directory), path, quantizer=quantizer)


def by_optimum(python: Path, precision: str, directory: Path, path: Path) -> None:
    """Run optimum in its own environment; it takes stock models alone."""
    checkpoint = load_checkpoint(directory)
    if checkpoint.config["model_type"].startswith(SLIM_PREFIX):
        raise RuntimeError("it takes stock models alone")
    with tempfile.TemporaryDirectory() as folder:
        task = _TASKS[checkpoint.facts.head]
        command = [python, "-c", _OPTIMUM_SCRIPT, directory, folder, task, precision]
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
        made = "model_quantized.onnx" if precision == "int8" else "model.onnx"
        (Path(folder) / made).rename(path)


def _by_exporters(checkpoint: Checkpoint, path: Path, **options: Any) -> None:
    from transformers.exporters.configs import OnnxConfig
    from transformers.exporters.exporter_onnx import OnnxExporter

    sample = sample_inputs(checkpoint) | ANSWERS_ALONE
    with quiet_process():
        config = OnnxConfig(dynamic=True, **options)
        made = OnnxExporter().export(checkpoint.model.float(), sample, config=config)
        onnx_ir.save(made.program, path)


class _Positional(torch.nn.Module):
    """Tracing hands inputs over by position."""

    def __init__(self, model: torch.nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.model(**dict(zip(self.names, inputs, strict=True)))[0]
        return found


if __name__ == "__main__":
    sys.exit("this is a part of run.py")
