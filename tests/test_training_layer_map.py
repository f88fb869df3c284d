"""Which layer of the teacher each layer of a student follows."""

from __future__ import annotations

import pytest

from bertslim.records import LayerFacts, LayerPlan
from bertslim.training.layer_map import layer_map


def plan(*slim_layers: int | None) -> list[LayerPlan]:
    facts = LayerFacts(heads=4, intermediate_size=64)
    sizes = dict.fromkeys(("parameters_before", "parameters_after", "macs_before", "macs_after"), 0)
    return [
        LayerPlan(
            layer=layer,
            slim_layer=slim,
            before=facts,
            after=None if slim is None else facts,
            actions=(),
            **sizes,
        )
        for layer, slim in enumerate(slim_layers)
    ]


def test_layers_follow_those_that_they_came_from_and_the_last_one_the_last() -> None:
    assert layer_map(4, 4, plan(0, 1, 2, 3)) == [0, 1, 2, 3]
    assert layer_map(2, 4, plan(0, None, 1, None)) == [0, 3]
    assert layer_map(3, 4, plan(None, 0, 1, 2)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("student", "teacher", "expected"),
    [(6, 6, [0, 1, 2, 3, 4, 5]), (3, 6, [1, 3, 5]), (1, 12, [11]), (4, 6, [1, 2, 3, 5])],
)
def test_layers_of_unknown_origin_are_spread_evenly(
    student: int, teacher: int, expected: list[int]
) -> None:
    assert layer_map(student, teacher) == expected
