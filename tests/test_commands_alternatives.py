"""`bertslim bench --alternatives` on tiny models, with times that are made up."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bertslim.cli import run
from bertslim.commands import bench_timing
from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_splits
from bertslim.file_names import RECORD_FILE
from bertslim.measure.latency import LatencyResult
from bertslim.measure.onnx_graph import read_onnx
from bertslim.measure.runtimes import TimedModel
from bertslim.measure.shapes import Shape
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from bertslim.records import BenchResult
from bertslim.training.keep_best import KeepBest
from support.scripted_bench import ScriptedBench
from support.sentence_transformers import save_sentence_transformer

QUICK = ["--seconds", "0.1", "--launches", "1", "--batch", "1", "--length", "8", "--threads", "1"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class BenchBySize(ScriptedBench):
    """A file takes as long as it is large."""

    def ms_of(self, name: str) -> float:
        path = self.models[name].path
        files = path.glob("*.safetensors") if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files) / 1e5

    def dtype_of(self, model: TimedModel) -> str:
        return "float32" if model.path.is_dir() else read_onnx(model.path).dtype


@pytest.fixture(autouse=True)
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> BenchBySize:
    made_up = BenchBySize({})
    monkeypatch.setattr(bench_timing, "LatencyBench", made_up)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return made_up


def rows(first: int, end: int, *, flipped: bool = False) -> str:
    lines = [
        f"{'good' if n % 2 else 'bad'} {LETTERS[n % 26]} {LETTERS[n // 26]},{int(n % 2 != flipped)}"
        for n in range(first, end)
    ]
    return "\n".join(["text,label", *lines])


@pytest.fixture(scope="module")
def folder(make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a classifier, what was cut of it, a smaller encoder, and data."""
    folder = tmp_path_factory.mktemp("alternatives")
    base = make_checkpoint(
        "bert", "SequenceClassification", tokenizer=True, num_labels=2, num_hidden_layers=2
    )
    shutil.copytree(base, folder / "base")
    small = make_checkpoint("bert", "", tokenizer=True, num_hidden_layers=1)
    shutil.copytree(small, folder / "small")
    for name, text in (
        ("fit.csv", rows(0, 300)),
        ("held.csv", rows(300, 400)),
        ("flipped.csv", rows(300, 400, flipped=True)),
    ):
        (folder / name).write_text(text)
    made = ["cut", f"{folder}/base", "-r", "drop_all", "-o", f"{folder}/slim", "--no-measure"]
    data = ["--data", f"{folder}/fit.csv", "--eval-data", f"{folder}/held.csv"]
    assert run([*made, *data, "--quiet", "--threads", "1"]) == 0
    return folder


def compare(
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    *more: str,
    models: tuple[str, ...] = ("slim",),
    held: str = "held.csv",
) -> BenchResult:
    given = [str(folder / model) for model in models]
    data = ["--data", f"{folder}/fit.csv", "--eval-data", f"{folder}/{held}"]
    words = ["bench", *given, "--alternatives", *data, *QUICK, *more, "--json"]
    assert run(words) == 0, capfd.readouterr().err
    out, err = capfd.readouterr()
    assert err == ""
    return BenchResult.model_validate_json(out)


