"""What an interrupted training leaves, and who may take it over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bertslim.errors import OutputError
from bertslim.records import Look
from bertslim.training.interruption import Account, Interruption, interruption_of

REQUEST = {"seed": 0, "steps": 8}


def account(step: int) -> Account:
    look = Look(step=0, seconds=0.1, loss=None, score=0.3)
    return Account(step=step, seconds=2.5, tokens=640, best_step=0, looks=(look,))


@pytest.fixture
def cut_off(tmp_path: Path) -> Interruption:
    """A run that was cut off after step 20, in the middle of writing the checkpoint of step 30."""
    found = interruption_of(tmp_path / "out")
    found.begin(REQUEST, resume=False, force=False)
    for step in (10, 20, 30):
        (found.folder / f"checkpoint-{step}").mkdir()
    for step in (10, 20):
        found.write_account(account(step))
    return found


def test_a_run_begins_with_an_empty_hidden_folder_beside_the_output(tmp_path: Path) -> None:
    found = interruption_of(tmp_path / "out")
    assert not found.there
    found.begin(REQUEST, resume=True, force=False)
    assert found.folder == tmp_path / ".out.bertslim-training"
    assert [path.name for path in found.folder.iterdir()] == ["request.json"]
    assert found.latest() is None
    found.clear()
    assert list(tmp_path.iterdir()) == []


def test_the_last_whole_checkpoint_counts(cut_off: Interruption) -> None:
    latest = cut_off.latest()
    assert latest is not None
    assert latest.name == "checkpoint-20"
    assert cut_off.read_account(latest) == account(20)


def test_a_run_that_was_cut_off_is_taken_over_or_thrown_away_but_not_by_chance(
    cut_off: Interruption,
) -> None:
    with pytest.raises(
        OutputError, match=r"interrupted here; continue with --resume, or start again"
    ):
        cut_off.begin(REQUEST, resume=False, force=False)
    cut_off.begin(REQUEST, resume=True, force=False)
    assert cut_off.there
    with pytest.raises(OutputError, match=r"another one: it differs in steps, lr; give the same"):
        cut_off.begin({"seed": 0, "steps": 9, "lr": 1}, resume=True, force=True)
    cut_off.begin(REQUEST, resume=False, force=True)
    assert not cut_off.there


def test_leftovers_without_a_whole_checkpoint_are_in_nobodys_way(tmp_path: Path) -> None:
    found = interruption_of(tmp_path / "out")
    (found.folder / "checkpoint-10").mkdir(parents=True)
    found.begin(REQUEST, resume=False, force=False)
    assert not (found.folder / "checkpoint-10").exists()


def test_weights_stay_until_an_account_says_that_others_are_better(cut_off: Interruption) -> None:
    """So that a run which is cut off before its account finds those that the last one names."""
    for step in (0, 30):
        cut_off.write_best(step, {"a": torch.full((2,), float(step))})
    assert torch.equal(cut_off.read_best(0)["a"], torch.zeros(2))
    cut_off.write_account(account(30).model_copy(update={"best_step": 30}))
    assert torch.equal(cut_off.read_best(30)["a"], torch.full((2,), 30.0))
    assert [path.name for path in cut_off.folder.glob("best-*")] == ["best-30.pt"]


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


@pytest.mark.parametrize("damage", [cut_short, Path.unlink, lambda path: path.write_text("[1]")])
@pytest.mark.parametrize(
    "name",
    ["request.json", "checkpoint-20/bertslim.json", "checkpoint-20/optimizer.pt", "best-0.pt"],
)
def test_a_damaged_file_is_named_before_anything_is_loaded(
    cut_off: Interruption, name: str, damage: Callable[[Path], object]
) -> None:
    (cut_off.folder / "checkpoint-20/optimizer.pt").write_bytes(b"numbers")
    cut_off.write_best(0, {"a": torch.zeros(2)})
    cut_off.write_account(account(20))
    cut_off.begin(REQUEST, resume=True, force=False)
    damage(cut_off.folder / name)
    if damage is Path.unlink and name == "checkpoint-20/bertslim.json":
        latest = cut_off.latest()
        assert latest is not None
        assert latest.name == "checkpoint-10", "a checkpoint without an account is none"
        return
    with pytest.raises(OutputError) as caught:
        cut_off.begin(REQUEST, resume=True, force=False)
    assert str(caught.value) == (
        f"{cut_off.folder / name}: what an interrupted run left here is missing or damaged; "
        "start again with --force and without --resume"
    )
