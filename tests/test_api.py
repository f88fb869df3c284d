"""bertslim as a library, in one process: the commands as functions, and loading a result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