def test_every_model_is_scored_and_timed_in_every_form(
    folder: Path, bench: BenchBySize, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    small = ["--small-model", f"{folder}/small", "--small-epochs", "2"]
    found = compare(folder, capfd, *small, "--runtime", "onnxruntime")

    told = found.alternatives
    assert told is not None
    names = ["whole", "slim", "top layers deleted", "small (small)"]
    assert [model.name for model in told.models] == [*names, "static embeddings"]
    assert [model.role for model in told.models] == [
        "whole", "given", "fewer layers", "small", "static",
    ]  # fmt: skip
    forms = [("torch", "float32"), ("onnxruntime", "float32"), ("onnxruntime", "int8")]
    expected = [(name, *form) for name in names for form in forms]
    expected.append(("static embeddings", "onnxruntime", "float32"))
    assert [(one.model, one.runtime, one.dtype) for one in told.served] == expected
    assert {(one.model, one.runtime, one.dtype) for one in found.timings} == set(expected)
    assert len(found.timings) == len(expected), "the first is timed in each group, and told once"
    first, *others = found.timings
    assert first.to_first is None
    for timing in others:
        assert timing.to_first is not None
        assert timing.to_first.ratio == pytest.approx(timing.median_ms / first.median_ms)
    quickest = min(found.timings, key=lambda one: one.median_ms)
    assert quickest.fastest
    assert not first.fastest
    assert told.served[-1].score.slim == 1.0, "one word tells the class"
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_scores_are_those_of_the_held_out_rows(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = compare(folder, capfd, "--runtime", "torch")
    told = found.alternatives
    assert told is not None
    assert told.scored == 100
    truth = np.array([n % 2 for n in range(300, 400)])
    texts = [line.rpartition(",")[0] for line in rows(300, 400).splitlines()[1:]]
    right = {}
    for name in ("base", "slim"):
        model, tokenizer = load_checkpoint(folder / name).model, load_tokenizer(folder / name)
        with torch.inference_mode():
            logits = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
        right[name] = logits.argmax(dim=1).numpy() == truth
    whole, slim, *_ = (one.score for one in told.served)
    assert (whole.base, whole.slim) == (None, right["base"].mean())
    assert whole.interval is not None
    assert whole.interval.of == "slim"
    assert (slim.base, slim.slim) == (right["base"].mean(), right["slim"].mean())
    assert slim.interval is not None
    assert slim.interval.of == "difference"
    assert slim.interval.low <= slim.slim - slim.base <= slim.interval.high
    assert any("a smaller pretrained encoder: left out: none is named" in n for n in found.notes)


def test_what_is_reported_on_settles_nothing_but_scores(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = ["--small-model", f"{folder}/small", "--small-epochs", "2", "--runtime", "torch"]
    one = compare(folder, capfd, *options)
    other = compare(folder, capfd, *options, held="flipped.csv")
    assert one.alternatives is not None
    assert other.alternatives is not None
    for before, after in zip(one.alternatives.served, other.alternatives.served, strict=True):
        assert before.model == after.model
        assert before.score.slim == pytest.approx(1 - after.score.slim)
    trained, again = (
        next(model.training for model in told.alternatives.models if model.training)
        for told in (one, other)
    )
    assert [look.score for look in trained.looks] == [look.score for look in again.looks]
    assert any("slim was made with other data" in note for note in other.notes)
    assert not any("other data" in note for note in one.notes)


def test_fewer_rows_are_whole_groups_that_the_seed_settles(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = compare(folder, capfd, "--runtime", "torch", "--rows", "40")
    assert found.alternatives is not None
    assert found.alternatives.scored == 40
    again = compare(folder, capfd, "--runtime", "torch", "--rows", "40")
    assert again.alternatives == found.alternatives


def test_a_model_that_was_never_cut_is_the_whole_one(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = compare(folder, capfd, "--runtime", "torch", models=("base",))
    assert found.alternatives is not None
    roles = [model.role for model in found.alternatives.models]
    assert roles == ["whole", "fewer layers", "static"]
    assert found.alternatives.models[0].source == "base"


def test_embeddings_are_compared_by_their_similarities(
    make_checkpoint: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    encoder = make_checkpoint("bert", "", tokenizer=True, num_hidden_layers=2)
    base = save_sentence_transformer(encoder, tmp_path / "base", pooling={"pooling_mode": "mean"})
    small = make_checkpoint("bert", "", tokenizer=True, num_hidden_layers=1, hidden_size=16)
    draw = np.random.default_rng(0)
    pairs = [
        f"{' '.join(draw.choice(list(LETTERS), 4))},{' '.join(draw.choice(list(LETTERS), 4))},{n % 6}"
        for n in range(120)
    ]
    data = tmp_path / "pairs.csv"
    data.write_text("\n".join(["sentence1,sentence2,score", *pairs]))
    words = ["bench", str(base), "--alternatives", "--small-model", str(small), "--data", str(data)]
    assert run([*words, *QUICK, "--runtime", "torch", "--json"]) == 0
    told = BenchResult.model_validate_json(capfd.readouterr().out).alternatives
    assert told is not None
    roles = {model.name: model.role for model in told.models}
    assert list(roles.values()) == ["whole", "fewer layers", "small", "static"]
    assert {one.score.name for one in told.served} == {"accuracy.spearman"}
    assert "as it is: embeddings are not trained on labels" in told.models[2].made


def test_what_cannot_be_made_is_said(
    make_checkpoint: Callable[..., Path], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    one_layer = make_checkpoint(
        "bert", "SequenceClassification", tokenizer=True, num_labels=2, num_hidden_layers=1
    )
    found = compare(folder, capfd, "--runtime", "torch", models=(str(one_layer),))
    assert found.alternatives is not None
    assert [model.role for model in found.alternatives.models] == ["whole", "static"]
    assert any(
        note.startswith("the whole model without its top layers: left out:") for note in found.notes
    )


def test_a_form_without_times_is_noted(
    folder: Path, bench: BenchBySize, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def doubt(self: BenchBySize, base: str | None, slim: str) -> LatencyResult:
        if any(not model.path.is_dir() for model in self.models.values()):
            return LatencyResult((), {Shape(1, 8): "cannot tell on this busy machine"})
        return ScriptedBench.compare(self, base, slim)

    monkeypatch.setattr(BenchBySize, "compare", doubt)
    found = compare(folder, capfd, "--runtime", "torch,onnxruntime", models=("base",))
    assert {one.runtime for one in found.timings} == {"torch"}
    assert "onnxruntime: latency at 1x8: cannot tell on this busy machine" in found.notes
    data = ["--data", f"{folder}/fit.csv", "--eval-data", f"{folder}/held.csv", "--rows", "20"]
    given = ["bench", f"{folder}/base", "--alternatives", *data, *QUICK, "--runtime", "onnxruntime"]
    assert run(given) == 0
    table = capfd.readouterr().out
    rows_of = [line for line in table.splitlines() if "| onnxruntime |" in line]
    assert rows_of
    assert all(line.split("|")[5].strip() == "–" for line in rows_of)
    assert all("%" in line.split("|")[7] for line in rows_of), "scores stand there without times"


def test_an_interrupted_training_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    save = KeepBest.on_save

    def interrupt(self: KeepBest, *given: object, **more: object) -> None:
        save(self, *given, **more)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(KeepBest, "on_save", interrupt)
    data = ["--data", f"{folder}/fit.csv", "--eval-data", f"{folder}/held.csv"]
    small = ["--small-model", f"{folder}/small", "--runtime", "torch", "--json"]
    assert run(["bench", f"{folder}/base", "--alternatives", *data, *small, *QUICK]) == 130
    assert capfd.readouterr() == ("", "bertslim: interrupted; nothing half-made is left\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["base", "--alternatives"], "--alternatives: needs --data beside it"),
        (["base", "--small-model", "x"], "--small-model: needs --alternatives beside it"),
        (["base", "--data", "held.csv"], "--data: is of no use here; add --length data or "),
        (
            ["base", "--alternatives", "--data", "fit.csv", "--runtime", "torch-compile"],
            "torch-compile: runs no alternatives; leave it out",
        ),
        (
            ["base", "small", "--alternatives", "--data", "fit.csv"],
            "small: has another head than the first model; name models that were made of it",
        ),
        (["base", "--alternatives", "--data", "texts.txt"], "have no labels that the model"),
        (["base", "--alternatives", "--data", "fit.csv", "--small-model", "./gone"], "./gone: no "),
    ],
)
def test_wrong_usage_is_one_line(
    arguments: list[str], message: str, folder: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(folder)
    Path("texts.txt").write_text("\n".join(rows(0, 300).splitlines()[1:]))
    assert run(["bench", *arguments, *QUICK, "--quiet"]) == 2
    err = capfd.readouterr().err.splitlines()
    assert message in err[-1]


def test_the_report_split_is_that_of_the_whole_model(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = compare(folder, capfd, "--runtime", "torch", models=("base",))
    base = load_checkpoint(folder / "base")
    head = describe_head(base.directory, base.config, base.facts)
    data = DataOptions(f"{folder}/fit.csv", f"{folder}/held.csv")
    splits = load_splits(data, head, Progress(visible=False))
    assert found.alternatives is not None
    assert found.alternatives.data == splits.record
    assert (folder / "slim" / RECORD_FILE).is_file()
