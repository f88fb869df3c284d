"""Models as files of runtimes, and a latency table that is really measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bertslim.measure.engines import load_engine
from bertslim.measure.runtimes import is_installed
from bertslim.measure.shapes import Shape
from bertslim.model.checkpoint import load_checkpoint
from bertslim.search.latency_table import LevelTimes
from bertslim.search.levels import LayerLevels, Level, plan_of, possible_choices
from bertslim.search.measure_table import TableBench, cache_directory
from bertslim.search.search_runtimes import SearchRuntime
from bertslim.search.timed_files import FileWriter
from support.calibration import random_texts
from support.searched import QUIET


@pytest.mark.parametrize("runtime", list(SearchRuntime))
def test_a_cut_model_is_written_as_the_file_of_each_runtime(
    runtime: SearchRuntime, make_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    if not is_installed(runtime.files.runtime.package):
        pytest.skip("not installed")
    base = load_checkpoint(make_checkpoint("bert", "SequenceClassification"))
    kept = [layer.kept for layer in possible_choices(base.facts)]
    heads = LayerLevels(Level("attention", "narrowed", 2), Level("ffn", "narrowed", 16))
    plan = plan_of((heads, None, *kept[2:]), base.facts)
    (texts,) = random_texts(4)
    texts.inputs["token_type_ids"] = torch.zeros_like(texts.inputs["input_ids"])
    writer = FileWriter(base, runtime, [texts], tmp_path)
    written = writer.write_cut("cut", plan)
    assert written.runtime is runtime.files.runtime
    assert writer.base_file is writer.base_file
    sizes = [
        sum(path.stat().st_size for path in (tmp_path / name).iterdir()) for name in ("cut", "base")
    ]
    assert sizes[0] < sizes[1]
    if runtime is not SearchRuntime.OPENVINO_BF16:  # not every CPU multiplies in it
        assert (load_engine(written, 1).dtype == "int8") == runtime.files.int8


@pytest.mark.slow
def test_a_table_is_measured_and_remembered(
    make_checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    base = load_checkpoint(
        make_checkpoint(
            "bert", "SequenceClassification", hidden_size=256, intermediate_size=1024,
            num_hidden_layers=4,
        )
    )  # fmt: skip
    choices = possible_choices(base.facts)
    (tmp_path / "files").mkdir()
    writer = FileWriter(base, SearchRuntime.ONNXRUNTIME, [], tmp_path / "files")
    bench = TableBench(writer, choices, Shape(1, 32), 1, 0, QUIET)
    table = bench.table()
    times = LevelTimes(table)
    kept = tuple(layer.kept for layer in choices)
    half = tuple(LayerLevels(one.attention, Level("ffn", "narrowed", 128)) for one in kept)
    assert times.predicted(half) < times.predicted(kept)
    assert table.one_token_on_top
    assert len(list(cache_directory().iterdir())) == 1

    monkeypatch.setattr(TableBench, "_measure", lambda _: pytest.fail("measured again"))
    assert bench.table() == table
