"""Bars and timed steps: shown to a person, silent elsewhere."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import psutil
import pytest

from bertslim.progress import Progress, runs_in_notebook


def test_nothing_is_shown_and_no_process_started_where_nobody_is_watching(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = psutil.Process().children()
    progress = Progress(visible=False)
    with progress.step("load"), progress.bar("rounds", total=3) as bar:
        bar.update()
        bar.set_postfix({"loss": "0.1"})
        assert bar.n == 1
    assert list(progress.track("abc", "texts", total=3)) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")
    assert psutil.Process().children() == before


def test_a_person_sees_what_runs_and_what_is_left(capfd: pytest.CaptureFixture[str]) -> None:
    before = psutil.Process().children()
    progress = Progress(visible=True)
    with progress.step("measure"):
        assert list(progress.track("abc", "comparing", total=3, unit="text")) == ["a", "b", "c"]
    out, err = capfd.readouterr()
    assert out == ""
    assert "measure …" in err
    assert "comparing" in err
    assert "/3 [" in err
    assert psutil.Process().children() == before


def test_steps_are_timed_in_their_order_and_a_failed_one_is_not_kept() -> None:
    progress = Progress(visible=False)
    with progress.step("first"):
        pass
    with pytest.raises(ZeroDivisionError), progress.step("second"):
        raise ZeroDivisionError
    with progress.step("third"):
        pass
    assert [step.name for step in progress.steps] == ["first", "third"]
    assert all(step.seconds >= 0 for step in progress.steps)


def test_what_is_worth_keeping_is_told_without_a_terminal_too(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Progress(visible=False).tell("data: a.csv")
    assert capfd.readouterr() == ("", "")
    Progress().tell("data: a.csv")
    assert capfd.readouterr() == ("", "data: a.csv\n")
    with (progress := Progress(visible=True)).step("read"):
        progress.tell("data: a.csv")
    assert "data: a.csv\n" in capfd.readouterr().err


def test_a_notebook_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = type("ZMQInteractiveShell", (), {})()
    assert not runs_in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert runs_in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not runs_in_notebook()
