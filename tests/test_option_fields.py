"""Values of options models, as the library may be given them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bertslim.data.data_options import DataOptions
from bertslim.errors import InputError
from bertslim.export.formats import Format
from bertslim.measure.runtimes import Runtime
from bertslim.options.bench import BenchOptions
from bertslim.options.cut import CutOptions
from bertslim.options.export import ExportOptions
from bertslim.options.report import ReportOptions


def test_strings_stand_for_paths_data_and_names() -> None:
    options: Any = {"output": "slim", "data": "reviews.csv"}
    assert CutOptions("m", "r", **options) == CutOptions(
        "m", "r", output=Path("slim"), data=DataOptions("reviews.csv")
    )
    models: Any = "one"
    shapes: Any = {"batches": "1,8", "lengths": 32, "runtimes": "torch,openvino"}
    assert BenchOptions(models, **shapes) == BenchOptions(
        ("one",),
        batches=(1, 8),
        lengths=(32,),
        runtimes=(Runtime.TORCH, Runtime.OPENVINO),
    )
    directories: Any = ["a", Path("b")]
    assert ReportOptions(directories).directories == (Path("a"), Path("b"))


def test_paths_stand_for_models_recipes_and_data() -> None:
    model, recipe, data = Path("m"), Path("r.yaml"), Path("d.csv")
    options: Any = (model, recipe, None, data)
    assert CutOptions(*options) == CutOptions("m", "r.yaml", data=DataOptions("d.csv"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("onnx", Format.ONNX), ("openvino", Format.OPENVINO), ("torch", Format.TORCH)],
)
def test_a_format_has_the_name_of_its_option_and_that_of_reports(
    name: Any, expected: Format
) -> None:
    directory: Any = "slim"
    for written in (name, expected.value, expected):
        assert ExportOptions(directory, format=written).format is expected


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"output": 3}, "CutOptions.output: it should be a path, and is 3"),
        ({"seed": "x"}, "CutOptions.seed: it should be a valid integer"),
        ({"threads": 0}, "CutOptions.threads: 0 is below 1"),
        ({"data": 3}, "CutOptions.data: takes DataOptions, not 3; make a DataOptions"),
        ({"measure": "no"}, "CutOptions.measure: takes MeasureOptions, not 'no'"),
        ({"model": None}, "CutOptions.model: it should be a text, and is None"),
    ],
)
def test_what_is_of_no_use_is_refused_in_a_sentence(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        CutOptions(**{"model": "m", "recipe": "r", **values})
    assert str(caught.value).startswith(said)


def test_a_number_of_another_options_model_is_named_with_it() -> None:
    models: Any = "m"
    with pytest.raises(InputError, match=r"^BenchOptions\.seconds: 0\.0 is below 0\.1$"):
        BenchOptions(models, seconds=0)
    with pytest.raises(InputError, match="is no runtime"):
        BenchOptions(models, runtimes="tensorflow")  # type: ignore[arg-type]
