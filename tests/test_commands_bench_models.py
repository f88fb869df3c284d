"""What `bertslim bench` was given, and what each model is run in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bertslim.commands import bench_models
from bertslim.commands.bench_models import find_entrants
from bertslim.errors import InputError
from bertslim.measure import runtimes
from bertslim.measure.runtimes import ONNX, Runtime


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that says what the CPU can do and whether OpenVINO is there."""

    def set_up(*, bfloat16: bool = True, openvino: bool = True) -> None:
        monkeypatch.setattr(bench_models, "cpu_multiplies_bfloat16", lambda: bfloat16)
        absent = () if openvino else ("openvino",)
        monkeypatch.setattr(
            runtimes.importlib.util, "find_spec", lambda name: name not in absent or None
        )

    return set_up


@pytest.fixture
def here(
    make_checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A checkpoint with files that were exported into it, and files without one."""
    shutil.copytree(make_checkpoint("bert"), tmp_path / "model")
    (tmp_path / "exported").mkdir()
    for name in ("model/model.onnx", "exported/model_int8.onnx", "exported/openvino_model.xml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*models: str, wanted: str = "") -> list[tuple[str, str]]:
    asked = tuple(Runtime(word) for word in wanted.split())
    return [(one.name, one.runtime.value) for one in find_entrants(models, asked)]


def refused(*models: str, wanted: str = "") -> str:
    with pytest.raises(InputError) as caught:
        found(*models, wanted=wanted)
    return str(caught.value)


def test_of_a_directory_the_checkpoint_alone_is_timed(
    here: Path, machine: Callable[..., None]
) -> None:
    machine()
    assert found("model") == [("model", "torch"), ("model", "torch-bf16")]


def test_without_bfloat16_nothing_is_timed_in_it(here: Path, machine: Callable[..., None]) -> None:
    machine(bfloat16=False)
    assert found("model") == [("model", "torch")]
    name = "model/model.onnx"
    assert found(name) == [(name, "onnxruntime"), (name, "openvino")]
    assert found("model", wanted="torch-bf16") == [("model", "torch-bf16")], "unless asked for"


def test_a_file_is_timed_in_what_is_installed(here: Path, machine: Callable[..., None]) -> None:
    name = "model/model.onnx"
    machine()
    runtimes_of_it = [runtime for _, runtime in found(name)]
    assert runtimes_of_it == ["onnxruntime", "openvino", "openvino-bf16"]
    machine(openvino=False)
    assert found(name) == [(name, "onnxruntime")]


def test_openvino_must_be_there_where_nothing_else_will_do(
    here: Path, machine: Callable[..., None]
) -> None:
    machine(openvino=False)
    said = "openvino: the package openvino is not installed; pip install 'bertslim[openvino]'"
    assert refused("exported/openvino_model.xml") == said
    assert refused("model/model.onnx", wanted="openvino") == said


def test_runtimes_that_are_asked_for_run_what_they_can(
    here: Path, machine: Callable[..., None]
) -> None:
    machine()
    name = "model/model.onnx"
    both = found("model", name, wanted="onnxruntime torch-compile")
    assert both == [("model", "torch-compile"), (name, "onnxruntime")]


def test_a_name_too_long_for_any_file_is_not_there(here: Path) -> None:
    assert refused("x" * 300 + ".onnx").endswith("x.onnx: no such file; check the path")


def test_only_the_first_model_is_first(here: Path, machine: Callable[..., None]) -> None:
    machine()
    entered = find_entrants(["model", "model"], [])
    assert [entrant.first for entrant in entered] == [True, True, False, False]


@pytest.mark.parametrize(
    ("models", "wanted", "message"),
    [
        (["gone.onnx"], "", "gone.onnx: no such file; check the path"),
        (["./gone"], "", "./gone: no such directory; check the path"),
        (["~nobody/gone"], "", "~nobody/gone: no such directory; check the path"),
        (["~nobody/gone.onnx"], "", "~nobody/gone.onnx: no such file; check the path"),
        (
            ["model/model.safetensors"],
            "",
            "model/model.safetensors: is neither an ONNX file (.onnx) nor an OpenVINO IR (.xml); "
            "name one, or the directory of a checkpoint",
        ),
        (
            ["exported"],
            "",
            "exported: holds no PyTorch weights; name an exported file, such as "
            "exported/model_int8.onnx",
        ),
        (
            ["model"],
            "onnxruntime openvino",
            "model: a directory does not run in onnxruntime or openvino; name model/model.onnx",
        ),
        (
            ["model/model.onnx"],
            "torch",
            "model/model.onnx: does not run in torch; a file of its kind runs in "
            f"{', '.join(runtime for runtime in Runtime if ONNX in runtime.row.takes)}",
        ),
        (
            ["model"],
            "torch openvino",
            "--runtime: none of the models runs in openvino; it takes files that end in .onnx or "
            ".xml",
        ),
        (
            ["model/model.onnx"],
            "onnxruntime torch",
            "--runtime: none of the models runs in torch; it takes directories of checkpoints",
        ),
    ],
)
def test_what_does_not_fit_is_told(
    here: Path, machine: Callable[..., None], models: list[str], wanted: str, message: str
) -> None:
    machine()
    assert refused(*models, wanted=wanted) == message


def test_a_directory_without_exported_files_says_how_to_get_one(
    here: Path, machine: Callable[..., None]
) -> None:
    machine()
    (here / "model/model.onnx").unlink()
    assert refused("model", wanted="onnxruntime").endswith(
        "name a file that `bertslim export --onnx` wrote"
    )
