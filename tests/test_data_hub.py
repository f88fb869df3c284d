from __future__ import annotations

import errno
from typing import Any

import pytest

from bertslim.data import hub
from bertslim.data.data_source import load_data
from bertslim.errors import DataError, InputError


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("imdb", ("imdb", None, "train")),
        ("stanfordnlp/sst2@validation", ("stanfordnlp/sst2", None, "validation")),
        ("glue:sst2", ("glue", "sst2", "train")),
        ("nyu-mll/glue:cola@train[:10%]", ("nyu-mll/glue", "cola", "train[:10%]")),
        ("org/name.v2:en-US@test+train", ("org/name.v2", "en-US", "test+train")),
    ],
)
def test_a_hub_name_may_carry_a_configuration_and_a_split(
    monkeypatch: pytest.MonkeyPatch, source: str, asked: tuple[str, str | None, str]
) -> None:
    import datasets

    calls: list[Any] = []

    def load_dataset(path: str, name: str | None, *, split: str) -> datasets.Dataset:
        calls.append((path, name, split))
        return datasets.Dataset.from_dict({"text": ["x"], "label": [0]})

    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    data = load_data(source)
    assert calls == [asked]
    assert data.rows.table["text"][:] == ["x"]
    assert data.source == source


def test_what_the_hub_cannot_give_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import datasets.config
    import huggingface_hub.constants

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError) as caught:
        load_data("no-such-org/no-such-data")
    message = str(caught.value)
    assert message.startswith(
        "no-such-org/no-such-data: no such file or directory here, "
        "and it cannot be had from the Hub: the Hub does not answer, and no dataset of that name"
    )
    assert message.endswith("; check the name and the connection")
    assert "\n" not in message
    assert capfd.readouterr() == ("", "")


def test_a_long_answer_of_the_hub_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:

    def load_dataset(*args: object, **kwargs: object) -> None:
        raise ValueError("Config name is missing.\nPick one of:\n" + "name, " * 500)

    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    monkeypatch.setattr("bertslim.network._hub_answers", lambda *_: True)
    with pytest.raises(DataError, match=r"Config name is missing\. Pick one of: name,") as caught:
        load_data("glue")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("source", ["two words", "name:", "name@", "a:b:c", "what?"])
def test_what_is_neither_a_path_nor_a_name(source: str) -> None:
    with pytest.raises(DataError) as caught:
        load_data(source)
    assert str(caught.value) == (
        f"{source}: neither a file or directory here nor a name of the form org/name:config@split"
    )


def test_a_full_disk_is_not_the_fault_of_name_or_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load_dataset(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/cache/a.arrow")

    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    with pytest.raises(InputError) as caught:
        load_data("glue")
    assert str(caught.value) == (
        "/cache/a.arrow: the disk is full; make room there, or set TMPDIR or -o to another disk"
    )


def test_the_split_is_shown_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"text": ["x"]})
    monkeypatch.setattr(hub, "load_dataset", lambda *args, **kwargs: rows)
    assert hub.read_hub("glue").reading == ("split train",)
    assert hub.read_hub("glue@test").reading == ()
