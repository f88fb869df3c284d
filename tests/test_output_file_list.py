"""The list of what bertslim wrote into a directory."""

from __future__ import annotations

from pathlib import Path

from bertslim.output.file_list import FileList, add_to_list, list_files, read_file_list


def test_a_directory_is_listed_with_all_that_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling/config.json").touch()
    (tmp_path / "model.safetensors").touch()
    list_files(tmp_path)
    made = frozenset({"1_Pooling/config.json", "model.safetensors"})
    assert read_file_list(tmp_path) == FileList(made=made)
    add_to_list(tmp_path, ["model.onnx"])
    add_to_list(tmp_path, ["model.xml", "model.bin"])
    listed = read_file_list(tmp_path)
    assert listed == FileList(made, frozenset({"model.onnx", "model.xml", "model.bin"}))
    assert listed is not None
    assert listed.foreign(tmp_path) is None


def test_files_are_added_where_there_is_no_list(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()
    add_to_list(tmp_path, ["model.onnx"])
    listed = read_file_list(tmp_path)
    assert listed == FileList(added=frozenset({"model.onnx"}))
    assert listed is not None
    assert listed.foreign(tmp_path) == "config.json"
