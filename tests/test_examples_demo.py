"""The end of `make demo`, of made-up results; and the steps that lead to it."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from bertslim.records import ExportRecord, SearchTarget
from support.example_frontiers import BASE_MS, chosen_frontier
from support.example_records import accuracy, cut_record, retrain_record

ROOT = Path(__file__).parent.parent
RECIPES = ROOT / "examples" / "demo"


@pytest.fixture(scope="module")
def summary() -> ModuleType:
    spec = spec_from_file_location("demo_summary", RECIPES / "summary.py")
    assert spec
    assert spec.loader
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def demo(summary: ModuleType) -> object:
    cut = cut_record()
    others = [one for one in cut.measurements if one.name != "accuracy.accuracy"]
    exported = ExportRecord(
        file="onnx/model_int8.onnx",
        format="onnx",
        precision="int8",
        size=18 * 2**20,
        difference=0.044,
        measurements=(accuracy(0.705, 0.704, -0.004, 0.002),),
    )
    return summary.Demo(
        cut=cut,
        repaired=cut.model_copy(
            update={"measurements": (*others, accuracy(0.712, 0.708, -0.01, 0.001))}
        ),
        found=cut.model_copy(
            update={"measurements": (*others, accuracy(0.712, 0.69, -0.03, -0.01))}
        ),
        trained=retrain_record().model_copy(
            update={
                "measurements": (accuracy(0.712, 0.705, -0.015, 0.003),),
                "exports": (exported,),
            }
        ),
        frontier=chosen_frontier().model_copy(update={"target": SearchTarget(ms=0.6 * BASE_MS)}),
    )


def shown(summary: ModuleType, table: object) -> list[str]:
    console = summary.Console(width=100, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_the_accuracy_after_each_step(summary: ModuleType, demo: object) -> None:
    lines = shown(summary, summary.stages(demo))
    assert [re.split(r"  +", line) for line in lines[1:]] == [
        ["base", "71.2%"],
        ["a quarter of its FFN neurons", "70.1%"],
        ["… repaired", "70.8%"],
        ["found for 0.6x of the time", "69.0%"],
        ["… trained for half a minute", "70.5%"],
        ["… in int8", "70.4%"],
    ]


def test_the_five_figures(summary: ModuleType, demo: object) -> None:
    lines = shown(summary, summary.figures(demo, summary.Times(base=14.0, file=1.75)))
    assert [re.split(r"  +", line) for line in lines] == [
        ["accuracy", "-0.7 points (-1.5 to +0.3) after training, beside the base"],
        ["speed", "14.00 ms in PyTorch → 1.75 ms in int8, 8.0 x, for 64 tokens"],
        ["search", "0.50 of the base's time, both in int8"],
        ["size", "87 MiB → 18 MiB in int8"],
        ["parity", "int8 differs from PyTorch by at most 4.4%, -0.1 points"],
    ]


def test_both_recipes_are_the_same_cut() -> None:
    bare, repaired = (
        (RECIPES / f"{name}.yaml").read_text(encoding="utf-8")
        for name in ("quarter_width", "quarter_width_repaired")
    )
    cuts = [
        text[text.index("surgery:") :].partition("reconstruct:")[0] for text in (bare, repaired)
    ]
    assert cuts[0].strip() == cuts[1].strip()
    assert "reconstruct:" not in bare
    assert "reconstruct:" in repaired
