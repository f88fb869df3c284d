"""Which inputs a model takes, from its configuration or its file."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bertslim.errors import InputError
from bertslim.measure.input_limits import InputLimits, check_names, read_limits, shared_limits
from support.tiny_onnx import write_tiny_onnx


@pytest.fixture
def config(make_checkpoint: Callable[..., Path]) -> Path:
    """A configuration with 99 tokens and 40 positions."""
    return make_checkpoint("bert") / "config.json"


def test_of_a_directory(config: Path) -> None:
    assert read_limits(config.parent) == InputLimits(vocabulary=99, max_length=40)


@pytest.mark.parametrize("place", [".", "onnx"])
def test_of_a_file_with_its_configuration_beside_or_above(
    tmp_path: Path, config: Path, place: str
) -> None:
    shutil.copy(config, tmp_path)
    (tmp_path / place).mkdir(exist_ok=True)
    path = write_tiny_onnx(tmp_path / place / "m.onnx")
    assert read_limits(path) == InputLimits(vocabulary=99, max_length=40)


def test_the_table_in_the_file_counts_where_it_is_smaller(tmp_path: Path, config: Path) -> None:
    told = json.loads(config.read_text()) | {"vocab_size": 500}
    (tmp_path / "config.json").write_text(json.dumps(told))
    assert read_limits(write_tiny_onnx(tmp_path / "m.onnx")).vocabulary == 99


def test_of_a_file_alone(tmp_path: Path) -> None:
    path = write_tiny_onnx(tmp_path / "m.onnx")
    assert read_limits(path) == InputLimits(vocabulary=99, max_length=sys.maxsize)


def test_a_file_that_does_not_tell_needs_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "m.bin").touch()
    (tmp_path / "m.xml").write_text("<net/>")
    with pytest.raises(InputError, match=r"known without its config.json; put it beside the file$"):
        read_limits(tmp_path / "m.xml")


def test_an_ir_needs_its_weights(tmp_path: Path) -> None:
    (tmp_path / "m.xml").write_text("<net/>")
    with pytest.raises(InputError, match=r"its weights, m\.bin, are not beside it; put them there"):
        read_limits(tmp_path / "m.xml")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = write_tiny_onnx(tmp_path / "m.onnx", inputs=("pixel_values",))
    with pytest.raises(InputError) as caught:
        read_limits(path)
    assert str(caught.value) == (
        f"{path}: its inputs are pixel_values; a BERT's are input_ids, attention_mask, "
        "token_type_ids; export the model with `bertslim export --onnx`"
    )


def test_masks_and_types_may_be_missing_but_not_tokens() -> None:
    check_names(["input_ids"])
    check_names(["attention_mask", "input_ids"])
    with pytest.raises(InputError, match="its inputs are attention_mask;"):
        check_names(["attention_mask"])
    with pytest.raises(InputError, match="its inputs are none;"):
        check_names([])


def test_shared_limits_are_those_of_the_strictest() -> None:
    limits = [InputLimits(100, 512), InputLimits(80, sys.maxsize), InputLimits(90, 40)]
    assert shared_limits(limits) == InputLimits(80, 40)
