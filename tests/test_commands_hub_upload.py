"""Results that go to the Hub, for which a stand-in answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import bertslim
from bertslim.cli import run
from bertslim.commands.hub_upload import record_to_publish
from bertslim.errors import BertslimError, InputError
from support.example_records import BASE_DIRECTORY, DATA_FILE, QUOTED_TEXT, full_record
from support.hub_stand_in import COMMIT, HubStandIn


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HubStandIn:
    return HubStandIn.put_in_place(tmp_path / "hub", monkeypatch)


@pytest.fixture
def options(make_checkpoint: Callable[..., Path], tmp_path: Path) -> Callable[..., Any]:
    """Return a function that makes the settings of a cut of texts that nobody else may read."""
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    data = tmp_path / "private" / "customers.csv"
    data.parent.mkdir()
    rows = "".join(f"a bad film {number},{number % 2}\n" for number in range(60))
    data.write_text(f"text,label\n{rows}", encoding="utf-8")

    def make(**values: Any) -> bertslim.CutOptions:
        measure = bertslim.MeasureOptions((1,), (8,), seconds=0.1, launches=1, show_texts=True)
        kept: dict[str, Any] = {"data": data, "measure": measure, "threads": 1, **values}
        out = tmp_path / "slim"
        return bertslim.CutOptions(str(base), "drop_odd", output=out, push_to_hub="me/slim", **kept)

    return make


def test_what_is_uploaded_is_the_result_and_tells_neither_paths_nor_texts(
    hub: HubStandIn, options: Callable[..., Any], tmp_path: Path
) -> None:
    result = bertslim.cut(options())
    assert result.uploaded_to == f"https://hub/me/slim/commit/{COMMIT}"
    assert hub.made == {"me/slim": True}
    commit = hub.cache / "models--me--slim" / "snapshots" / COMMIT
    names = {path.relative_to(commit) for path in commit.rglob("*") if path.is_file()}
    here = result.directory
    assert names == {path.relative_to(here) for path in here.rglob("*") if path.is_file()}
    for path in map(commit.joinpath, names):
        text = path.read_text(encoding="utf-8", errors="replace")
        assert str(tmp_path) not in text, path
        assert result.record.base.source not in text, path
        assert "a bad film" not in text, path
    record = bertslim.read_record(commit)
    assert record.measurements[0] == result.record.measurements[0]
    weights, kept = (bertslim.load(name).state_dict() for name in (f"me/slim@{COMMIT}", here))
    assert all(torch.equal(weights[name], kept[name]) for name in kept)


def test_a_base_from_the_hub_is_recorded_with_its_commit(
    hub: HubStandIn, options: Callable[..., Any], tmp_path: Path
) -> None:
    bertslim.cut(options(measure=None, data=None))
    out = tmp_path / "again"
    again = bertslim.cut(
        bertslim.CutOptions("me/slim@main", "drop_even", output=out, measure=None, threads=1)
    )
    assert (again.record.base.source, again.record.base.commit) == ("me/slim", COMMIT)
    assert again.record.base.pinned_source == f"me/slim@{COMMIT}"
    report = (out / "report.md").read_text(encoding="utf-8")
    assert COMMIT in report
    assert "base_model: me/slim\n" in (out / "README.md").read_text(encoding="utf-8")


def test_nobody_logged_in_is_told_before_the_work(
    hub: HubStandIn, options: Callable[..., Any], tmp_path: Path
) -> None:
    hub.user = None
    with pytest.raises(InputError, match=r"--push-to-hub: the Hub knows nobody .*hf auth login"):
        bertslim.cut(options())
    assert not (tmp_path / "slim").exists()


def test_a_refused_upload_leaves_the_result(
    hub: HubStandIn, options: Callable[..., Any], tmp_path: Path
) -> None:
    hub.full = True
    with pytest.raises(
        BertslimError, match=r"was written to .*slim, and not uploaded \(403"
    ) as met:
        bertslim.cut(options(measure=None, data=None))
    assert met.value.exit_code == 1
    assert bertslim.read_record(tmp_path / "slim").kind == "cut"


@pytest.mark.parametrize("name", ["a b", "me/you/them", "me/"])
def test_what_is_no_repository(
    name: str,
    hub: HubStandIn,
    make_checkpoint: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = str(make_checkpoint("bert"))
    arguments = ["cut", base, "-r", "drop_odd", "--no-measure", "--push-to-hub", name]
    assert run(arguments) == 2
    assert "is no name of a repository; give one such as me/slim-bert" in capsys.readouterr().err


def test_a_record_to_publish_names_data_and_models_by_their_last_component() -> None:
    record = full_record()
    shown = record_to_publish(record)
    text = shown.to_json()
    for secret in (BASE_DIRECTORY, DATA_FILE, QUOTED_TEXT, "/srv/models"):
        assert secret in record.to_json()
        assert secret not in text
    assert shown.disagreements is None
    assert shown.base.sha256 == record.base.sha256
    assert [one.slim for one in shown.measurements] == [one.slim for one in record.measurements]
