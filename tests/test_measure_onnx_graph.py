"""What is read from an ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bertslim.commands.export import export_checkpoint
from bertslim.errors import InputError
from bertslim.export.formats import Format
from bertslim.measure.onnx_graph import read_onnx
from bertslim.options.export import ExportOptions
from bertslim.progress import Progress
from support.tiny_onnx import BERT_INPUTS, VOCABULARY, write_tiny_onnx


def test_inputs_type_and_vocabulary(tmp_path: Path) -> None:
    found = read_onnx(write_tiny_onnx(tmp_path / "m.onnx"))
    assert found.inputs == BERT_INPUTS
    assert (found.dtype, found.vocabulary) == ("float32", VOCABULARY)


def test_what_bertslim_exports(make_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    directory = make_checkpoint("distilbert", "SequenceClassification")
    path = tmp_path / "model.onnx"
    options = ExportOptions(directory, path, format=Format.ONNX, threads=1)
    export_checkpoint(options, Progress(visible=False))
    found = read_onnx(path)
    assert found.inputs == BERT_INPUTS[:2]
    assert (found.dtype, found.vocabulary) == ("float32", 99)


@pytest.mark.parametrize(
    ("options", "dtype"),
    [({"weights": np.float16}, "float16"), ({"quantised": True}, "int8")],
)
def test_other_types(tmp_path: Path, options: dict[str, object], dtype: str) -> None:
    assert read_onnx(write_tiny_onnx(tmp_path / "m.onnx", **options)).dtype == dtype


def test_a_file_without_a_table_of_words(tmp_path: Path) -> None:
    path = write_tiny_onnx(tmp_path / "m.onnx", inputs=("tokens",))
    assert read_onnx(path).vocabulary is None


def test_what_is_no_onnx_file(tmp_path: Path) -> None:
    whole = write_tiny_onnx(tmp_path / "whole.onnx").read_bytes()
    contents = {"empty": b"", "text": b"hello", "short": whole[: len(whole) // 2]}
    for name, content in contents.items():
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_onnx(path)
        assert str(caught.value) == (
            f"{path}: is not an ONNX file, or is damaged; write it again with `bertslim export --onnx`"
        )
