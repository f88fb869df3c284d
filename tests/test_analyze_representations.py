"""Hidden states behind each block."""

from __future__ import annotations

import torch

from bertslim.analyze.representations import sites_of, watched
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.config_facts import read_facts
from bertslim.records import Site
from support.checkpoints import checkpoint_of
from support.families import each_layered_family, final_norm


@each_layered_family
def test_behind_the_ffn_blocks_are_the_hidden_states_of_transformers(
    model_type: str, tiny_model, example_inputs
) -> None:
    model = tiny_model(model_type, "")
    facts = read_facts(model.config.to_dict() | {"architectures": [type(model).__name__]})
    with torch.no_grad(), watched(checkpoint_of(model)) as states:
        expected = model(**example_inputs(), output_hidden_states=True).hidden_states
    assert list(states) == list(sites_of(facts))
    for number in range(4):
        outer = states[Site(layer=number, block="ffn")]
        last = final_norm(model)(outer) if number == 3 else outer
        assert torch.equal(last, expected[number + 1])
        inner = states[Site(layer=number, block="attention")]
        assert not torch.allclose(inner, expected[number + 1], atol=1e-3)
    before = dict(states)
    with torch.no_grad():
        model(**example_inputs())
    assert all(states[site] is before[site] for site in before)


def test_blocks_that_are_gone_have_their_place(make_checkpoint, cut, example_inputs) -> None:
    slim = load_checkpoint(cut(make_checkpoint("bert", ""), "drop_odd"))
    with torch.no_grad(), watched(slim) as states:
        slim.model(**example_inputs())
    assert list(states) == list(sites_of(slim.facts))
