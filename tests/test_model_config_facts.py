"""What `config.json` says about a model, against what the model turns out to be."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim.errors import ModelError
from bertslim.measure.size import count_macs, count_parameters
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.checkpoint_files import find_weights, read_config
from bertslim.model.config_facts import family_of, read_facts
from bertslim.model.families import FAMILIES, POSITION_ROWS
from bertslim.model.heads import heads_of
from bertslim.model.refused_families import REASONS
from bertslim.recipe.sizes import count
from bertslim.records import LayerFacts, ModelFacts
from support.families import each_layered_family, head_or_encoder, usual_head

LENGTH = 12

every_head = pytest.mark.parametrize(
    ("model_type", "head"),
    [(name, head) for name, family in FAMILIES.items() for head in heads_of(family)],
)
each_family = pytest.mark.parametrize("model_type", FAMILIES)


def facts_on_disk(directory: Path):
    return read_facts(read_config(directory), find_weights(directory).tensors)


def assert_predicted_is_measured(directory: Path) -> None:
    """Compare what is worked out from the configuration with what the loaded model holds."""
    facts = facts_on_disk(directory)
    predicted = count(facts, facts.layers, LENGTH)
    model = load_checkpoint(directory).model
    measured = count_parameters(model)
    assert predicted.parameters == measured.total
    assert predicted.encoder == measured.encoder
    assert predicted.embeddings == measured.embeddings
    assert predicted.macs == count_macs(model, facts.head, length=LENGTH)


# Counts


@every_head
def test_predicted_sizes_are_the_measured_ones(model_type: str, head: str, make_checkpoint) -> None:
    assert_predicted_is_measured(make_checkpoint(model_type, head))


@each_layered_family
@pytest.mark.parametrize("recipe", ["drop_odd", "drop_top_layers"])
def test_predicted_sizes_of_a_slim_model_too(
    model_type: str, recipe: str, make_checkpoint, cut
) -> None:
    assert_predicted_is_measured(
        cut(make_checkpoint(model_type, head_or_encoder(model_type, "MaskedLM")), recipe)
    )


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
def test_predicted_sizes_without_attention_and_norms(
    model_type: str, make_checkpoint, make_recipe, cut
) -> None:
    recipe = make_recipe(
        {"op": "drop_attention", "layers": [0, 2], "layer_norm": "remove"},
        {"op": "drop_ffn", "layers": 1, "layer_norm": "remove"},
        {"op": "resize_ffn", "layers": 2, "width": 24},
    )
    assert_predicted_is_measured(cut(make_checkpoint(model_type), recipe))


@pytest.mark.parametrize("model_type", ["bert", "electra", "distilbert"])
def test_an_output_map_of_its_own_counts(model_type: str, make_checkpoint) -> None:
    directory = make_checkpoint(model_type, "MaskedLM", tie_word_embeddings=False)
    assert_predicted_is_measured(directory)


def test_a_projection_behind_the_embeddings_only_where_sizes_differ(make_checkpoint) -> None:
    assert_predicted_is_measured(make_checkpoint("electra", "MaskedLM", embedding_size=32))


@pytest.mark.parametrize("labels", [1, 2, 7])
def test_the_labels_are_counted(labels: int, make_checkpoint) -> None:
    directory = make_checkpoint("bert", "TokenClassification", num_labels=labels)
    assert facts_on_disk(directory).labels == labels
    assert_predicted_is_measured(directory)


@pytest.mark.parametrize("model_type", ["bert", "roberta", "mpnet"])
def test_a_bare_encoder_saved_without_its_pooler(model_type: str, make_checkpoint) -> None:
    whole, bare = (make_checkpoint(model_type, "", pooler=pooler) for pooler in (True, False))
    assert [facts_on_disk(directory).pooler for directory in (whole, bare)] == [True, False]
    assert_predicted_is_measured(bare)


# Facts


@each_layered_family
def test_the_shape_is_read(model_type: str, make_checkpoint) -> None:
    head = usual_head(model_type)
    facts = facts_on_disk(make_checkpoint(model_type, head))
    assert facts.model_type == model_type
    assert facts.architecture == FAMILIES[model_type].architecture(head)
    assert facts.head == head
    assert (facts.hidden_size, facts.head_size, facts.vocab_size) == (32, 8, 99)
    assert (facts.labels, facts.dtype) == (3, "float32")
    raw = LayerFacts(heads=4, intermediate_size=64, attention_norm=False)
    whole = LayerFacts(heads=4, intermediate_size=64)
    assert facts.layers == (raw if facts.form.first_reads_raw else whole, *3 * (whole,))


@each_family
def test_a_silent_configuration_has_the_defaults_of_its_family(model_type: str) -> None:
    family = FAMILIES[model_type]
    facts = read_facts({"model_type": model_type})
    defaults, keys = family.defaults, family.keys
    assert facts.head == ""
    assert facts.hidden_size == defaults[keys.hidden_size]
    assert len(facts.layers) == defaults[keys.layers]
    assert {layer.intermediate_size for layer in facts.layers} == {defaults[keys.intermediate_size]}
    assert facts.labels == 2


@each_family
def test_the_longest_sequence_is_what_the_model_takes(
    model_type: str, make_checkpoint, tiny_model
) -> None:
    import torch

    keys = {table.key for table in FAMILIES[model_type].embeddings}
    if POSITION_ROWS.key not in keys:
        pytest.skip("rotary positions go on for ever")
    longest = facts_on_disk(make_checkpoint(model_type, "")).max_length
    model = load_checkpoint(make_checkpoint(model_type, "")).model
    with torch.inference_mode():
        model(torch.full((1, longest), 7))
        with pytest.raises((IndexError, RuntimeError, ValueError)):
            model(torch.full((1, longest + 1), 7))


@pytest.mark.parametrize("padding", [0, 1, 5])
@pytest.mark.parametrize("model_type", ["bert", "roberta", "mpnet"])
def test_the_longest_sequence_is_counted_from_the_padding_of_the_class(
    model_type: str, padding: int, make_checkpoint
) -> None:
    import torch

    directory = make_checkpoint(model_type, "", pad_token_id=padding)
    longest = facts_on_disk(directory).max_length
    model = load_checkpoint(directory).model
    with torch.inference_mode():
        model(torch.full((1, longest), 7))
        with pytest.raises((IndexError, RuntimeError, ValueError)):
            model(torch.full((1, longest + 1), 7))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_the_dtype_is_that_on_disk(dtype: str, make_checkpoint) -> None:
    directory = make_checkpoint("bert", "SequenceClassification", dtype=dtype)
    assert facts_on_disk(directory).dtype == dtype
    assert read_facts({"model_type": "bert", "torch_dtype": dtype}).dtype == dtype


@each_layered_family
def test_a_slim_configuration_gives_its_layers_back(
    model_type: str, make_checkpoint, make_recipe, cut
) -> None:
    recipe = make_recipe(
        {"op": "resize_ffn", "layers": 0, "width": 16},
        {"op": "drop_ffn", "layers": 1},
        {"op": "drop_ffn", "layers": 3, "layer_norm": "remove"},
        {"op": "drop_attention", "layers": 0},
        {"op": "drop_attention", "layers": 3, "layer_norm": "remove"},
    )
    base = make_checkpoint(model_type)
    facts = facts_on_disk(cut(base, recipe))
    after = not facts.form.norms_before  # a norm before a block goes with it
    assert facts.layers == (
        LayerFacts(heads=0, intermediate_size=16, attention_norm=after),
        LayerFacts(heads=4, intermediate_size=0, ffn_norm=after),
        LayerFacts(heads=4, intermediate_size=64),
        LayerFacts(heads=0, intermediate_size=0, attention_norm=False, ffn_norm=False),
    )
    assert facts.model_copy(update={"layers": ()}) == facts_on_disk(base).model_copy(
        update={"layers": ()}
    )


# Refusals


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]},
            "config.json: model type 'gpt2' is not supported; supported are bert, roberta, ",
        ),
        ({"architectures": ["BertModel"]}, "config.json: no model_type; supported are bert, "),
        ({"model_type": None}, "config.json: no model_type; supported are bert, "),
        ({"model_type": ["bert"]}, "config.json: model type \"['bert']\" is not supported"),
        (
            {"model_type": "bert", "is_decoder": True},
            "config.json: decoders and cross-attention are not supported; bertslim cuts encoders",
        ),
        (
            {"model_type": "bert", "add_cross_attention": True},
            "config.json: decoders and cross-attention are not supported; bertslim cuts encoders",
        ),
        (
            {"model_type": "roberta", "architectures": ["RobertaForCausalLM"]},
            "config.json: RobertaForCausalLM is a decoder; bertslim cuts encoders",
        ),
        (
            {"model_type": "bert", "architectures": ["BertLMHeadModel"]},
            "config.json: BertLMHeadModel is a decoder; bertslim cuts encoders",
        ),
        (
            {"model_type": "bert", "position_embedding_type": "relative_key_query"},
            "config.json: position_embedding_type 'relative_key_query' is not supported; "
            "transformers 5 has only 'absolute'",
        ),
        (
            {"model_type": "bert", "architectures": ["BertForSequenceClasification"]},
            "config.json: architecture 'BertForSequenceClasification' is not known for bert; "
            "did you mean 'BertForSequenceClassification'?",
        ),
        (
            {"model_type": "mpnet", "architectures": ["MPNetForNextSentencePrediction"]},
            "config.json: architecture 'MPNetForNextSentencePrediction' is not known for mpnet; ",
        ),
        (
            {"model_type": "distilbert", "architectures": ["Wildcat"]},
            "config.json: architecture 'Wildcat' is not known for distilbert; "
            "known are DistilBertModel, ",
        ),
        (
            {"model_type": "bert", "hidden_size": 100, "num_attention_heads": 12},
            "config.json: 12 attention heads do not divide a hidden size of 100",
        ),
        (
            {"model_type": "bert", "num_attention_heads": 0},
            "config.json: 0 attention heads do not divide a hidden size of 768",
        ),
        (
            {"model_type": "bert", "intermediate_size": "3072"},
            "config.json: intermediate_size is '3072', not a whole number",
        ),
        (
            {"model_type": "bert", "num_hidden_layers": -1},
            "config.json: num_hidden_layers is -1, not a whole number",
        ),
    ],
)
def test_what_is_not_supported_is_refused(config: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError) as caught:
        read_facts(config)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_model_type_says_which_family_a_head_belongs_to() -> None:
    config = {"model_type": "xlm-roberta", "architectures": ["RobertaForTokenClassification"]}
    assert read_facts(config).architecture == "XLMRobertaForTokenClassification"


def test_slim_and_stock_types_share_a_family() -> None:
    assert family_of({"model_type": "slim_bert"}) is family_of({"model_type": "bert"})
    with pytest.raises(ModelError, match="'slim_slim_bert' is not supported"):
        family_of({"model_type": "slim_slim_bert"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
KEYS = (
    *("architectures", "model_type", "is_decoder", "position_embedding_type", "id2label"),
    *("num_labels", "hidden_size", "num_hidden_layers", "num_attention_heads", "pad_token_id"),
    *("intermediate_size", "vocab_size", "type_vocab_size", "per_layer_config", "dtype"),
    *("tie_word_embeddings", "summary_use_proj", "embedding_size", "torch_dtype"),
)


@given(
    family=st.sampled_from(sorted(FAMILIES)),
    changes=st.dictionaries(st.sampled_from(KEYS), json_values, max_size=3),
)
def test_any_json_is_read_or_refused_in_one_line(family: str, changes: dict[str, object]) -> None:
    """No configuration, however damaged, ends in anything but facts or a ModelError."""
    try:
        facts = read_facts({"model_type": family} | changes, {"pooler.dense.weight"})
    except ModelError as error:
        assert "\n" not in str(error)
    else:
        assert json.loads(facts.model_dump_json())
        assert not math.isnan(facts.head_parameters)


@pytest.mark.parametrize(
    "overrides",
    [
        [1],
        "x",
        {"x": {}},
        {"0": []},
        {"0": {"skip": 3}},
        {"0": {"skip": ["pooler"]}},
        {"0": {"intermediate_size": 0}},
        {"0": {"skip": ["ffn"]}},
        {"0": {"skip": ["attention"]}},
        {"0": {"num_attention_heads": 0}},
        {"0": {"num_attention_heads": 13}},
        {"99": {"intermediate_size": 8}},
        {"0": {"linear_rank": -1}},
        {"0": {"linear_rank": 769}},
        {"0": {"linear_rank": True}},
        {"0": {"ffn_of": 0}},
        {"1": {"ffn_of": 1}},
        {"1": {"ffn_of": 2}},
        {"1": {"ffn_of": None}},
        {"1": {"ffn_of": 0}, "2": {"ffn_of": 1}},
        {"1": {"ffn_of": 0, "intermediate_size": 8}},
        {"1": {"ffn_of": 0, "linear_rank": 8}},
        {"0": {"skip": ["ffn"], "intermediate_size": 0}, "1": {"ffn_of": 0}},
    ],
)
def test_damaged_overrides_are_refused(overrides: object) -> None:
    with pytest.raises(ModelError, match=r"^config\.json: (per_layer_config|linear_rank|ffn_of)"):
        read_facts({"model_type": "slim_bert", "per_layer_config": overrides})


@pytest.mark.parametrize("key", ["3", "03"])
def test_layers_of_deep_models_may_be_numbered_with_zeros_before(key: str) -> None:
    config = {"model_type": "slim_bert", "num_hidden_layers": 12}
    override = {"skip": ["ffn"], "intermediate_size": 0}
    facts = read_facts(config | {"per_layer_config": {key: override}})
    assert [n for n, layer in enumerate(facts.layers) if not layer.intermediate_size] == [3]


@pytest.mark.parametrize(
    ("model_type", "key"), [("deberta-v2", "attention_head_size"), ("modernbert", "head_dim")]
)
def test_heads_of_a_size_of_their_own_are_refused(model_type: str, key: str) -> None:
    config = {"model_type": model_type, "hidden_size": 32, "num_attention_heads": 4}
    assert read_facts(config | {key: 8}).head_size == 8
    with pytest.raises(ModelError, match=f"{key} is 16, the hidden size over the heads 8"):
        read_facts(config | {key: 16})


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"conv_kernel_size": 3}, "conv_kernel_size 3 stands for a convolution beside the layers"),
        ({"share_att_key": False}, "share_att_key False stands for maps of relative positions"),
        ({"pos_att_type": ["c2p"]}, r"pos_att_type \['c2p'\] stands for other relative positions"),
    ],
)
def test_a_setting_that_stands_for_something_else_is_refused(
    change: dict[str, object], refused: str
) -> None:
    usual = {"relative_attention": True, "share_att_key": True, "pos_att_type": "p2c|c2p"}
    config = {"model_type": "deberta-v2", **usual}
    assert read_facts(config).form.relative_positions == 1024
    with pytest.raises(ModelError, match=refused):
        read_facts(config | change)


@pytest.mark.parametrize(("model_type", "reason"), REASONS.items())
def test_a_family_that_is_not_supported_is_refused_with_its_reason(
    model_type: str, reason: str
) -> None:
    with pytest.raises(ModelError, match=re.escape(f"is not supported ({reason}); ")):
        family_of({"model_type": model_type})


@pytest.mark.parametrize(
    ("model_type", "positions", "said"),
    [
        ("bert", 0, "max_position_embeddings is 0: no token has a position"),
        ("roberta", 2, "is 2, of which the first 2 are not used: no token has a position"),
        ("mpnet", 1, "is 1, of which the first 2 are not used: no token has a position"),
    ],
)
def test_a_model_in_which_no_token_has_a_position_is_refused(
    model_type: str, positions: int, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        read_facts({"model_type": model_type, "max_position_embeddings": positions})


@pytest.mark.parametrize(
    "numbers",
    [None, [0, 1], [0, 1, 1], [0, 1, 12], [-1, 0, 1], [0, 1, True], [0, 1, 2.0], "012", 3],
)
def test_heads_that_share_a_bias_say_which_they_are(numbers: object) -> None:
    def facts(override: dict[str, object]) -> ModelFacts:
        return read_facts({"model_type": "mpnet", "per_layer_config": {"3": override}})

    fewer = {"num_attention_heads": 3}
    assert facts(fewer | {"bias_heads": [0, 7, 11]}).layers[3].heads == 3
    named = {} if numbers is None else {"bias_heads": numbers}
    with pytest.raises(ModelError, match="layer 3 has bias_heads that do not fit its 3 heads"):
        facts(fewer | named)
    with pytest.raises(ModelError, match="layer 3 has bias_heads that do not fit its 12 heads"):
        facts({"bias_heads": list(range(12))})
    with pytest.raises(ModelError, match="layer 3 sets 'bias_heads'; known are"):
        read_facts({"model_type": "bert", "per_layer_config": {"3": fewer | {"bias_heads": [0]}}})
