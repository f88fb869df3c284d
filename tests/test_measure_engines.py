"""Models in their runtimes: types, inputs, and what is said where something fails."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from bertslim.errors import BertslimError, InputError
from bertslim.measure.engines import Arrays, Engine, load_engine
from bertslim.measure.runtimes import Runtime, TimedModel
from support.tiny_onnx import write_tiny_onnx


@pytest.fixture(autouse=True)
def _threads_as_before() -> Any:
    """An engine sets the threads of its process, which is its own elsewhere."""
    import torch

    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def load(path: Path, runtime: str) -> Engine:
    return load_engine(TimedModel(path, Runtime(runtime)), threads=1)


def arrays(batch: int = 2, length: int = 8) -> Arrays:
    shape = batch, length
    ids = np.full(shape, 50)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": 0 * ids}


@pytest.mark.parametrize("runtime", Runtime)
def test_each_runtime_has_an_engine(runtime: Runtime) -> None:
    engine = pkgutil.resolve_name(runtime.row.engine)
    assert list(inspect.signature(engine).parameters) == ["model", "threads"]
    assert isinstance(engine.dtype, property)
    assert callable(engine.prepare)


@pytest.mark.parametrize(("runtime", "dtype"), [("torch", "float32"), ("torch-bf16", "bfloat16")])
def test_a_checkpoint_in_pytorch(
    make_checkpoint: Callable[..., Path], runtime: str, dtype: str
) -> None:
    engine = load(make_checkpoint("bert", "SequenceClassification"), runtime)
    assert engine.dtype == dtype
    answer: Any = engine.prepare(arrays(2, 8))()
    assert answer.logits.shape == (2, 3)
    assert str(answer.logits.dtype) == f"torch.{dtype}"
    assert not answer.logits.requires_grad


def test_pytorch_leaves_half_precision_as_it_is(make_checkpoint: Callable[..., Path]) -> None:
    assert load(make_checkpoint("bert", dtype="bfloat16"), "torch").dtype == "bfloat16"


def test_a_model_of_choices_is_given_one_a_question(make_checkpoint: Callable[..., Path]) -> None:
    answer: Any = load(make_checkpoint("bert", "MultipleChoice"), "torch").prepare(arrays(2, 8))()
    assert answer.logits.shape == (2, 1)


def test_a_compiler_that_fails_is_one_line(
    make_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertModel

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("backend='inductor' raised:\nInvalidCxxCompiler: none\n\nSet VERBOSE=1")

    monkeypatch.setattr(BertModel, "compile", lambda model, **_: setattr(model, "forward", fails))
    engine = load(make_checkpoint("bert", ""), "torch-compile")
    with pytest.raises(BertslimError) as caught:
        engine.prepare(arrays())
    assert str(caught.value) == (
        "PyTorch cannot compile it (InvalidCxxCompiler: none); a C++ compiler is needed, such as "
        "g++; or leave out torch-compile"
    )


@pytest.mark.slow
def test_a_compiled_checkpoint(make_checkpoint: Callable[..., Path]) -> None:
    engine = load(make_checkpoint("bert", "SequenceClassification"), "torch-compile")
    plain = load(make_checkpoint("bert", "SequenceClassification"), "torch")
    compiled: Any = engine.prepare(arrays())()
    expected: Any = plain.prepare(arrays())()
    assert np.allclose(compiled.logits, expected.logits, atol=1e-5)


def test_an_onnx_file_in_onnx_runtime(tmp_path: Path) -> None:
    engine = load(write_tiny_onnx(tmp_path / "m.onnx"), "onnxruntime")
    assert engine.dtype == "float32"
    (answer,) = engine.prepare(arrays(2, 8))()  # type: ignore[misc]
    assert answer.shape == (2, 8, 2)
    assert (answer == 4).all()


@pytest.mark.parametrize(
    ("options", "dtype", "shape"),
    [
        ({"inputs": ("input_ids",)}, "float32", (2, 8, 2)),
        ({"ids": TensorProto.INT32}, "float32", (2, 8, 2)),
        ({"choices": True}, "float32", (2, 1, 8, 2)),
        ({"quantised": True}, "int8", (2, 8, 2)),
    ],
)
def test_onnx_files_of_other_makers(
    tmp_path: Path, options: dict[str, Any], dtype: str, shape: tuple[int, ...]
) -> None:
    engine = load(write_tiny_onnx(tmp_path / "m.onnx", **options), "onnxruntime")
    assert engine.dtype == dtype
    (answer,) = engine.prepare(arrays())()  # type: ignore[misc]
    assert answer.shape == shape


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, runtime: str) -> None:
    pytest.importorskip(runtime)
    path = write_tiny_onnx(tmp_path / "m.onnx", inputs=("input_ids", "pixel_values"))
    with pytest.raises(InputError, match="its inputs are input_ids, pixel_values; a BERT's are"):
        load(path, runtime)


@pytest.mark.parametrize(
    ("runtime", "name"), [("onnxruntime", "ONNX Runtime"), ("openvino", "OpenVINO")]
)
def test_a_damaged_file_is_one_line(tmp_path: Path, runtime: str, name: str) -> None:
    pytest.importorskip(runtime)
    path = tmp_path / "m.onnx"
    path.write_bytes(b"hello")
    with pytest.raises(InputError) as caught:
        load(path, runtime)
    message = str(caught.value)
    assert message.startswith(f"{name} cannot load it (")
    assert message.endswith("); write it again, or choose another --runtime")
    assert "Exception from" not in message
    assert "ONNXRuntimeError" not in message


@pytest.mark.parametrize(
    ("runtime", "name"), [("onnxruntime", "ONNX Runtime"), ("openvino", "OpenVINO")]
)
def test_a_shape_that_fails_is_told_by_its_name(tmp_path: Path, runtime: str, name: str) -> None:
    pytest.importorskip(runtime)
    engine = load(write_tiny_onnx(tmp_path / "m.onnx", length=7), runtime)
    engine.prepare(arrays(3, 7))()
    with pytest.raises(BertslimError) as caught:
        engine.prepare(arrays(3, 5))()
    message = str(caught.value)
    assert message.startswith(f"{name} cannot run it at 3x5 (")
    assert message.endswith("); try another --batch or --length")


@pytest.mark.parametrize(("quantised", "dtype"), [(False, "float32"), (True, "int8")])
def test_an_onnx_file_in_openvino(tmp_path: Path, quantised: bool, dtype: str) -> None:
    pytest.importorskip("openvino")
    engine = load(write_tiny_onnx(tmp_path / "m.onnx", quantised=quantised), "openvino")
    assert engine.dtype == dtype
    answers: Any = engine.prepare(arrays(2, 8))()
    assert answers[0].shape == (2, 8, 2)


def test_an_ir_in_openvino(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    model = openvino.Core().read_model(write_tiny_onnx(tmp_path / "m.onnx"))
    openvino.save_model(model, tmp_path / "m.xml")
    engine = load(tmp_path / "m.xml", "openvino")
    assert engine.dtype == "float32"
    answers: Any = engine.prepare(arrays(2, 8))()
    assert answers[0].shape == (2, 8, 2)


def test_openvino_tells_where_it_does_not_multiply_bfloat16(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    path = write_tiny_onnx(tmp_path / "m.onnx")
    if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        assert load(path, "openvino-bf16").dtype == "bfloat16"
    else:
        with pytest.raises(InputError, match="OpenVINO runs it in f32 on this CPU, not in bf16"):
            load(path, "openvino-bf16")
