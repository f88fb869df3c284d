"""The table of families against the stock classes of transformers."""

from __future__ import annotations

import re

import pytest
import transformers
from torch import nn
from transformers.models.auto import modeling_auto

from bertslim.model import families
from bertslim.model.families import DECODER_HEADS, FAMILIES, Family, head_of
from bertslim.model.heads import HEADS, heads_of, pooler_is_optional
from bertslim.model.slim_modeling import layers_of

each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)

NORMS = ("LayerNorm", "EuroBertRMSNorm")
LIGHT = (
    "bertslim.model.families",
    "bertslim.model.heads",
    "bertslim.model.config_facts",
    "bertslim.recipe.plan",
)


@each_family
def test_defaults_are_those_of_the_stock_configuration(family: Family) -> None:
    stock = getattr(transformers, f"{family.class_prefix}Config")()
    assert stock.model_type == family.model_type
    silent = {"type_vocab_size": 0, family.keys.embedding_size: 0}
    silent |= {"position_buckets": -1}
    stock.num_key_value_heads = 0  # stands for as many as there are of queries
    for key, value in family.defaults.items():
        stands_for_hidden_size = key == family.keys.embedding_size and value == 0
        stock_value = getattr(stock, key, silent.get(key))
        assert value == stock_value or (stands_for_hidden_size and stock_value == stock.hidden_size)


@each_family
def test_keys_that_count_rows_have_defaults(family: Family) -> None:
    tables = (*family.embeddings, *family.shared_tables)
    keys = {table.only_if for table in tables} | {table.key for table in family.embeddings}
    keys |= {key for table in family.shared_tables for key in table.rows}
    assert keys - {None} <= family.defaults.keys()


@each_family
def test_the_table_names_what_the_stock_layer_holds(family: Family, tiny_model) -> None:
    model = tiny_model(family.model_type)
    layout = family.layout
    layers = layers_of(model, family)
    assert len(layers) == (1 if family.passes else 4)
    for number, layer in enumerate(layers):
        names = filter(None, (layout.ffn.input, layout.ffn.up, layout.ffn.output))
        shapes = [
            (module.in_features, module.out_features) for module in map(layer.get_submodule, names)
        ]
        rows = 128 if layout.ffn.input_is_both else 64
        inputs = [(32, rows)] * (1 + (layout.ffn.up is not None))
        assert shapes == [*inputs, (64, 32)]
        for norm in (layout.attention.norm, layout.ffn.norm):
            raw = number == 0 and family.first_reads_raw and norm == layout.attention.norm
            module = layer.get_submodule(norm)
            assert isinstance(module, nn.Identity) if raw else type(module).__name__ in NORMS
        blocks = (
            *layout.attention.modules,
            layout.attention.norm,
            *layout.ffn.modules,
            layout.ffn.norm,
        )
        inside = {
            parameter for name in blocks for parameter in layer.get_submodule(name).parameters()
        }
        assert inside == set(layer.parameters())


def known_to_transformers(model_type: str) -> set[str]:
    """Return every class that an Auto class gives a model type, the causal ones left out."""
    return {
        names[model_type]
        for mapping, names in vars(modeling_auto).items()
        if re.fullmatch(r"MODEL_(FOR_\w+_)?MAPPING_NAMES", mapping)
        and "CAUSAL_LM" not in mapping
        and "DOCUMENT" not in mapping  # they ask of a page, not of a text
        and model_type in names
    }


@each_family
def test_every_encoder_head_of_transformers_is_there(family: Family) -> None:
    ours = {family.architecture(head) for head in heads_of(family)}
    assert ours == known_to_transformers(family.model_type)


@each_family
def test_every_head_is_what_its_auto_class_gives(family: Family, tiny_config) -> None:
    config = tiny_config(family.model_type)
    for head in heads_of(family):
        auto = getattr(transformers, f"AutoModelFor{head}" if head else "AutoModel")
        assert auto._model_mapping[type(config)].__name__ == family.architecture(head)


@each_family
def test_a_class_name_says_its_head(family: Family) -> None:
    for head in heads_of(family):
        assert head_of(family.architecture(head)) == head
        assert head_of(f"Slim{family.architecture(head)}") == head


@pytest.mark.parametrize("name", ["BertLMHeadModel", "RobertaForCausalLM", "ElectraForCausalLM"])
def test_a_class_name_says_that_it_is_a_decoder(name: str) -> None:
    assert head_of(name) in DECODER_HEADS


@pytest.mark.parametrize(
    "name", ["", "Bert", "BertFor", "BertModelX", "GPT2Model", "MyBertModel", "bertModel", "Slim"]
)
def test_other_class_names_have_no_head(name: str) -> None:
    assert head_of(name) is None


def test_only_bare_encoders_with_a_pooler_can_lack_it(tiny_model) -> None:
    for family in FAMILIES.values():
        for head in heads_of(family):
            model = tiny_model(family.model_type, head)
            has = "pooler" in dict(model.base_model.named_children())
            optional = has and head == "" and "fixed pooler" not in HEADS[family.model_type][head]
            assert pooler_is_optional(family, head) == optional


@pytest.mark.parametrize("module", LIGHT)
def test_it_imports_neither_torch_nor_transformers(module: str, fresh_python) -> None:
    fresh_python(
        f"import sys, {module}\n"
        "heavy = {'torch', 'transformers', 'numpy', 'huggingface_hub'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )


def test_the_table_of_families_needs_the_standard_library_alone(fresh_python) -> None:
    fresh_python(
        "import importlib.util, sys\n"
        "spec = importlib.util.spec_from_file_location('families', sys.argv[1])\n"
        "sys.modules['families'] = module = importlib.util.module_from_spec(spec)\n"
        "before = set(sys.modules)\n"
        "spec.loader.exec_module(module)\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "assert new <= sys.stdlib_module_names, new\n"
        "assert module.FAMILIES['bert'].slim_type == 'slim_bert'",
        families.__file__,
        bertslim=False,
    )
