"""What a result was made of, found by records."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertslim.commands.publish import model_record
from bertslim.commands.recorded_base import find_whole
from bertslim.errors import ModelError
from bertslim.file_names import RECORD_FILE
from bertslim.model.model_source import find_model
from support.example_records import cut_record

HEAD = "SequenceClassification"


@pytest.fixture
def place(make_checkpoint: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Return a function that puts a checkpoint somewhere, with the record of what it came from."""

    def put(
        name: str, *, head: str = HEAD, layers: int = 2, base: Path | None = None, kind: str = "cut"
    ) -> Path:
        changes: dict[str, Any] = {"num_labels": 2} if head else {}
        made = make_checkpoint("bert", head, tokenizer=True, num_hidden_layers=layers, **changes)
        shutil.copytree(made, tmp_path / name)
        if base is not None:
            record = cut_record().model_copy(
                update={"kind": kind, "base": model_record(str(base), base)}
            )
            (tmp_path / name / RECORD_FILE).write_text(record.to_json())
        return tmp_path / name

    return put


def whole_of(directory: Path) -> str:
    return find_whole(find_model(str(directory)), remedy="do this").name


def test_a_model_that_was_never_cut_is_its_own(place: Callable[..., Path]) -> None:
    assert whole_of(place("plain")) == "plain"
    encoder = place("encoder", head="")
    assert whole_of(place("classifier", base=encoder, kind="retrain")) == "classifier"
    first = place("first")
    assert whole_of(place("second", base=first, kind="retrain")) == "second"


def test_it_is_found_past_trainings(place: Callable[..., Path]) -> None:
    first = place("first", layers=4)
    second = place("second", layers=4, base=first, kind="retrain")
    cut = place("cut", base=second)
    assert whole_of(cut) == "second"
    assert whole_of(place("trained", base=cut, kind="retrain")) == "second"
    assert whole_of(place("cut-again", layers=1, base=cut)) == "second"


def test_the_base_of_a_cut_that_is_gone_is_an_error(place: Callable[..., Path]) -> None:
    base = place("base", layers=4)
    cut = place("cut", base=base)
    trained = place("trained", base=base, kind="retrain")
    shutil.rmtree(base)
    with pytest.raises(ModelError, match="the base that the record names is not available"):
        whole_of(cut)
    assert whole_of(trained) == "trained"
