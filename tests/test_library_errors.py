"""Errors that are to be expected of libraries and the system, each as one line with its code."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bertslim.errors import BertslimError, DataError, InputError, ModelError, OutputError
from bertslim.library_errors import exhausted_resource, expected_error


def raised(call: Any) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011  whatever a library raises
        call()
    return caught.value


def of_class(module: str, name: str, message: str) -> Exception:
    return type(name, (Exception,), {"__module__": module})(message)


def safetensors_error() -> BaseException:
    from safetensors import deserialize

    return raised(lambda: deserialize(b"\x01"))


def tokenizers_error() -> BaseException:
    from tokenizers import Tokenizer

    return raised(lambda: Tokenizer.from_str("[]"))


def arrow_error() -> BaseException:
    import pyarrow.parquet

    return raised(lambda: pyarrow.parquet.read_table(pyarrow.BufferReader(b"PAR1xxxxPAR1")))


def torch_out_of_memory() -> BaseException:
    import torch

    return raised(lambda: torch.empty(1 << 60))


def numpy_out_of_memory() -> BaseException:
    import numpy as np

    return raised(lambda: np.empty(1 << 60, dtype=np.int8))


MEMORY = "memory ran out; a smaller batch, length or number of rows needs less"
CASES: dict[str, tuple[Any, type[BertslimError], str]] = {
    "memory": (MemoryError, InputError, MEMORY),
    "memory of numpy": (numpy_out_of_memory, InputError, MEMORY),
    "memory of torch": (torch_out_of_memory, InputError, MEMORY),
    "memory of ONNX Runtime": (
        lambda: of_class("onnxruntime.capi", "RuntimeException", "Failed to allocate memory"),
        InputError,
        MEMORY,
    ),
    "memory for a library": (
        lambda: ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        InputError,
        MEMORY,
    ),
    "threads": (
        lambda: RuntimeError("can't start new thread"),
        InputError,
        "no further thread or process can be started; raise the limit (`ulimit -u`), or free "
        "memory",
    ),
    "files": (
        lambda: OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
        InputError,
        "too many files are open; raise the limit, such as by `ulimit -n 4096`",
    ),
    "disk": (
        lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/big/file"),
        InputError,
        "/big/file: the disk is full; make room there, or set TMPDIR or -o to another disk",
    ),
    "permission": (
        lambda: raised(lambda: Path("/proc/1/mem").write_bytes(b"")),
        InputError,
        "/proc/1/mem: ",
    ),
    "missing": (
        lambda: raised(lambda: Path("gone.txt").read_bytes()),
        InputError,
        "gone.txt: no such file or directory",
    ),
    "encoding": (
        lambda: raised(b"\xff".decode),
        InputError,
        "a text that is read is not in its encoding: UnicodeDecodeError: 'utf-8' codec can't",
    ),
    "recursion": (
        RecursionError,
        InputError,
        "a file that is read is nested too deeply, or refers to itself",
    ),
    "package": (
        lambda: raised(lambda: __import__("fugashi_that_nobody_has")),
        InputError,
        "the package 'fugashi_that_nobody_has' is needed and not installed; install it beside",
    ),
    "part of a package": (
        lambda: ImportError("XTokenizer requires the protobuf library\nbut it was not found"),
        InputError,
        "a package is needed and cannot be imported: ImportError: XTokenizer requires the protobuf",
    ),
    "safetensors": (safetensors_error, InputError, "a file cannot be read: SafetensorError: "),
    "tokenizers": (tokenizers_error, InputError, "a file cannot be read: "),
    "pyarrow": (arrow_error, InputError, ""),
    "zip": (
        lambda: zipfile.BadZipFile("Bad magic number"),
        InputError,
        "a file cannot be read: BadZipFile: Bad magic number",
    ),
    "panic": (
        lambda: type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})("index"),
        InputError,
        "a file cannot be read: PanicException: index",
    ),
    "runtime": (
        lambda: of_class("onnxruntime.capi.x", "Fail", "[ONNXRuntimeError] : 1 : FAIL\nmore"),
        BertslimError,
        "onnxruntime failed: Fail: [ONNXRuntimeError] : 1 : FAIL",
    ),
    "network": (
        lambda: of_class("httpx", "ConnectError", "no route"),
        InputError,
        "what was asked of the network failed: ConnectError: no route; check the name and",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_to_be_expected_is_one_line(case: str) -> None:
    make, kind, line = CASES[case]
    found = expected_error(make())
    assert type(found) is kind
    assert str(found).startswith(line)
    assert len(str(found).splitlines()) == 1


@pytest.mark.parametrize(
    "error",
    [
        KeyError("layer"),
        ValueError("x"),
        TypeError("x"),
        ZeroDivisionError("division by zero"),
        AssertionError(),
        RuntimeError("The size of tensor a (3) must match"),
        ImportError("cannot import name", name="bertslim.errors"),
    ],
)
def test_what_no_rule_knows_is_left(error: Exception) -> None:
    assert expected_error(error) is None


def test_an_error_of_ours_comes_out_of_what_a_library_wrapped_it_in() -> None:
    ours = DataError("row 3 is no text", where="a.csv")
    wrapped = RuntimeError("An error occurred while generating the dataset")
    wrapped.__cause__ = ours
    assert expected_error(wrapped) is ours


@pytest.mark.parametrize(
    ("ours", "line"),
    [
        (ModelError("cannot be loaded (RuntimeError)", where="./m"), f"./m: {MEMORY}"),
        (OutputError("cannot be written", where="./o"), "./o: cannot be written"),
    ],
)
def test_an_error_of_ours_keeps_its_place_where_memory_ran_out(
    ours: BertslimError, line: str
) -> None:
    ours.__cause__ = RuntimeError("unable to mmap 403 bytes from file <m>: Cannot allocate memory")
    assert str(expected_error(ours)) == line


def test_what_was_handled_on_the_way_does_not_count() -> None:
    error = KeyError("layer")
    error.__context__, error.__suppress_context__ = MemoryError(), True
    assert expected_error(error) is None


def test_a_full_disk_is_found_beneath_the_error_of_the_cleaning_up() -> None:
    error = RuntimeError("unexpected pos 64 vs 0")
    error.__context__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    found = exhausted_resource(error)
    assert str(found).startswith("the disk is full; make room there")


def test_the_full_disk_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))
    found = exhausted_resource(OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)))
    assert str(found).startswith(f"{tmp_path}: the disk is full")
