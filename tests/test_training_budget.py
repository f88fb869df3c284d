"""Steps, minutes and the learning rate that follows them."""

from __future__ import annotations

import pytest

from bertslim.training.budget import Budget, rate_at


class Clock:
    """Tells the time that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_steps_are_counted_whatever_the_clock_says() -> None:
    budget = Budget(steps=8, clock=Clock())
    budget.start()
    budget.tick(lambda share: share)
    assert [budget.share(step) for step in (0, 2, 8, 9)] == [0, 0.25, 1, 1]


def test_seconds_go_on_from_those_of_an_interrupted_run() -> None:
    clock = Clock()
    budget = Budget(seconds=60, clock=clock)
    assert budget.elapsed == 0
    budget.start(spent=15)
    clock.now += 15
    assert budget.share(3) == 0
    budget.tick(lambda share: share)
    assert budget.elapsed == 30
    assert budget.share(3) == 0.5
    clock.now += 100
    budget.tick(lambda share: share)
    assert budget.share(4) == 1


def test_processes_go_by_one_clock() -> None:
    budget = Budget(seconds=60, clock=Clock())
    budget.start()
    budget.tick(lambda _: 0.75)
    assert budget.share(0) == 0.75


@pytest.mark.parametrize(("share", "rate"), [(0, 0), (0.05, 0.5), (0.1, 1), (0.55, 0.5), (1, 0)])
def test_the_learning_rate_rises_for_a_tenth_and_falls_to_nothing(
    share: float, rate: float
) -> None:
    assert rate_at(share) == pytest.approx(rate)
