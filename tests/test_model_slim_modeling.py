"""The contract of slim checkpoints: every family and head, cut by recipe, loads as it was saved."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from bertslim.model import slim_modeling
from bertslim.model.checkpoint import build_slim, load_checkpoint, load_model, save_checkpoint
from bertslim.model.families import FAMILIES
from bertslim.model.heads import heads_of
from bertslim.quiet import quiet_transformers
from bertslim.recipe.plan import make_plan
from bertslim.recipe.recipe_files import load_recipe
from bertslim.surgery.layer_surgery import operate
from support.families import each_build, head_or_encoder

HEADS = ("SequenceClassification", "TokenClassification", "QuestionAnswering", "MaskedLM", "")
EVEN = ("halve_width", "drop_top_layers")
UNEVEN = ("drop_odd", "drop_all", "keep_every_third", "quarter_width_odd")
# Where weights lie in memory moves the rounding by parts in a million, a wrong weight far more.
TOLERANCE = 1e-5

MIXED = (
    {"op": "drop_ffn", "layers": 0, "layer_norm": "remove"},
    {"op": "drop_attention", "layers": 1},
    {"op": "resize_ffn", "layers": 1, "width": 24},
    {"op": "scale_ffn", "layers": 2, "gain": -1.5},
    {"op": "drop_attention", "layers": 3, "layer_norm": "remove"},
    {"op": "drop_ffn", "layers": 3},
)

REPAIRED = {"reconstruct": {"samples": 8}}
LINEAR = (  # in every layer, so that the one width does not make a stock class refuse
    {"op": "resize_ffn", "layers": [0, 2], "width": 24, "bypass": True},
    {"op": "resize_ffn", "layers": [1, 3], "width": 24, "bypass": 8},
)
FILLED = (
    {"op": "drop_ffn", "layers": 0, "fill": "linear"},
    {"op": "drop_ffn", "layers": 1, "fill": "linear", "rank": 8, "layer_norm": "remove"},
    {"op": "drop_ffn", "layers": 2, "fill": "attention"},
)
SHARED = (
    {"op": "drop_layer", "layers": 1},
    {"op": "resize_ffn", "layers": "2-3", "width": 24, "bypass": 8},
    {"op": "share_ffn", "layers": "2-3"},
)
SHARED_BY_ALL = ({"op": "share_ffn", "layers": "all"},)

FEWER_HEADS = (
    {"op": "prune_heads", "layers": 0, "heads": 1, "criterion": "magnitude"},
    {"op": "prune_heads", "layers": "2-3", "heads": 0.5, "criterion": "magnitude"},
)


def heads_with_class(model_type: str) -> list[str]:
    return [head for head in HEADS if head in heads_of(FAMILIES[model_type])]


@pytest.fixture
def mixed(make_recipe):
    """Return a recipe that leaves no layer as it was."""
    return make_recipe(*MIXED, name="mixed")


@pytest.fixture
def linear_maps(make_recipe):
    """Return the recipes that leave linear maps in the place of FFN blocks, or beside them."""
    recipes = {"linear": LINEAR, "filled": FILLED, "shared": SHARED, "shared_by_all": SHARED_BY_ALL}
    return {name: make_recipe(*steps, name=name, **REPAIRED) for name, steps in recipes.items()}


@pytest.fixture
def fewer_heads(make_recipe):
    """Return a recipe that prunes heads."""
    return make_recipe(*FEWER_HEADS, name="fewer_heads")


@pytest.fixture
def mixed_model(make_checkpoint, cut, mixed):
    """Return a function that cuts a tiny model of a family by the mixed recipe and loads it."""

    def make(model_type: str, head: str | None = None):
        return load_model(cut(make_checkpoint(model_type, head), mixed))

    return make


# Saved and loaded again

LOAD_EVERYTHING = """
import json, sys
import numpy, torch, transformers

cases = json.load(open(sys.argv[1]))
inputs = {name: torch.tensor(value) for name, value in json.load(open(sys.argv[2])).items()}
answers = {}

def answer(model):
    with torch.inference_mode():
        outputs = model.eval()(**inputs).to_tuple()
    return torch.cat([output.flatten() for output in outputs]).numpy()

for case in cases:
    auto = getattr(transformers, case["auto"])
    remote = {} if case["even"] else {"trust_remote_code": True}
    model, info = auto.from_pretrained(case["directory"], output_loading_info=True, **remote)
    assert not any(info.values()), (case, info)
    assert type(model).__name__ == case["class"], (case, type(model))
    answers[case["name"] + " by transformers"] = answer(model)

