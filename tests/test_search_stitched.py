"""Damages of blocks and of whole configurations, held to models that are really made."""

from __future__ import annotations

import pytest
import torch

from bertslim.measure.predictions import compare_outputs
from bertslim.search.levels import LayerLevels, Level, steps_of
from bertslim.search.stitched import StitchedModels
from bertslim.surgery.block_damage import damage_of
from support.calibration import random_texts
from support.searched import ALONE, QUIET, Searched, with_level

TEXTS = random_texts(9, 7, seed=5)


def damage_of_model(searched: Searched, model) -> float:
    with torch.inference_mode():
        figures = [
            compare_outputs(
                searched.base, searched.base.model(**one.inputs), model(**one.inputs), one
            )
            for one in TEXTS
        ]
    return float(
        damage_of({name: torch.cat([one[name] for one in figures]) for name in figures[0]})
    )


@pytest.mark.parametrize(
    ("model_type", "head"),
    [
        ("bert", "SequenceClassification"),
        ("bert", ""),
        ("distilbert", "TokenClassification"),
        ("modernbert", "SequenceClassification"),
    ],
)
def test_the_damage_of_each_level_is_that_of_the_model_repaired_with_it(
    model_type: str, head: str, make_checkpoint, make_recipe
) -> None:
    searched = Searched.of(make_checkpoint(model_type, head), make_recipe)
    stitched = StitchedModels(searched.library, TEXTS)
    damages = stitched.damages(searched.choices, QUIET)
    assert len(damages) == sum(len(layer.levels) + layer.may_go for layer in searched.choices)
    for (number, level), damage in damages.items():
        configuration = with_level(searched, number, level)
        assert stitched.damage(configuration) == pytest.approx(damage, rel=1e-9)
        if number == 1:
            recipe = make_recipe(*steps_of(configuration), reconstruct=ALONE)
            expected = damage_of_model(searched, searched.repaired(recipe))
            assert damage == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_the_model_as_it_is_loses_nothing(make_checkpoint, make_recipe) -> None:
    searched = Searched.of(make_checkpoint("bert", "SequenceClassification"), make_recipe)
    kept = tuple(layer.kept for layer in searched.choices)
    assert StitchedModels(searched.library, TEXTS).damage(kept) == pytest.approx(0, abs=1e-12)


def test_blocks_of_several_layers_are_put_together(make_checkpoint, make_recipe) -> None:
    searched = Searched.of(make_checkpoint("bert", "SequenceClassification"), make_recipe)
    both = LayerLevels(Level("attention", "narrowed", 2), Level("ffn", "narrowed", 16))
    kept = searched.choices[0].kept
    stitched = StitchedModels(searched.library, TEXTS)
    damage = stitched.damage((both, None, both, kept))

    recipe = make_recipe(*steps_of((both, None, both, kept)), reconstruct=ALONE)
    slim = searched.repaired(recipe)
    from bertslim.model.layer import model_layers

    layers = model_layers(slim)
    for number, layer in ((0, layers[0]), (2, layers[1])):
        library = searched.library
        layer.attention.set_maps(
            library.attention(number, both.attention).inputs,
            library.attention(number, both.attention).output,
        )
        layer.ffn.set_maps(
            library.ffn(number, both.ffn).inputs, library.ffn(number, both.ffn).output
        )
    assert damage == pytest.approx(damage_of_model(searched, slim), rel=1e-9)
