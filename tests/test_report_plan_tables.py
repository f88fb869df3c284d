from __future__ import annotations

from bertslim.records import LayerFacts, ModelFacts, Sizes, VocabularyPlan
from bertslim.report.plan_tables import (
    LayerRow,
    facts_table,
    layers_table,
    plan_table,
    sizes_table,
    vocabulary_note,
)
from support.example_records import plan


def test_a_plan_layer_by_layer():
    assert plan_table(plan(even=False)).markdown().splitlines()[:4] == [
        "| layer | heads | FFN width |          parameters | what happens                  |",
        "| ----- | ----: | --------: | ------------------: | ----------------------------- |",
        "| 0     |    12 |     1,536 |           1,774,464 | –                             |",
        "| 1     |    12 | 1,536 → 0 | 1,774,464 → 592,896 | FFN deleted; nothing fills in |",
    ]


def test_dropped_layers_and_the_new_numbers_of_the_others():
    rows = plan_table(plan(even=True)).markdown().splitlines()
    assert rows[3].startswith("| 1 → – | 12 → 0 | 1,536 → 0 | 1,774,464 → 0 | layer dropped")
    assert rows[4].startswith("| 2 → 1 |     12 |")


def test_sizes():
    assert sizes_table(plan(even=False)).markdown() == (
        "| figure                        |        base |         slim |  change |\n"
        "| ----------------------------- | ----------: | -----------: | ------: |\n"
        "| parameters                    |  22,713,216 |   19,168,512 | −15.6 % |\n"
        "| parameters, encoder           |  10,646,784 |    7,102,080 | −33.3 % |\n"
        "| parameters, embeddings        |  11,917,824 |   11,917,824 |   0.0 % |\n"
        "| multiply-accumulates at 1x128 | 1.43 G MACs | 0.981 G MACs | −31.6 % |"
    )


def test_what_becomes_of_the_vocabulary():
    assert vocabulary_note(plan(even=True)) is None
    known = VocabularyPlan(before=30522, after=13486)
    assert vocabulary_note(plan(even=True).model_copy(update={"vocabulary": known})) == (
        "Vocabulary: 30,522 → 13,486 tokens, those that the data use."
    )
    not_yet = VocabularyPlan(before=30522, after=None)
    assert vocabulary_note(plan(even=True).model_copy(update={"vocabulary": not_yet})) == (
        "Vocabulary: of 30,522 tokens those that the data use stay. Their number is known once "
        "the data are read, so the slim model's sizes here are upper bounds."
    )


def test_layers_of_a_model():
    rows = [
        LayerRow(0, LayerFacts(heads=12, intermediate_size=1536), 1_774_464, 239_075_328),
        LayerRow(1, LayerFacts(heads=12, intermediate_size=0), 592_896, 88_080_384),
    ]
    assert layers_table(rows, total=22_713_216).markdown() == (
        "| layer | heads | FFN width | parameters | share |          MACs |\n"
        "| ----- | ----: | --------: | ---------: | ----: | ------------: |\n"
        "| 0     |    12 |     1,536 |  1,774,464 | 7.8 % |  0.239 G MACs |\n"
        "| 1     |    12 |         0 |    592,896 | 2.6 % | 0.0881 G MACs |"
    )


def test_linear_maps_and_shared_blocks_stand_in_the_column_of_the_ffn():
    layers = [
        LayerFacts(heads=12, intermediate_size=0, linear_rank=384),
        LayerFacts(heads=12, intermediate_size=192, linear_rank=96),
        LayerFacts(heads=12, intermediate_size=192, linear_rank=96, ffn_of=1),
    ]
    rows = [LayerRow(number, layer, 1, 1) for number, layer in enumerate(layers)]
    lines = layers_table(rows, total=3).markdown().splitlines()[2:]
    cells = [line.split("|")[3].strip() for line in lines]
    assert cells == ["linear 384", "192 + linear 96", "192 + linear 96 of layer 1"]


def test_facts_of_a_model():
    facts = ModelFacts(
        model_type="bert",
        architecture="BertModel",
        head="",
        hidden_size=384,
        head_size=32,
        vocab_size=30522,
        max_length=512,
        labels=0,
        pooler=True,
        dtype="float32",
        embedding_parameters=11_917_824,
        shared_parameters=0,
        head_parameters=147_840,
        macs_per_token=0,
        macs_per_sequence=147_456,
        layers=(LayerFacts(heads=12, intermediate_size=1536),) * 6,
    )
    sizes = Sizes(parameters=22713216, encoder=10646784, embeddings=11917824, macs=1434451968)
    table = facts_table(facts, sizes, length=128).markdown()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]
    assert dict(rows) == {
        "architecture": "BertModel",
        "family": "bert",
        "layers": "6",
        "hidden size": "384",
        "vocabulary": "30,522",
        "longest input": "512 tokens",
        "weights": "float32",
        "parameters": "22,713,216",
        "parameters, encoder": "10,646,784",
        "parameters, embeddings": "11,917,824",
        "multiply-accumulates at 1x128": "1.43 G MACs",
    }
