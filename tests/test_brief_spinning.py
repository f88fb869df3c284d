"""The environment that settles how long threads spin."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bertslim import brief_spinning


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    variables = {"PATH": "/bin"}
    monkeypatch.setattr(brief_spinning, "os", SimpleNamespace(environ=variables))
    return variables


def test_threads_spin_briefly_unless_a_person_says_otherwise(environment: dict[str, str]) -> None:
    brief_spinning.spin_briefly()
    assert environment == {"PATH": "/bin", "GOMP_SPINCOUNT": "3000"}
    assert brief_spinning.brief_spinning() == {}, "those that are started have it already"


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
def test_what_a_person_has_set_stays(name: str, environment: dict[str, str]) -> None:
    environment[name] = "active"
    brief_spinning.spin_briefly()
    assert environment == {"PATH": "/bin", name: "active"}
