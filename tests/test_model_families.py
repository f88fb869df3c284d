"""The table of families against the stock classes of transformers."""

from __future__ import annotations

import re

import pytest
import transformers
from torch import nn
from transformers.models.auto import modeling_auto

from bertslim.model import families
from bertslim.model.families import DECODER_HEADS, FAMILIES, Family, head_of
from bertslim.model.heads import heads_of, pooler_is_optional
from bertslim.model.slim_modeling import layers_of

each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)

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
    absent = {"type_vocab_size"} - stock.to_dict().keys()
    for key, value in family.defaults.items():
        assert value == (0 if key in absent else getattr(stock, key)), key


@each_family
def test_keys_of_further_rows_have_defaults(family: Family) -> None:
    further = {key for rows in family.further_embeddings for key in (rows.key, rows.only_if)}
    assert (further | {family.attention_bias_rows}) - {None} <= family.defaults.keys()


@each_family
def test_the_table_names_what_the_stock_layer_holds(family: Family, tiny_model) -> None:
    model = tiny_model(family.model_type)
    layout = family.layout
    layers = layers_of(model, family)
    assert len(layers) == 4
    for layer in layers:
        shapes = [
            (module.in_features, module.out_features)
            for module in map(layer.get_submodule, (layout.ffn.input, layout.ffn.output))
        ]
        assert shapes == [(32, 64), (64, 32)]
        for norm in (layout.attention.norm_after, layout.ffn.norm_after):
            assert isinstance(layer.get_submodule(norm), nn.LayerNorm)
        blocks = (
            *layout.attention.modules,
            layout.attention.norm_after,
            *layout.ffn.modules,
            layout.ffn.norm_after,
        )
        inside = sum(
            parameter.numel()
            for name in blocks
            for parameter in layer.get_submodule(name).parameters()
        )
        assert inside == sum(parameter.numel() for parameter in layer.parameters())


def known_to_transformers(model_type: str) -> set[str]:
    """Return every class that an Auto class gives a model type, the causal ones left out."""
    return {
        names[model_type]
        for mapping, names in vars(modeling_auto).items()
        if re.fullmatch(r"MODEL_(FOR_\w+_)?MAPPING_NAMES", mapping)
        and mapping != "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"
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
            assert pooler_is_optional(family, head) == (has and head == "")


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
