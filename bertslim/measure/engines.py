"""A model in one runtime, ready to be called; each lives in a process of its own."""

from __future__ import annotations

import importlib
import pkgutil
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bertslim.arrays import IntArray
from bertslim.errors import BertslimError, InputError
from bertslim.measure.input_limits import INPUTS, check_names
from bertslim.measure.onnx_graph import read_onnx
from bertslim.measure.runtimes import ONNX_SUFFIX, Runtime, TimedModel
from bertslim.measure.telemetry import without_telemetry
from bertslim.measure.text_sample import Arrays
from bertslim.printable import one_line

if TYPE_CHECKING:
    from transformers import PreTrainedModel

without_telemetry()


Call = Callable[[], object]

_SILENT = 4
_LONGEST = 200
_MOST_SHAPES = 1000


class Engine(Protocol):
    """A model that is loaded."""

    @property
    def dtype(self) -> str:
        """What it multiplies in, such as "float32" or "int8"."""
        ...

    def prepare(self, arrays: Arrays) -> Call:
        """Return what calls the model once with these inputs, or raises a BertslimError.

        Args:
            arrays: (batch, length) each, for all of INPUTS; the model is given those that it has,
                as one choice a question where it is made for choices.

        Raises:
            BertslimError: It cannot be made ready for them.
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
    engine: Engine = pkgutil.resolve_name(model.runtime.row.engine)(model, threads)
    return engine


class TorchEngine:
    """A checkpoint in PyTorch."""

    def __init__(self, model: TimedModel, threads: int) -> None:
        import torch

        from bertslim.model.checkpoint import load_checkpoint

        torch.set_num_threads(threads)
        self._device = model.device
        self._model: PreTrainedModel = load_checkpoint(model.path).model
        self._model.to(self._device)  # type: ignore[arg-type]
        if model.runtime.in_bfloat16:
            self._model = self._model.bfloat16()

    @property
    def dtype(self) -> str:
        """That of the weights."""
        return str(self._model.dtype).removeprefix("torch.")

    def prepare(self, arrays: Arrays) -> Call:
        """Return what calls the model once."""
        import torch

        rank = 3 if type(self._model).__name__.endswith("ForMultipleChoice") else 2
        ids, mask = (
            torch.from_numpy(_of_rank(rank, arrays[name])).to(self._device) for name in INPUTS[:2]
        )

        def call() -> object:
            with torch.inference_mode():
                outputs = self._model(input_ids=ids, attention_mask=mask)
                if self._device == "cuda":  # which only starts to work when it is called
                    torch.cuda.synchronize()
                return outputs

        return call


class CompiledTorchEngine(TorchEngine):
    """A checkpoint in PyTorch, compiled anew for each shape."""

    def __init__(self, model: TimedModel, threads: int) -> None:
        super().__init__(model, threads)
        self._runtime = model.runtime
        _compile(self._model)

    def prepare(self, arrays: Arrays) -> Call:
        """Return what calls the model once; it is compiled for the shape first."""
        call = super().prepare(arrays)
        try:
            call()
        except Exception as error:
            raise BertslimError(
                f"PyTorch cannot compile it ({_gist(error)})",
                remedy=f"a C++ compiler is needed, such as g++; or leave out {self._runtime}",
            ) from error
        return call


def _compile(model: PreTrainedModel) -> None:
    """Have a model compiled anew for each shape, in this process alone."""
    import torch._dynamo.config
    import torch._inductor.config

    torch._inductor.config.compile_threads = 1  # a pool of processes would disturb other models
    # beyond its limits it would go on uncompiled, without a warning
    torch._dynamo.config.recompile_limit = _MOST_SHAPES
    model.compile(dynamic=False)


class OnnxRuntimeEngine:
    """An ONNX file in ONNX Runtime, on the CPU."""

    def __init__(self, model: TimedModel, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _SILENT
        options.intra_op_num_threads = threads
        providers = ["CPUExecutionProvider"]
        try:
            self._session = onnxruntime.InferenceSession(model.path, options, providers=providers)
        except Exception as error:
            raise _not_loaded("ONNX Runtime", _gist(error)) from error
        self._path = model.path
        self._inputs = self._session.get_inputs()
        check_names(given.name for given in self._inputs)

    @property
    def dtype(self) -> str:
        """That of the products in the file."""
        return read_onnx(self._path).dtype

    def prepare(self, arrays: Arrays) -> Call:
        """Return what calls the model once."""
        feed = {given.name: _as_asked(given, arrays[given.name]) for given in self._inputs}
        return _explained(lambda: self._session.run(None, feed), "ONNX Runtime", arrays)


def _as_asked(given: Any, array: IntArray) -> NDArray[Any]:
    """Return an array in the rank and the type of an input of ONNX Runtime."""
    shaped = _of_rank(len(given.shape), array)
    return shaped.astype(np.int32) if given.type == "tensor(int32)" else shaped


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
            raise _not_loaded("OpenVINO", _gist(error, line=-1)) from error
        used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if used != self._precision:
            raise InputError(
                f"OpenVINO runs it in {used} on this CPU, not in {self._precision}",
                remedy="leave out openvino-bf16",
            )
        self._ranks = {_name(given): len(given.partial_shape) for given in compiled.inputs}
        check_names(self._ranks)
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
        feed = {name: _of_rank(rank, arrays[name]) for name, rank in self._ranks.items()}
        return _explained(lambda: self._request.infer(feed, share_inputs=True), "OpenVINO", arrays)


def _name(given: Any) -> str:
    """Return the name of an input of OpenVINO, which may have several."""
    return next((name for name in INPUTS if name in given.names), str(given.any_name))


def _of_rank(rank: int, array: IntArray) -> IntArray:
    """Return (batch, length), or (batch, 1, length) for a model that takes several choices."""
    return array[:, None] if rank == 3 else array


def _explained(call: Call, runtime: str, arrays: Arrays) -> Call:
    """Name the shape in the error where a call does not work."""
    batch, length = arrays["input_ids"].shape

    def explained() -> object:
        try:
            return call()
        except Exception as error:
            raise BertslimError(
                f"{runtime} cannot run it at {batch}x{length} ({_gist(error)})",
                remedy="try another --batch or --length",
            ) from error

    return explained


def _not_loaded(runtime: str, why: str) -> InputError:
    return InputError(
        f"{runtime} cannot load it ({why})", remedy="write it again, or choose another --runtime"
    )


def _gist(error: Exception, *, line: int = 0) -> str:
    """One line of a message that may go on for pages: the first that is not empty, or the last.

    Before it may stand where OpenVINO's error was raised, PyTorch's backend or ONNX Runtime's code.
    """
    lines = [one_line(line) for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Exception from", "backend="))]
    chosen = (telling or lines or [type(error).__name__])[line].rpartition(" : ")[2]
    return textwrap.shorten(chosen.removeprefix("-- ").rstrip(".:"), _LONGEST, placeholder=" …")