assert sys.modules.pop("bertslim") is None
from pathlib import Path
from bertslim.model.checkpoint import load_model
for case in cases:
    model = load_model(Path(case["directory"]))
    assert type(model).__name__ == case["class"], (case, type(model))
    answers[case["name"] + " by bertslim"] = answer(model)
numpy.savez(sys.argv[3], **answers)
"""


@dataclass(frozen=True)
class Case:
    """A slim checkpoint on disk, and what the model said before it was saved."""

    description: dict[str, Any]
    answer: torch.Tensor


def make_case(base: Path, recipe: Any, head: str, directory: Path, answer) -> Case:
    checkpoint = load_checkpoint(base)
    plan = make_plan(recipe, checkpoint.facts)
    operate(checkpoint.model, plan)
    solve_linear_maps(checkpoint.model)
    save_checkpoint(
        build_slim(checkpoint, plan.record), directory, checkpoint.extra, checkpoint.config
    )
    description = {
        "name": f"{head or 'encoder'} cut by {recipe.recipe.name}",
        "directory": str(directory),
        "auto": f"AutoModelFor{head}" if head else "AutoModel",
        "class": ("" if plan.record.even else "Slim") + checkpoint.facts.architecture,
        "even": plan.record.even,
    }
    return Case(description, answer(checkpoint.model))


@torch.no_grad()
def solve_linear_maps(model) -> None:
    """Put numbers where a reconstruction would: a map that says zero proves nothing."""
    family = FAMILIES[model.config.model_type.removeprefix("slim_")]
    draw = torch.Generator().manual_seed(5)
    for layer in slim_modeling.layers_of(model, family):
        if (linear := slim_modeling.linear_of(layer, family)) is not None:
            for parameter in linear.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=draw), alpha=0.2)


@each_build
def test_what_was_cut_loads_in_a_fresh_process_and_says_the_same(
    model_type: str,
    make_checkpoint,
    mixed,
    linear_maps,
    fewer_heads,
    example_inputs,
    answer,
    fresh_python,
    tmp_path: Path,
) -> None:
    """An even one as the stock class; an uneven one with remote code, bertslim out of reach.

    And both with bertslim, then without remote code.
    """
    recipes = [*map(load_recipe, (*EVEN, *UNEVEN)), mixed, *linear_maps.values()]
    recipes.append(fewer_heads)
    cases = [
        make_case(
            make_checkpoint(model_type, head), recipe, head, tmp_path / f"{head}-{number}", answer
        )
        for head in heads_with_class(model_type)
        for number, recipe in enumerate(recipes)
    ]
    evenness = [case.description["even"] for case in cases[: len(recipes)]]
    assert evenness == [True] * len(EVEN) + [False] * (len(recipes) - len(EVEN))
    (tmp_path / "cases.json").write_text(json.dumps([case.description for case in cases]))
    inputs = {name: value.tolist() for name, value in example_inputs().items()}
    (tmp_path / "inputs.json").write_text(json.dumps(inputs))
    arguments = [tmp_path / name for name in ("cases.json", "inputs.json", "answers.npz")]
    fresh_python(LOAD_EVERYTHING, *arguments, bertslim=False)
    with np.load(tmp_path / "answers.npz") as answers:
        far = {
            f"{case.description['name']} by {way}": difference
            for case in cases
            for way in ("transformers", "bertslim")
            if (
                difference := distance(answers[f"{case.description['name']} by {way}"], case.answer)
            )
            > TOLERANCE
        }
    assert not far


def distance(one: np.ndarray, other: torch.Tensor) -> float:
    assert one.shape == tuple(other.shape)
    return float(np.abs(one - other.numpy()).max())


OTHER_HEADS = """
import sys, torch, transformers
from pathlib import Path

for directory in sys.argv[1:]:
    for head in ("SequenceClassification", "TokenClassification", "QuestionAnswering",
                 "MultipleChoice", "MaskedLM"):
        auto = getattr(transformers, "AutoModelFor" + head)
        model, info = auto.from_pretrained(
            directory, trust_remote_code=True, output_loading_info=True)
        assert type(model).__name__.startswith("Slim"), type(model)
        assert type(model).__name__.endswith("For" + head), type(model)
        inside = [name for name in info["missing_keys"] if ".layer." in name or "embeddings" in name]
        assert not inside, inside
        assert not info["mismatched_keys"]
        model.save_pretrained(directory + "-again-" + head)
        again = auto.from_pretrained(directory + "-again-" + head, trust_remote_code=True)
        ids = torch.full((1, 2, 7) if head == "MultipleChoice" else (1, 7), 9)
        with torch.inference_mode():
            one, two = model.eval()(input_ids=ids)[0], again.eval()(input_ids=ids)[0]
        assert all(map(torch.equal, model.state_dict().values(), again.state_dict().values())), head
        torch.testing.assert_close(one, two, atol=1e-5, rtol=0)
