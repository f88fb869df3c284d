"""`bertslim cut` with repair, from texts in a file to a checkpoint on disk."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from bertslim.cli import run
from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_splits
from bertslim.data.task import Rows
from bertslim.model.checkpoint import load_checkpoint, load_model
from bertslim.model.head_facts import describe_head
from bertslim.progress import Progress
from bertslim.records import Record, read_record

HEAD = "SequenceClassification"
WORDS = ["good", "bad", "film", "ada", "a", "b", "cab", "dab", "z"]
TEXTS = [" ".join(WORDS[(n * step) % 9] for step in range(1, 9)) + f" {n}" for n in range(120)]
LINEAR = {"op": "drop_ffn", "layers": [1], "fill": "linear"}
MIXED = [
    {"op": "drop_ffn", "layers": 0, "fill": "attention"},
    {"op": "drop_ffn", "layers": 1, "fill": "linear", "rank": 8},
    {"op": "resize_ffn", "layers": 2, "width": 24, "criterion": "obs", "bypass": True},
    {"op": "prune_heads", "layers": 3, "heads": 2},
]
LOAD = """
import json, sys
import torch, transformers
model = transformers.AutoModelForSequenceClassification.from_pretrained(
    sys.argv[1], trust_remote_code=True
)
ids = torch.tensor(json.loads(sys.argv[2]))
with torch.inference_mode():
    print(json.dumps(model.eval()(input_ids=ids).logits.tolist()))
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    return tmp_path


@pytest.fixture
def write_recipe(here: Path) -> Callable[..., str]:
    def write(*operations: dict[str, Any], **reconstruct: Any) -> str:
        recipe = {"version": 1, "name": "mine", "surgery": operations, "reconstruct": reconstruct}
        (here / "r.yaml").write_text(json.dumps(recipe), encoding="utf-8")
        return "r.yaml"

    return write


@pytest.fixture
def base(make_checkpoint) -> Path:
    return make_checkpoint("bert", HEAD, tokenizer=True)


@pytest.fixture
def slim(here: Path, base: Path) -> Callable[..., Record]:
    """Return a function that cuts the base and says what the record says."""

    def make(recipe: str, output: str = "slim", *more: str, model: Path | None = None) -> Record:
        arguments = ["cut", str(model or base), "-r", recipe, "--data", "t.txt", "-o", output]
        assert run([*arguments, "--no-measure", "--quiet", "--threads", "1", *more]) == 0
        return read_record(here / output)

    return make


def refused(capfd: pytest.CaptureFixture[str], here: Path, model: Path, *more: str) -> str:
    """Return the one line that a cut says that must fail and leave nothing behind."""
    before = {path.name for path in here.iterdir()}
    assert run(["cut", str(model), "-r", "r.yaml", "-o", "slim", "-q", *more]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert {path.name for path in here.iterdir()} == before
    return err.strip()


def hashes(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.iterdir()
        if path.is_file()
    }


def weights(here: Path, output: str) -> bytes:
    return (here / output / "model.safetensors").read_bytes()


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """Return the texts of each set of rows that a model is run on, as they come."""
    from bertslim.commands import make_slim as module

    found: list[set[str]] = []
    plain = module.batches

    def see(rows: Rows, *arguments: Any, **options: Any) -> Any:
        found.append(set(rows.texts()))
        return plain(rows, *arguments, **options)

    monkeypatch.setattr(module, "batches", see)
    return found


def test_a_repaired_model_loads_elsewhere_and_says_the_same(
    slim, write_recipe, here: Path, fresh_python
) -> None:
    record = slim(write_recipe(*MIXED, samples=60))
    assert {(one.layer, one.part) for one in record.repairs} >= {
        (0, "attention output"),
        (1, "linear fill"),
        (2, "FFN output and bypass"),
        (3, "attention output"),
    }
    assert all(0 <= one.after <= one.before for one in record.repairs)
    assert {step.name for step in record.steps} >= {"survey", "cut", "reconstruct", "save"}
    ids = [[7, 8, 9, 60], [11, 6, 70, 5]]
    model = load_model(here / "slim")
    with torch.inference_mode():
        expected = model(input_ids=torch.tensor(ids)).logits
    said = fresh_python(LOAD, here / "slim", json.dumps(ids), bertslim=False).stdout
    torch.testing.assert_close(torch.tensor(json.loads(said)), expected, rtol=1e-5, atol=1e-5)


def test_repair_brings_the_answers_closer_to_the_base(
    slim, write_recipe, here: Path, base: Path, make_recipe, cut, monkeypatch
) -> None:
    slim(write_recipe(LINEAR))
    plain = cut(base, make_recipe({"op": "drop_ffn", "layers": [1]}, name="plain"))
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 60, (64, 12), generator=draw)
    with torch.inference_mode():
        answers = [
            load_model(one)(input_ids=ids).logits.log_softmax(-1)
            for one in (base, plain, here / "slim")
        ]
    unrepaired, repaired = (
        float((answers[0].exp() * (answers[0] - one)).sum(-1).mean()) for one in answers[1:]
    )
    assert repaired < 0.9 * unrepaired


