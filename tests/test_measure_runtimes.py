"""Which runtime takes what, and what is said of one that is not installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bertslim.errors import InputError
from bertslim.measure import runtimes
from bertslim.measure.runtimes import UNASKED, Runtime

ROOT = Path(__file__).parent.parent
PYTORCH = {"torch", "torch-bf16", "torch-compile"}
ONNX_RUNTIME = {"onnxruntime"}
OPENVINO = {"openvino", "openvino-bf16"}

each_runtime = pytest.mark.parametrize("runtime", Runtime)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", PYTORCH),
        ("model.onnx", ONNX_RUNTIME | OPENVINO),
        ("model.xml", OPENVINO),
        ("model.bin", set()),
    ],
)
def test_each_kind_of_model_has_its_runtimes(tmp_path: Path, name: str, expected: set[str]) -> None:
    takers = {runtime.value for runtime in Runtime if runtime.takes(tmp_path / name)}
    assert takers & {*PYTORCH, *ONNX_RUNTIME, *OPENVINO} == expected


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


def test_to_look_runtimes_up_imports_none_of_them(fresh_python) -> None:
    packages = {runtime.package for runtime in Runtime}
    fresh_python(
        "import sys\n"
        "from bertslim.measure.runtimes import Runtime\n"
        "assert all(runtime.installed in (True, False) for runtime in Runtime)\n"
        f"heavy = ({packages} | {{'numpy', 'transformers'}}) & set(sys.modules)\n"
        "assert not heavy, heavy"
    )


@each_runtime
def test_its_package_is_one_that_bertslim_needs_or_an_extra_of_that_name(runtime: Runtime) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"].get(runtime.package, [])
    needed = {re.split(r"[<>=]", line)[0] for line in [*project["dependencies"], *extra]}
    assert runtime.package in needed


@each_runtime
def test_what_it_may_refuse_another_runtime_takes(runtime: Runtime) -> None:
    sure = {kind for one in UNASKED for kind in one.row.takes if kind not in one.row.may_refuse}
    assert set(runtime.row.may_refuse) <= sure & set(runtime.row.takes)


def test_the_guide_has_a_row_for_each_runtime() -> None:
    guide = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")
    table = guide[guide.index("| runtime | runs |") :].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in table]
    assert rows == [
        [f"`{runtime}`", " and ".join(kind.plural for kind in runtime.row.takes)]
        for runtime in Runtime
    ]
