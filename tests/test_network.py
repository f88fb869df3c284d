"""Libraries are kept off the network where what is read is local, or nobody answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError

from bertslim.network import HUB_SECONDS, offline, online_if_hub_answers


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets.config

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)


def state() -> list[bool]:
    import datasets.config

    return [constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE]


def test_libraries_are_offline_within_the_block_and_as_before_after_it() -> None:
    def fail() -> None:
        assert state() == [True, True]
        raise KeyError

    with pytest.raises(KeyError), offline():
        fail()
    assert state() == [False, False]


def answering(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> list[object]:
    asked: list[object] = []

    def repo_info(_: HfApi, name: str, *, repo_type: str, timeout: float) -> None:
        asked.append((name, repo_type, timeout))
        if error:
            raise error

    monkeypatch.setattr(HfApi, "repo_info", repo_info)
    return asked


def http_error(status: int) -> HfHubHTTPError:
    response = SimpleNamespace(status_code=status, headers={}, request=None)
    return HfHubHTTPError("no", response=response)


@pytest.mark.parametrize("error", [None, http_error(404), http_error(401)])
def test_a_hub_that_answers_is_used(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    asked = answering(monkeypatch, error)
    with online_if_hub_answers("dataset", "org/name"):
        assert state() == [False, False]
    assert asked == [("org/name", "dataset", HUB_SECONDS)]


@pytest.mark.parametrize("error", [OSError("no route"), TimeoutError(), http_error(503)])
def test_where_nobody_answers_only_the_cache_is_used(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    answering(monkeypatch, error)
    with online_if_hub_answers("model", "cached"):
        assert state() == [True, True]
    with (
        pytest.raises(
            ConnectionError, match="does not answer, and no model of that name is cached"
        ),
        online_if_hub_answers("model", "unknown"),
    ):
        raise FileNotFoundError
