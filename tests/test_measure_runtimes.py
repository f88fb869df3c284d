"""Which runtime takes what, and what is said of one that is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bertslim.errors import InputError
from bertslim.measure import runtimes
from bertslim.measure.runtimes import Runtime


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", {"torch", "torch-bf16", "torch-compile"}),
        ("model.onnx", {"onnxruntime", "openvino", "openvino-bf16"}),
        ("model.xml", {"openvino", "openvino-bf16"}),
        ("model.bin", set()),
    ],
)
def test_each_kind_of_model_has_its_runtimes(tmp_path: Path, name: str, expected: set[str]) -> None:
    assert {one.value for one in Runtime if one.takes(tmp_path / name)} == expected


def test_a_directory_is_a_checkpoint_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").mkdir()
    assert Runtime.TORCH.takes(tmp_path / "model.onnx")
    assert not Runtime.ONNXRUNTIME.takes(tmp_path / "model.onnx")


def test_runtimes_that_bertslim_needs_anyway_are_installed() -> None:
    for runtime in (Runtime.TORCH, Runtime.TORCH_COMPILE, Runtime.ONNXRUNTIME):
        assert runtime.installed
        runtime.check_installed()


def test_a_runtime_that_is_not_installed_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes.importlib.util, "find_spec", lambda _: None)
    assert not Runtime.OPENVINO_BF16.installed
    with pytest.raises(InputError) as caught:
        Runtime.OPENVINO_BF16.check_installed()
    assert str(caught.value) == (
        "openvino-bf16: the package openvino is not installed; pip install 'bertslim[openvino]'"
    )


def test_those_that_multiply_in_bfloat16_say_so_in_their_name() -> None:
    assert [one for one in Runtime if one.in_bfloat16] == [
        one for one in Runtime if one.value.endswith("-bf16")
    ]