"""


@pytest.mark.parametrize("model_type", ["bert", "mpnet", "distilbert"])
def test_any_head_goes_on_a_slim_encoder_and_is_saved_again(
    model_type: str, make_checkpoint, mixed, answer, fresh_python, tmp_path: Path
) -> None:
    """As someone does who fine-tunes a slim encoder and knows nothing of bertslim."""
    directories = [tmp_path / name for name in ("encoder", "mlm")]
    for head, directory in zip(("", "MaskedLM"), directories, strict=True):
        make_case(make_checkpoint(model_type, head, num_labels=2), mixed, head, directory, answer)
    fresh_python(OTHER_HEADS, *directories, bertslim=False)
    for directory in directories:
        again = load_model(Path(f"{directory}-again-TokenClassification"))
        assert (
            type(again).__name__ == f"Slim{FAMILIES[model_type].class_prefix}ForTokenClassification"
        )


@each_build
def test_a_slim_model_with_linear_maps_and_shared_blocks_can_be_cut_again(
    model_type: str, make_checkpoint, make_recipe, cut, answer, tmp_path: Path
) -> None:
    steps = (
        {"op": "resize_ffn", "layers": 0, "width": 24, "bypass": 8},
        {"op": "drop_ffn", "layers": 1, "fill": "linear"},
        {"op": "share_ffn", "layers": "2-3"},
    )
    base = cut(make_checkpoint(model_type), make_recipe(*steps, name="first", **REPAIRED))
    again = make_recipe(
        {"op": "resize_ffn", "layers": 0, "width": 8},
        {"op": "drop_layer", "layers": 1},
        name="again",
    )
    case = make_case(base, again, "SequenceClassification", tmp_path / "again", answer)
    model = load_model(tmp_path / "again")
    torch.testing.assert_close(answer(model), case.answer, atol=TOLERANCE, rtol=0)
    layers, family = slim_modeling.layers_of(model, FAMILIES[model_type]), FAMILIES[model_type]
    assert slim_modeling.linear_of(layers[0], family) is not None
    maps = [slim_modeling.ffn_of(layer, family) for layer in layers]
    assert [ffn_out.in_features for _, ffn_out in maps] == [8, 64, 64]
    assert maps[1][0] is maps[2][0]


# Refused by whoever does not know what a slim model is


@each_build
@pytest.mark.parametrize(
    "recipe",
    [
        *(*UNEVEN, "drop_even", "drop_top_half", "mixed"),
        *("linear", "filled", "shared", "shared_by_all"),
    ],
)
@pytest.mark.parametrize("head", ["", "SequenceClassification"])
def test_stock_classes_refuse_what_they_cannot_express(
    model_type: str, recipe: str, head: str, make_checkpoint, cut, mixed, linear_maps
) -> None:
    """They must not fill what is gone with random weights."""
    made = {"mixed": mixed, **linear_maps}
    directory = cut(make_checkpoint(model_type, head), made.get(recipe, recipe))
    stock = getattr(transformers, FAMILIES[model_type].architecture(head))
    auto = getattr(transformers, f"AutoModelFor{head}" if head else "AutoModel")
    with quiet_transformers():
        with pytest.raises((ValueError, RuntimeError, TypeError, ZeroDivisionError)):
            stock.from_pretrained(directory)
        with pytest.raises(ValueError, match="trust_remote_code"):
            auto.from_pretrained(directory, trust_remote_code=False)
        with pytest.raises((ValueError, OSError)):
            auto.from_pretrained(directory)


@pytest.mark.parametrize("model_type", ["bert", "electra", "distilbert", "mpnet"])
@pytest.mark.parametrize("layers", ["1", "all"])
def test_stock_classes_refuse_a_layer_with_fewer_heads(
    model_type: str, layers: str, make_checkpoint, make_recipe, cut
) -> None:
    recipe = make_recipe(
        {"op": "prune_heads", "layers": layers, "heads": 2, "criterion": "magnitude"}, name="fewer"
    )
    directory = cut(make_checkpoint(model_type, ""), recipe)
    stock = getattr(transformers, FAMILIES[model_type].architecture(""))
    with quiet_transformers(), pytest.raises((RuntimeError, ValueError), match="heads"):
        stock.from_pretrained(directory)


def test_an_unknown_skip_is_refused(tiny_config) -> None:
    config = slim_modeling.SlimBertConfig(
        **tiny_config("bert").to_dict() | {"per_layer_config": {"1": {"skip": ["ffn", "pooler"]}}}
    )
    with pytest.raises(ValueError, match="per_layer_config: cannot skip pooler"):
        slim_modeling.SlimBertModel(config)


@pytest.mark.parametrize("name", ["SlimGPT2Model", "SlimBert", "BertModel", "Slim", "nothing"])
def test_other_classes_are_not_made(name: str) -> None:
    with pytest.raises(
        AttributeError, match=f"'bertslim.model.slim_modeling' has no attribute '{name}'"
    ):
        getattr(slim_modeling, name)


# What the classes do besides


def test_a_slim_class_is_the_stock_class_with_the_same_forward() -> None:
    for family in FAMILIES.values():
        name = family.architecture(head_or_encoder(family.model_type, "TokenClassification"))
        slim, stock = getattr(slim_modeling, f"Slim{name}"), getattr(transformers, name)
        assert issubclass(slim, stock)
        assert slim.forward is stock.forward
        assert slim is getattr(slim_modeling, f"Slim{name}")
        assert slim.config_class.model_type == family.slim_type


@each_build
def test_eager_attention_says_the_same(model_type: str, mixed_model, answer) -> None:
    model = mixed_model(model_type)
    usual = answer(model)
    model.set_attn_implementation("eager")
    assert model.config._attn_implementation == "eager"
    torch.testing.assert_close(answer(model), usual, atol=1e-5, rtol=0)


@each_build
def test_hidden_states_come_layer_by_layer(model_type: str, mixed_model, example_inputs) -> None:
    with torch.inference_mode():
        encoder = mixed_model(model_type, "")(**example_inputs(), output_hidden_states=True)
        head = mixed_model(model_type)(**example_inputs(), output_hidden_states=True)
    assert len(encoder.hidden_states) == len(head.hidden_states) == 4 + 1
    assert torch.equal(encoder.hidden_states[-1], encoder.last_hidden_state)
    for lower, upper in zip(encoder.hidden_states, encoder.hidden_states[1:], strict=False):
        assert lower.shape == upper.shape == (3, 9, 32)
        assert not torch.equal(lower, upper)


@each_build
def test_it_trains(model_type: str, mixed_model, example_inputs) -> None:
    model = mixed_model(model_type).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    labels = torch.tensor([0, 1, 2])
    losses = []
    for _ in range(12):
        torch.manual_seed(0)
        loss = model(**example_inputs(), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    still = {name for name, one in gradients.items() if one is None or not one.any()}
    assert not {name for name in still if ".layer." in name}
    assert losses[-1] < losses[0] / 2


def test_a_block_that_is_gone_holds_nothing(mixed_model) -> None:
    layers = slim_modeling.layers_of(mixed_model("bert"), FAMILIES["bert"])
    held = [{name.rpartition(".")[0] for name, _ in layer.named_parameters()} for layer in layers]
    attention = {f"attention.self.{name}" for name in ("query", "key", "value")} | {
        "attention.output.dense"
    }
    ffn = {"intermediate.dense", "output.dense"}
    assert held == [
        attention | {"attention.output.LayerNorm"},
        {"attention.output.LayerNorm", "output.LayerNorm"} | ffn,
        attention | {"attention.output.LayerNorm", "output.LayerNorm"} | ffn,
        {"output.LayerNorm"},
    ]


def test_the_code_beside_the_weights_says_who_wrote_it(make_checkpoint, cut) -> None:
    from bertslim import __version__

    directory = cut(make_checkpoint(), "drop_odd")
    for name in ("slim_modeling.py", "families.py"):
        first, rest = (directory / name).read_text().split("\n", 1)
        assert first.startswith(f"# Written by bertslim {__version__}; tested with transformers 5.")
        assert rest == (Path(slim_modeling.__file__).parent / name).read_text()
    even = cut(make_checkpoint(), "halve_width")
    assert not list(even.glob("*.py"))


def test_a_transformers_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.find_spec("bertslim.model.slim_modeling")
    old = SimpleNamespace(__version__="4.57.6", PretrainedConfig=object, PreTrainedModel=object)
    monkeypatch.setitem(sys.modules, "transformers", old)
    with pytest.raises(ImportError, match=r"transformers >= 5.14.0 .* this is 4.57.6"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