def test_a_seed_gives_the_same_bytes_and_another_one_draws_other_texts(
    slim, write_recipe, here: Path, base: Path, seen
) -> None:
    recipe, before = write_recipe(*MIXED, samples=20, weights="fisher"), hashes(base)
    slim(recipe, "a")
    slim(recipe, "b")
    slim(recipe, "c", "--seed", "1")
    assert weights(here, "a") == weights(here, "b")
    assert weights(here, "a") != weights(here, "c")
    assert seen[0] == seen[1] != seen[2]
    assert [len(one) for one in seen] == [20, 20, 20]
    assert hashes(base) == before


def test_texts_of_the_fit_split_repair_those_of_select_choose_and_report_is_not_read(
    slim, write_recipe, base: Path, seen
) -> None:
    found = load_checkpoint(base)
    splits = load_splits(
        DataOptions("t.txt"),
        describe_head(base, found.config, found.facts),
        Progress(visible=False),
    )
    slim(write_recipe(LINEAR))
    assert seen == [set(splits.fit.texts())]
    seen.clear()
    slim(write_recipe({"op": "drop_ffn", "layers": "least_important 2"}, samples=9), "b")
    importance, calibration = seen
    assert importance == set(splits.select.texts())
    assert calibration < set(splits.fit.texts())
    assert len(calibration) == 9


def test_fewer_texts_than_asked_for_are_noted(slim, write_recipe) -> None:
    enough = slim(write_recipe(LINEAR, samples=50))
    assert not any("the recipe asks for" in note for note in enough.notes)
    record = slim(write_recipe(LINEAR, samples=5000), "b")
    fit = next(one.rows for one in record.data.splits if one.name == "fit")
    assert f"the fit split has {fit} texts, the recipe asks for 5000" in record.notes


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_stays_half_precision(
    dtype: str, slim, write_recipe, here: Path, make_checkpoint
) -> None:
    half = make_checkpoint("bert", HEAD, tokenizer=True, dtype=dtype)
    slim(write_recipe(*MIXED, samples=40), model=half)
    tensors = load_file(here / "slim" / "model.safetensors")
    assert {values.dtype for values in tensors.values()} == {getattr(torch, dtype)}
    assert all(bool(values.isfinite().all()) for values in tensors.values())
    model = load_model(here / "slim")
    assert model.dtype == getattr(torch, dtype)


def test_a_repair_without_texts_is_refused(
    capfd: pytest.CaptureFixture[str], here: Path, write_recipe, base: Path
) -> None:
    write_recipe(LINEAR)
    assert refused(capfd, here, base) == (
        "bertslim: mine: the recipe needs texts, and none are given; "
        "give a file or data set with --data; labels are not needed"
    )


def test_one_text_to_solve_from_is_refused(
    capfd: pytest.CaptureFixture[str], here: Path, write_recipe, base: Path
) -> None:
    write_recipe(LINEAR, samples=1)
    said = refused(capfd, here, base, "--data", "t.txt")
    assert said.startswith("bertslim: reconstruct needs at least two texts")


@pytest.mark.parametrize("how", ["variance", "fisher"])
def test_weights_too_large_for_their_type_are_refused_and_nothing_is_written(
    capfd: pytest.CaptureFixture[str],
    here: Path,
    write_recipe,
    base: Path,
    how: str,
    tmp_path_factory,
) -> None:
    damaged = tmp_path_factory.mktemp("damaged") / "model"
    shutil.copytree(base, damaged)
    tensors = load_file(damaged / "model.safetensors")
    for name in ("intermediate", "output"):
        tensors[f"bert.encoder.layer.0.{name}.dense.weight"][:] = 1e14
    save_file(tensors, damaged / "model.safetensors", metadata={"format": "pt"})
    write_recipe(LINEAR, weights=how)
    said = refused(capfd, here, damaged, "--data", "t.txt")
    assert "puts out numbers that are not finite; the weights are damaged" in said
