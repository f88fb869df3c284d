"""An output never replaces, contains or lies within anything that the run reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bertslim.errors import OutputError
from bertslim.output.inputs import Input
from bertslim.output.placement import check_apart, check_placement


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and a file of data, beside the current directory."""
    (tmp_path / "models/base").mkdir(parents=True)
    (tmp_path / "models/base/weights").write_text("w")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/data.csv").write_text("text\n")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home/someone"))
    return tmp_path


def inputs(here: Path) -> list[Input]:
    return [Input("MODEL", here / "models/base"), Input("--data", here / "texts/data.csv")]


def refusal(target: Path, read: list[Input], **beside: Path) -> str:
    with pytest.raises(OutputError) as caught:
        check_placement(target, read, "-o", **beside)
    return str(caught.value)


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("models/base", "is what this run reads as MODEL"),
        ("models/base/", "is what this run reads as MODEL"),
        ("models/base/out", "lies within what this run reads as MODEL"),
        ("models/base/a/b/out", "lies within what this run reads as MODEL"),
        ("models", "holds what this run reads as MODEL"),
        ("texts/data.csv", "is what this run reads as --data"),
        ("texts/data.csv/out", "lies within what this run reads as --data"),
        ("texts", "holds what this run reads as --data"),
        ("work", "is the current directory, or holds it"),
        ("home/someone", "is the home directory, or holds it"),
        ("home", "is the home directory, or holds it"),
        ("", "is the current directory, or holds it"),
        ("/", "is the current directory, or holds it"),
    ],
)
@pytest.mark.parametrize("way", ["absolute", "relative", "roundabout", "by a link above"])
def test_what_is_read_is_kept_by_whatever_path_it_is_named(
    target: str, what: str, way: str, here: Path
) -> None:
    if target == "/":
        path = Path(target)
    elif way == "absolute":
        path = here / target
    elif way == "relative":
        path = Path("..") / target
    elif way == "roundabout":
        path = here / "texts/../models/.." / target
    else:
        (here.parent / f"{here.name}-link").symlink_to(here)
        path = here.parent / f"{here.name}-link" / target
    assert refusal(path, inputs(here)) == f"{path}: {what}; choose another output with -o"


@pytest.mark.parametrize(
    "target", ["out", "models/out", "models/base2", "texts/out", "texts/data.csv2", "work/base"]
)
def test_what_lies_beside_is_free(target: str, here: Path) -> None:
    check_placement(here / target, inputs(here), "-o")


def test_an_input_that_is_a_link_is_kept_on_both_ends(here: Path) -> None:
    (here / "links").mkdir()
    (here / "links/data.csv").symlink_to(here / "texts/data.csv")
    read = [Input("--data", here / "links/data.csv")]
    assert "holds" in refusal(here / "links", read)
    assert "holds" in refusal(here / "texts", read)


@pytest.mark.parametrize("folder", ["", "1_Pooling"])
def test_what_a_checkpoint_links_to_is_read_too(folder: str, here: Path) -> None:
    """A snapshot of the Hub links to its files."""
    (here / "blobs").mkdir()
    (here / "blobs/0123").write_text("w")
    (here / "models/base" / folder).mkdir(exist_ok=True)
    (here / "models/base" / folder / "model.safetensors").symlink_to(here / "blobs/0123")
    assert "holds" in refusal(here / "blobs", inputs(here))
    assert "holds" not in refusal(here / "models/base", inputs(here))


def test_a_hard_link_is_the_same_file(here: Path) -> None:
    (here / "work/gate.xml").hardlink_to(here / "texts/data.csv")
    assert "is what this run reads as --data" in refusal(here / "work/gate.xml", inputs(here))


def test_a_file_may_be_added_to_the_one_directory_that_it_is_made_from(here: Path) -> None:
    base, other = here / "models/base", here / "texts"
    read = [*inputs(here), Input("--eval-data", other)]
    check_placement(base / "model.onnx", read, "-o", beside=here / "work/../models/base")
    assert "lies within" in refusal(other / "model.onnx", read, beside=base)
    assert "is what this run reads" in refusal(base, read, beside=base)


def test_a_home_that_nobody_knows_is_in_nobodys_way(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda _: (_ for _ in ()).throw(KeyError("uid")))
    check_placement(here / "out", inputs(here), "-o")


def test_outputs_of_one_run_differ(here: Path) -> None:
    os.link(here / "texts/data.csv", here / "twin")
    check_apart([("--junit", here / "a"), ("--summary", here / "b")])
    for first, second in (
        (here / "a", here / "work/../a"),
        (here / "texts/data.csv", here / "twin"),
    ):
        with pytest.raises(OutputError, match=r"is named by --junit already; choose .* --summary"):
            check_apart([("--junit", first), ("--summary", second)])
