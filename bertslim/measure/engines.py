"""A model in one runtime, ready to be called; each lives in a process of its own."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from bertslim.errors import BertslimError, InputError, one_line
from bertslim.measure.onnx_graph import read_onnx
from bertslim.measure.runtimes import ONNX_SUFFIX, Runtime, TimedModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Arrays = dict[str, NDArray[np.int64]]
Call = Callable[[], object]

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_SILENT = 4
_MOST_SHAPES = 1000


class Engine(Protocol):
    """A model that is loaded."""

    @property
    def dtype(self) -> str:
        """What it multiplies in, such as "float32" or "int8"."""
        ...

    def prepare(self, arrays: Arrays) -> Call:
        """Return what calls the model once with these inputs.

        Args:
            arrays: (batch, length) each, for all of INPUTS; the model takes those that it has.

        Raises:
            BertslimError: It cannot be called with them.
        """
        ...


def import_libraries(runtime: Runtime) -> None:
    """Import what loading needs, so that its memory is not counted as the model's."""
    importlib.import_module(runtime.package)
    if runtime.takes_checkpoints:
        importlib.import_module("bertslim.model.checkpoint")


def load_engine(model: TimedModel, threads: int) -> Engine:
    """Load a model into its runtime, which is to use so many threads.

    Raises:
        InputError: The runtime cannot load it, or it takes other inputs than a BERT's.
    """
    if model.runtime.takes_checkpoints:
        return TorchEngine(model, threads)
    if model.runtime is Runtime.ONNXRUNTIME:
        return OnnxRuntimeEngine(model.path, threads)
    return OpenVinoEngine(model, threads)


class TorchEngine:
    """A checkpoint in PyTorch."""

    def __init__(self, model: TimedModel, threads: int) -> None:
        import torch

        from bertslim.model.checkpoint import load_model

        torch.set_num_threads(threads)
        self._model: PreTrainedModel = load_model(model.path)
        self._compiled = model.runtime is Runtime.TORCH_COMPILE
        if model.runtime.in_bfloat16:
            self._model = self._model.bfloat16()
        if self._compiled:
            _compile(self._model)

    @property
    def dtype(self) -> str:
        """That of the weights."""
        return str(self._model.dtype).removeprefix("torch.")

    def prepare(self, arrays: Arrays) -> Call:
        """Return what calls the model once; a compiled one is compiled for the shape first."""
        import torch

        ids, mask = (torch.from_numpy(arrays[name]) for name in ("input_ids", "attention_mask"))

        def call() -> object:
            with torch.inference_mode():
                return self._model(input_ids=ids, attention_mask=mask)

        if self._compiled:
            try:
                call()
            except Exception as error:
                raise BertslimError(
                    f"PyTorch cannot compile it ({_gist(error)})",
                    remedy="a C++ compiler is needed, such as g++; or leave out torch-compile",
                ) from error
        return call


def _compile(model: PreTrainedModel) -> None:
    """Have a model compiled anew for each shape, in this process alone."""
    import torch._dynamo.config
    import torch._inductor.config

    torch._inductor.config.compile_threads = 1  # a pool of processes would disturb other models
    # beyond its limits it would go on uncompiled, and say nothing
    torch._dynamo.config.recompile_limit = _MOST_SHAPES
    model.compile(dynamic=False)


class OnnxRuntimeEngine:
    """An ONNX file in ONNX Runtime, on the CPU."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _SILENT
        options.intra_op_num_threads = threads
        providers = ["CPUExecutionProvider"]
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=providers)
        except Exception as error:
            raise _not_loaded("ONNX Runtime", error) from error
        self._path = path
        self._names = _known_names(given.name for given in self._session.get_inputs())

    @property
    def dtype(self) -> str:
        """That of the products in the file."""
        return read_onnx(self._path).dtype

    def prepare(self, arrays: Arrays) -> Call:
        """Return what calls the model once."""
        feed = {name: arrays[name] for name in self._names}
        return _tried(lambda: self._session.run(None, feed), "ONNX Runtime", arrays)


class OpenVinoEngine:
    """An ONNX file or an IR in OpenVINO, on the CPU."""

    def __init__(self, model: TimedModel, threads: int) -> None:
        import openvino

        self._path = model.path
        self._precision = "bf16" if model.runtime.in_bfloat16 else "f32"
        config = {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self._precision,
        }
        core = openvino.Core()
        try:
            compiled = core.compile_model(core.read_model(model.path), "CPU", config)
        except Exception as error:
            raise _not_loaded("OpenVINO", error) from error
        used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if used != self._precision:
            raise InputError(f"OpenVINO runs it in {used} on this CPU, not in {self._precision}")
        self._names = _known_names(given.any_name for given in compiled.inputs)
        self._request = compiled.create_infer_request()

    @property
    def dtype(self) -> str:
        """That which was asked for, or "int8" where the file is quantised."""
        if self._path.suffix == ONNX_SUFFIX:
            quantised = read_onnx(self._path).dtype == "int8"
        else:
            quantised = b'"FakeQuantize"' in self._path.read_bytes()
        return "int8" if quantised else {"f32": "float32", "bf16": "bfloat16"}[self._precision]

    def prepare(self, arrays: Arrays) -> Call:
        """Return what calls the model once."""
        feed = {name: arrays[name] for name in self._names}
        return _tried(lambda: self._request.infer(feed, share_inputs=True), "OpenVINO", arrays)


def _known_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the inputs of a model, which must be a BERT's."""
    found = tuple(names)
    if "input_ids" not in found or not set(found) <= set(INPUTS):
        raise InputError(
            f"it takes {', '.join(found) or 'no input'}, not {', '.join(INPUTS)}",
            remedy="export the model with `bertslim export --onnx`",
        )
    return found


def _tried(call: Call, runtime: str, arrays: Arrays) -> Call:
    """Call once, so that a shape that does not work is told by its name."""
    try:
        call()
    except Exception as error:
        batch, length = arrays["input_ids"].shape
        raise BertslimError(
            f"{runtime} cannot run it at {batch}x{length} ({_gist(error)})",
            remedy="try another --batch or --length",
        ) from error
    return call


def _not_loaded(runtime: str, error: Exception) -> InputError:
    return InputError(
        f"{runtime} cannot load it ({_gist(error)})",
        remedy="write it again, or choose another --runtime",
    )


def _gist(error: Exception) -> str:
    """The line that says most of a message that may go on for pages."""
    lines = [one_line(line) for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Exception from", "backend="))]
    line = (telling or lines or [type(error).__name__])[0]
    return line.rpartition(" : ")[2].rstrip(".")
