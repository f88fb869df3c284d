"""Room in memory, then on disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from bertslim.errors import BertslimError, OutputError
from bertslim.repair.hidden_states import HiddenStateRoom, hidden_state_room


def test_what_goes_beyond_the_budget_lies_in_files(tmp_path: Path) -> None:
    room = HiddenStateRoom(tmp_path, budget=4 * 24 + 8)
    taken = [
        room.take_like(torch.empty((2, 3, 4), dtype=torch.float32)),
        room.take_like(torch.empty((2,), dtype=torch.float32)),
    ]
    assert not list(tmp_path.iterdir())
    taken.append(room.take_like(torch.empty((1,), dtype=torch.float32)))
    taken.append(room.take_like(torch.empty((2, 3, 4), dtype=torch.float32)))
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes == {"1": 4, "2": 96}
    assert [one.shape for one in taken] == [(2, 3, 4), (2,), (1,), (2, 3, 4)]
    for number, one in enumerate(taken):
        one.fill_(number)
    for number, one in enumerate(taken):
        assert torch.equal(one, torch.full_like(one, number))
    assert torch.from_file(str(tmp_path / "2"), size=24).eq(3).all()


def test_the_files_are_gone_when_the_room_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def interrupted() -> None:
        with hidden_state_room(budget=0) as room:
            room.take_like(torch.empty((8,), dtype=torch.float64)).fill_(1)
            (folder,) = tmp_path.iterdir()
            assert [path.stat().st_size for path in folder.iterdir()] == [64]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OutputError) as caught:
        HiddenStateRoom(tmp_path, budget=0).take_like(torch.empty((8,), dtype=torch.float64))
    assert "no room on disk" in str(caught.value)
    assert "`samples`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_gpu_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(torch, "empty_like", full)
    with pytest.raises(BertslimError) as caught:
        HiddenStateRoom(tmp_path, budget=0).take_like(torch.empty(8, device="meta"))
    assert str(caught.value) == (
        "no room on the GPU for the hidden states of the calibration texts; lower `samples` under "
        "`reconstruct`, or use --device cpu"
    )
