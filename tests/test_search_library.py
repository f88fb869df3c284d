"""Levels solved once for all, held to the repair of each of them alone."""

from __future__ import annotations

import pytest
import torch

from bertslim.model.layer import model_layers
from bertslim.search.levels import steps_of
from support.searched import ALONE, Searched, with_level


@pytest.mark.parametrize("model_type", ["bert", "distilbert", "modernbert", "mpnet", "eurobert"])
def test_a_block_at_a_level_is_what_reconstruct_makes_of_it_alone(
    model_type: str, make_checkpoint, make_recipe
) -> None:
    searched = Searched.of(make_checkpoint(model_type), make_recipe)
    for number in (0, 2):
        for level in searched.choices[number].levels:
            steps = steps_of(with_level(searched, number, level))
            slim = searched.repaired(make_recipe(*steps, reconstruct=ALONE))
            expected = model_layers(slim)[number]
            found = searched.library.layers[number, level]
            weights, state = expected.module.state_dict(), found.module.state_dict()
            assert weights.keys() == state.keys()
            for name, values in weights.items():
                torch.testing.assert_close(state[name], values, rtol=1e-6, atol=1e-7)


def test_the_base_is_left_as_it_is(make_checkpoint, make_recipe) -> None:
    directory = make_checkpoint("bert", "SequenceClassification")
    searched = Searched.of(directory, make_recipe)
    from bertslim.model.checkpoint import load_checkpoint

    for name, values in load_checkpoint(directory).model.double().state_dict().items():
        assert torch.equal(searched.base.model.state_dict()[name], values), name
