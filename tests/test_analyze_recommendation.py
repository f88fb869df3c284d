"""What is recommended, by findings made up for it."""

from __future__ import annotations

from bertslim.analyze.recommendation import recommend
from bertslim.recipe.schema import Recipe
from bertslim.records import (
    Cka,
    CkaMatrix,
    Cluster,
    Effect,
    LayerFacts,
    ModelFacts,
    ProbePoint,
    Probes,
    Sensitivity,
    Site,
)

FACTS = ModelFacts(
    model_type="bert", architecture="BertModel", head="", hidden_size=8, head_size=4,
    vocab_size=10, max_length=16, labels=0, pooler=True, dtype="float32", embedding_parameters=1,
    shared_parameters=0, head_parameters=0, macs_per_token=0, macs_per_sequence=0,
    layers=(LayerFacts(heads=2, intermediate_size=32),) * 4,
)  # fmt: skip
DROPS = (0.5, 0.03, 0.05, 0.4)


def sensitivity(drops: tuple[float, ...] = DROPS, halves: tuple[float, ...] = ()) -> Sensitivity:
    kinds = {"drop_ffn": drops, "halve_ffn": halves or tuple(one / 4 for one in drops)}
    kinds["drop_attention"] = tuple(2 * one for one in drops)
    effects = tuple(
        Effect(layer=layer, kind=kind, damage=damage, parameters=1, macs=1)
        for kind, damages in kinds.items()
        for layer, damage in enumerate(damages)
    )
    return Sensitivity(
        measure="KL in nats", metric=None, score=None, rows=9, length=16, effects=effects
    )


def cka(*clusters: Cluster) -> Cka:
    matrix = CkaMatrix(
        rows="base", columns="base", block="ffn", values=((1.0,),), clusters=clusters
    )
    return Cka(matrices=(matrix,), tokens=64, batch_size=64, batches=1)


ONE = Cluster(name="layers 0-3", first=0, last=3, within=0.91)


def recommended(*given, facts: ModelFacts = FACTS):
    return recommend(facts, *given)


def test_blocks_that_matter_little_become_linear_the_others_narrow() -> None:
    found = recommended(sensitivity(), cka(ONE), None)
    assert found.recipe["surgery"] == [
        {"op": "drop_ffn", "layers": [1, 2], "fill": "linear"},
        {"op": "resize_ffn", "layers": [0, 3], "width": 0.25, "criterion": "fisher"},
    ]
    assert Recipe.model_validate(found.recipe).reconstruct is not None


def test_where_all_matter_alike_none_is_dropped() -> None:
    found = recommended(sensitivity((0.2, 0.21, 0.22, 0.23)), cka(ONE), None)
    (step,) = found.recipe["surgery"]
    assert (step["op"], step["layers"]) == ("resize_ffn", [0, 1, 2, 3])


def test_shared_blocks_are_left_alone() -> None:
    shared = LayerFacts(heads=2, intermediate_size=32, ffn_of=0)
    facts = FACTS.model_copy(update={"layers": (*FACTS.layers[:3], shared)})
    found = recommended(sensitivity((0.2, 0.21, 0.22, 0.23)), cka(ONE), None, facts=facts)
    (step,) = found.recipe["surgery"]
    assert step["layers"] == [1, 2]


def test_reasons_tell_what_was_found() -> None:
    two = (
        Cluster(name="layers 0-2", first=0, last=2, within=0.95),
        Cluster(name="layer 3", first=3, last=3, within=1.0),
    )
    points = tuple(
        ProbePoint(
            model="base", site=Site(layer=layer, block="ffn"), score=score, low=score, high=score,
            control=0.5, ridge=1.0,
        )
        for layer, score in enumerate((0.7, 0.895, 0.9, 0.88))
    )  # fmt: skip
    probes = Probes(unit="texts", metric="accuracy", fitted=9, scored=9, chance=0.5, points=points)
    told = " / ".join(recommended(sensitivity(), cka(*two), probes).reasons)
    assert "that of layer 1 matters least and that of layer 0 most" in told
    assert "0.03 and 0.5 (KL in nats)" in told
    assert "Half of the neurons of a block do 75%" in told
    assert "2 times as much as without its FFN block: attention is more" in told
    assert "2 clusters: layers 0-2 (CKA 0.95), layer 3 (CKA 1.00)" in told
    assert "best after layer 2 (accuracy 90.0%), and as well but for a point after layer 1" in told
    assert "linear map in the place of the FFN blocks of layers 1, 2" in told
    assert "a quarter of the neurons of those of layers 0, 3" in told
