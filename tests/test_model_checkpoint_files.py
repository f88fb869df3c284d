"""Checkpoint directories, whole and damaged, as seen without loading them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bertslim.errors import ModelError
from bertslim.model.checkpoint_files import find_weights, read_config
from bertslim.model.description import describe_checkpoint
from bertslim.model.stored_tensors import StoredTensor

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


@pytest.fixture
def checkpoint(make_checkpoint, tmp_path: Path) -> Path:
    """Return a checkpoint that may be damaged."""
    return shutil.copytree(make_checkpoint("bert", ""), tmp_path / "checkpoint")


@pytest.fixture
def sharded(tiny_model, tmp_path: Path) -> Path:
    """Return a checkpoint in several shards that may be damaged."""
    tiny_model("bert", "").save_pretrained(tmp_path / "sharded", max_shard_size="30KB")
    return tmp_path / "sharded"


def refusal(directory: Path) -> str:
    with pytest.raises(ModelError) as caught:
        find_weights(directory)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(directory), "DIR")


# The configuration


def test_the_configuration_is_read(checkpoint: Path) -> None:
    assert read_config(checkpoint) == json.loads((checkpoint / "config.json").read_text())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not valid JSON"),
        (b'{"model_type": "bert"', "is not valid JSON"),
        (b"\xff\xfe", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b"[1]", "is not a JSON object"),
        (b"null", "is not a JSON object"),
    ],
    ids=["empty", "cut short", "not UTF-8", "too deep", "a list", "null"],
)
def test_a_damaged_configuration(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=rf"^{tmp_path}/config\.json: {message}$"):
        read_config(tmp_path)


def test_a_byte_order_mark_is_passed_over(checkpoint: Path) -> None:
    path = checkpoint / "config.json"
    config = read_config(checkpoint)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_config(checkpoint) == config


@pytest.mark.parametrize("content", ['{"a": 1, "b": 2, "a": 3}', '{"b": {"a": 1, "a": 1}}'])
def test_a_key_that_is_there_twice(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config\.json: has the key 'a' twice; leave one of"):
        read_config(tmp_path)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "pytorch_model.bin"])
def test_a_pointer_of_git_lfs_is_no_file(name: str, checkpoint: Path) -> None:
    """A repository cloned without Git LFS has these few lines where the files are to be."""
    (checkpoint / WEIGHTS).unlink()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 90868376\n"
    (checkpoint / name).write_text(pointer)
    with pytest.raises(ModelError) as caught:
        describe_checkpoint(checkpoint)
    assert str(caught.value) == (
        f"{checkpoint / name}: is a pointer of Git LFS, not the file itself; "
        "fetch the file with `git lfs pull`"
    )


def test_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json: cannot be read \(No such file or dir"):
        read_config(tmp_path)


# Where the weights are


def test_one_safetensors_file(checkpoint: Path, tiny_model) -> None:
    weights = find_weights(checkpoint)
    assert weights.paths == (checkpoint / WEIGHTS,)
    assert weights.tensors == {
        name: StoredTensor(tuple(tensor.shape), "float32")
        for name, tensor in tiny_model("bert", "").state_dict().items()
    }
    assert weights.size == (checkpoint / WEIGHTS).stat().st_size


def test_shards_hold_the_same_tensors(checkpoint: Path, sharded: Path) -> None:
    weights = find_weights(sharded)
    assert len(weights.paths) > 2
    assert weights.paths == tuple(sorted(sharded.glob("*.safetensors")))
    assert weights.tensors == find_weights(checkpoint).tensors
    assert weights.size == sum(path.stat().st_size for path in weights.paths)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_lists_the_same_tensors(zipped: bool, checkpoint: Path, tmp_path: Path) -> None:
    """Also in the form that PyTorch wrote before 1.6."""
    state = load_file(checkpoint / WEIGHTS)
    path = tmp_path / "pytorch_model.bin"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    assert find_weights(tmp_path).tensors == find_weights(checkpoint).tensors


def test_a_tensor_in_two_files_is_refused(sharded: Path) -> None:
    first, second, *_ = sorted(sharded.glob("*.safetensors"))
    shutil.copy(first, second)
    assert refusal(sharded).startswith(f"DIR/{second.name}: ")
    assert refusal(sharded).endswith(" is in another file, too")


def test_pickled_shards(tmp_path: Path) -> None:
    names = ["pytorch_model-00002-of-2.bin", "pytorch_model-00001-of-2.bin"]
    index = {"weight_map": {"a": names[0], "b": names[1], "c": names[0]}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    for name in names:
        (tmp_path / name).write_bytes(b"x" * 10)
    weights = find_weights(tmp_path)
    assert weights.paths == tuple(tmp_path / name for name in sorted(names))
    assert weights.size == 20


def test_safetensors_come_before_pickles(checkpoint: Path) -> None:
    (checkpoint / "pytorch_model.bin").write_bytes(b"x")
    assert find_weights(checkpoint).paths == (checkpoint / WEIGHTS,)


def test_no_weights(tmp_path: Path) -> None:
    (tmp_path / "tf_model.h5").write_bytes(b"x")
    assert refusal(tmp_path) == (
        "DIR: no PyTorch weights here; model.safetensors or pytorch_model.bin is needed"
    )


def test_the_hash_is_that_of_the_files_one_after_the_other(sharded: Path, checkpoint: Path) -> None:
    assert find_weights(checkpoint).sha256() == file_hash([checkpoint / WEIGHTS])
    assert find_weights(sharded).sha256() == file_hash(sorted(sharded.glob("*.safetensors")))


def file_hash(paths: list[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


# Damage


def header_length(path: Path) -> int:
    return 8 + int.from_bytes(path.read_bytes()[:8], "little")


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (lambda header, size: 0, "the file is cut short or is not safetensors"),
        (lambda header, size: 7, "the file is cut short or is not safetensors"),
        (lambda header, size: 8, "the file is cut short or is not safetensors"),
        (lambda header, size: header // 2, "the file is cut short or is not safetensors"),
        (lambda header, size: header, "the file is cut short by "),
        (lambda header, size: (header + size) // 2, "the file is cut short by "),
        (lambda header, size: size - 1, "the file is cut short by 1 bytes"),
    ],
)
def test_a_file_cut_short(kept: Callable[[int, int], int], message: str, checkpoint: Path) -> None:
    path = checkpoint / WEIGHTS
    content = path.read_bytes()
    path.write_bytes(content[: kept(header_length(path), len(content))])
    found = refusal(checkpoint)
    assert found.startswith(f"DIR/{WEIGHTS}: {message}")
    assert found.endswith("; download or write it again")


def test_a_shard_cut_short_is_named(sharded: Path) -> None:
    last = sorted(sharded.glob("*.safetensors"))[-1]
    last.write_bytes(last.read_bytes()[:-5])
    assert refusal(sharded).startswith(f"DIR/{last.name}: the file is cut short by 5 bytes")


def safetensors(header: object) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html><body>404</body></html>",
        safetensors(b"{"),
        safetensors(b"[" * 100_000),
        safetensors(b"\xff\xff"),
        safetensors([1]),
        safetensors({"a": 1}),
        safetensors({"a": {}}),
        safetensors({"a": {"data_offsets": []}}),
        safetensors({"a": {"data_offsets": None}}),
        safetensors({"a": {"data_offsets": [0, "x"]}}),
        safetensors({"a": {"data_offsets": [0, 8]}, "b": {"data_offsets": [0, "x"]}}),
    ],
)
def test_what_is_no_safetensors_file(content: bytes, checkpoint: Path) -> None:
    (checkpoint / WEIGHTS).write_bytes(content)
    assert refusal(checkpoint).startswith(f"DIR/{WEIGHTS}: ")
    assert refusal(checkpoint).endswith("; download or write it again")


def test_a_missing_shard(sharded: Path) -> None:
    first = min(sharded.glob("*.safetensors"))
    first.unlink()
    assert refusal(sharded) == f"DIR/{first.name}: the index names a shard that is not here"


@pytest.mark.parametrize("name", ["../secret.safetensors", "sub/x.safetensors", "", "..", "."])
def test_an_index_cannot_leave_the_directory(name: str, checkpoint: Path) -> None:
    outside = shutil.copy(checkpoint / WEIGHTS, checkpoint.parent / "secret.safetensors")
    (checkpoint / "sub").mkdir()
    shutil.copy(outside, checkpoint / "sub" / "x.safetensors")
    (checkpoint / WEIGHTS).unlink()
    for index_name in (INDEX, "pytorch_model.bin.index.json"):
        (checkpoint / index_name).write_text(json.dumps({"weight_map": {"a": name}}))
        assert refusal(checkpoint).endswith("the index names a shard that is not here")
        (checkpoint / index_name).unlink()


def test_an_absolute_path_in_an_index(checkpoint: Path, tmp_path: Path) -> None:
    outside = shutil.move(checkpoint / WEIGHTS, tmp_path / "outside.safetensors")
    (checkpoint / INDEX).write_text(json.dumps({"weight_map": {"a": str(outside)}}))
    assert refusal(checkpoint).endswith("the index names a shard that is not here")


@pytest.mark.parametrize(
    "index",
    ["", "[]", "{}", '{"weight_map": []}', '{"weight_map": {}}', '{"weight_map": {"a": []}}'],
)
def test_a_damaged_index(index: str, checkpoint: Path) -> None:
    (checkpoint / WEIGHTS).unlink()
    (checkpoint / INDEX).write_text(index)
    assert refusal(checkpoint) == f"DIR/{INDEX}: is not a valid weight index"
