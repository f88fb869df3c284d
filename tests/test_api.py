"""bertslim as a library, in one process: the commands as functions, and loading a result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bertslim


def test_what_the_library_cuts_it_loads(make_checkpoint: Callable[..., Path], tmp_path: Path):
    base = make_checkpoint("bert", "SequenceClassification")
    result = bertslim.cut(
        bertslim.CutOptions(
            str(base), "drop_odd", output=tmp_path / "slim", measure=None, threads=1
        )
    )
    assert result.directory == tmp_path / "slim"
    assert bertslim.read_record(result.directory) == result.record
    (parameters,) = result.record.find("parameters")
    slim, whole = bertslim.load(result.directory), bertslim.load(base)
    assert sum(parameter.numel() for parameter in slim.parameters()) == parameters.slim
    assert sum(parameter.numel() for parameter in whole.parameters()) == parameters.base
    assert not slim.training


def test_the_library_refuses_as_the_command_line_does(
    make_checkpoint: Callable[..., Path], tmp_path: Path
):
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    options = bertslim.RetrainOptions(
        str(base),
        bertslim.DataOptions(str(tmp_path / "no.csv")),
        output=tmp_path / "out",
        threads=1,
    )
    with pytest.raises(bertslim.BertslimError, match=r"no\.csv"):
        bertslim.retrain(options)
    assert list(tmp_path.iterdir()) == []


def test_a_result_is_exported_reported_and_checked_as_on_the_command_line(
    make_checkpoint: Callable[..., Path], tmp_path: Path
):
    base = make_checkpoint("bert", "SequenceClassification")
    out = str(tmp_path / "slim")
    made = bertslim.cut(bertslim.CutOptions(base, "drop_odd", output=out, measure=None, threads=1))
    options: Any = {"format": "onnx", "threads": 1}
    exported = bertslim.export(bertslim.ExportOptions(out, **options))
    assert exported.path == tmp_path / "slim" / "onnx" / "model.onnx"
    reported = bertslim.report(bertslim.ReportOptions(out))
    assert reported.accounts == (bertslim.read_record(tmp_path / "slim"),)
    rules = (bertslim.MaxParameters(10), bertslim.MaxBytes.parse("1GB"))
    checked = bertslim.check(bertslim.CheckOptions(out, rules=rules))
    assert [one.outcome for one in checked.rule_results.verdicts] == ["fail", "pass"]
    with pytest.raises(bertslim.BertslimError, match=r"--max-params 10"):
        checked.rule_results.enforce()
    assert bertslim.inspect(bertslim.InspectOptions(out)).facts.hidden_size == 32
    for result in (made, exported, reported, checked):
        assert len(repr(result)) < 400


def test_models_are_timed_and_analyzed_from_the_library(
    make_checkpoint: Callable[..., Path], tmp_path: Path
):
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    times: Any = {"batches": 1, "lengths": 8, "seconds": 0.1, "launches": 1, "threads": 1}
    timed = bertslim.bench(bertslim.BenchOptions(base, runtimes="torch", **times))
    assert [(one.batch, one.length) for one in timed.timings] == [(1, 8)]
    assert f"{base} in torch at 1x8" in repr(timed)
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(f"good film {number}" for number in range(60)), encoding="utf-8")
    found = bertslim.analyze(
        bertslim.AnalyzeOptions(base, data=texts, samples=10, output=tmp_path / "a", threads=1)
    )
    assert found.directory == tmp_path / "a"
    assert len(repr(found)) < 600


def test_a_directory_that_is_not_there_is_a_sentence(tmp_path: Path):
    with pytest.raises(bertslim.BertslimError, match="no such directory"):
        bertslim.export(bertslim.ExportOptions(tmp_path / "no", format="onnx"))
