"""Training with a teacher, from the command's options to the record, interrupted or not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from bertslim.cli import run as run_command
from bertslim.commands.cut import cut
from bertslim.commands.retrain import retrain
from bertslim.commands.slim_result import SlimResult
from bertslim.data.data_options import DataOptions
from bertslim.errors import DataError, ModelError, OutputError
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.tokenizer import load_tokenizer
from bertslim.options.cut import CutOptions
from bertslim.options.retrain import RetrainOptions
from bertslim.progress import Progress
from bertslim.recipe.schema import Retrain
from bertslim.records import Training, read_record
from bertslim.training.interruption import interruption_of
from bertslim.training.train_model import Student, settled
from support.full_disk import files_of_at_most
from support.processes import TWO_PROCESSES, run_python

SILENT = Progress(visible=False)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
QUICK = {
    "steps": 40,
    "learning_rate": 1e-3,
    "max_length": 32,
    "batch_size": 10,
    "dtype": "float32",
}

HEEDING_INTERRUPTS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores them
from bertslim.__main__ import main
main()
"""


def words(n: int) -> str:
    return (
        " ".join(LETTERS[(n * 7 + k * k) % 26] for k in range(2 + n % 9)) + f" {LETTERS[n // 26]}"
    )


TEXTS = "\n".join(words(n) for n in range(260))
TAGS = "\n\n".join("\n".join(words(n).split()) for n in range(260))
QUESTIONS = "\n".join(
    json.dumps({"question": words(n), "context": f"{words(n + 1)} good {words(n)}", "id": str(n)})
    for n in range(260)
)
LABELLED = "text,label\n" + "\n".join(f"{words(n)},LABEL_{n % 3}" for n in range(260))


@pytest.fixture
def learn(
    make_checkpoint, make_recipe, cut: Callable[..., Path], tmp_path: Path
) -> Callable[..., SlimResult]:
    """Return a function that cuts a tiny model and lets it learn from what it was."""

    def start(head: str, name: str, content: str, **options: Any) -> SlimResult:
        base = make_checkpoint("bert", head, tokenizer=True)
        slim = cut(base, make_recipe({"op": "drop_ffn", "layers": [1, 3]}))
        (tmp_path / name).write_text(content, encoding="utf-8")
        asked = {"model": str(slim), "teacher": str(base), "output": tmp_path / "out", "threads": 1}
        data = DataOptions(str(tmp_path / name))
        return retrain(RetrainOptions(data=data, **(QUICK | asked | options)), SILENT)

    return start


@pytest.mark.parametrize(
    ("head", "name", "content", "figure"),
    [
        ("", "a.txt", TEXTS, "fidelity.cosine"),
        ("SequenceClassification", "a.txt", TEXTS, "fidelity.kl"),
        ("TokenClassification", "a.conll", TAGS, "fidelity.kl"),
        ("QuestionAnswering", "a.jsonl", QUESTIONS, "fidelity.kl"),
        ("MaskedLM", "a.txt", TEXTS, "fidelity.kl"),
        ("NextSentencePrediction", "a.txt", TEXTS, "fidelity.kl"),
    ],
)
def test_every_kind_of_model_learns_from_texts_without_labels(
    head: str, name: str, content: str, figure: str, learn
) -> None:
    result = learn(head, name, content)
    record = result.record
    training = record.training
    assert training is not None
    assert training.best.score < training.start.score
    assert training.best_step > 0
    (fidelity,) = record.find(figure)
    assert fidelity.slim is not None
    assert training.teacher == record.base
    assert training.start_model is not None
    assert training.start_model.sha256 not in (record.base.sha256, record.slim.sha256)
    assert training.settings["distill"]["hidden"] == 6.0
    assert training.macs > 0
    assert read_record(result.directory) == record
    assert load_checkpoint(result.directory).facts.layers[1].intermediate_size == 0
    assert not interruption_of(result.directory).folder.exists()


def test_rows_that_chose_or_report_are_not_trained_on(learn) -> None:
    splits = {one.name: one for one in learn("", "a.txt", TEXTS).record.data.splits}
    assert len({one.sha256 for one in splits.values()}) == 3


def test_labels_may_count_beside_the_teacher(learn) -> None:
    result = learn("SequenceClassification", "a.csv", LABELLED, labels_weight=1.0)
    assert result.record.training.settings["distill"]["labels"] == 1.0
    with pytest.raises(DataError, match=r"no labels to train on; name the column"):
        learn("SequenceClassification", "a.txt", TEXTS, labels_weight=1.0, force=True)


def test_a_teacher_of_another_kind_is_refused(learn, make_checkpoint, tmp_path: Path) -> None:
    for teacher, what in (
        (
            make_checkpoint("bert", "MaskedLM", tokenizer=True),
            "the head of the teacher is MaskedLM",
        ),
        (
            make_checkpoint("bert", "SequenceClassification", num_labels=2),
            "the number of outputs of the teacher is 2, that of the model 3",
        ),
        (
            make_checkpoint("bert", "SequenceClassification", vocab_size=120),
            "the number of tokens of the teacher is 120, that of the model 99",
        ),
    ):
        with pytest.raises(ModelError, match=what):
            learn("SequenceClassification", "a.txt", TEXTS, teacher=str(teacher))
    assert not list(tmp_path.glob(".out*"))


def test_a_wrong_teacher_is_told_before_the_data_are_read(learn, make_checkpoint) -> None:
    other = make_checkpoint("bert", "MaskedLM", tokenizer=True)
    for teacher, what in ((str(other), "the head of the teacher"), ("./nowhere", "nowhere")):
        with pytest.raises(ModelError, match=what):
            learn("SequenceClassification", "a.txt", "", teacher=teacher)


def test_a_teacher_of_other_shape_is_followed_as_far_as_it_fits(learn, make_checkpoint) -> None:
    """Hidden states of another width cannot be compared."""
    wide = make_checkpoint("bert", "SequenceClassification", hidden_size=48)
    with pytest.raises(ModelError, match=r"hidden states of the teacher are 48 wide, .* 32; set"):
        learn("SequenceClassification", "a.txt", TEXTS, teacher=str(wide))
    result = learn("SequenceClassification", "a.txt", TEXTS, teacher=str(wide), hidden_weight=0.0)
    assert result.record.training.best.score < result.record.training.start.score


# A recipe with a training


@pytest.fixture
def cut_and_train(
    make_checkpoint, make_recipe, tmp_path: Path
) -> Callable[..., tuple[Path, SlimResult]]:
    """Return a function that cuts by a recipe which trains."""

    def start(*operations: dict[str, Any], **more: Any) -> tuple[Path, SlimResult]:
        base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
        recipe, texts = tmp_path / "mine.yaml", tmp_path / "a.txt"
        sections = {"retrain": QUICK} | more
        recipe.write_text(make_recipe(*operations, **sections).recipe.to_yaml(), encoding="utf-8")
        texts.write_text(TEXTS, encoding="utf-8")
        options = CutOptions(
            model=str(base),
            recipe=str(recipe),
            output=tmp_path / "slim",
            data=DataOptions(str(texts)),
            measure=None,
            threads=1,
        )
        return base, cut(options, SILENT)

    return start


@pytest.mark.parametrize(
    ("operations", "more"),
    [
        ([{"op": "drop_ffn", "layers": [1, 3]}], {}),
        (
            [{"op": "drop_ffn", "layers": [1], "fill": "linear"}],
            {"reconstruct": {"samples": 50}},
        ),
        ([{"op": "share_ffn", "layers": [0, 2]}, {"op": "drop_layer", "layers": 1}], {}),
        ([{"op": "drop_ffn", "layers": [2]}, {"op": "prune_vocab"}], {}),
    ],
)
def test_a_cut_goes_on_with_its_training(
    operations: list[dict[str, Any]], more: dict[str, Any], cut_and_train
) -> None:
    base, result = cut_and_train(*operations, **more)
    before = load_file(base / "model.safetensors")
    training = result.record.training
    if not more:  # a repaired model may be as good as such short training makes it
        assert training.best.score < training.start.score
    assert training.teacher == result.record.base
    assert training.start_model is None
    slim = load_checkpoint(result.directory)
    after = slim.model.state_dict()
    name = "bert.encoder.layer.0.attention.self.query.weight"
    assert torch.equal(after[name], before[name]) == (training.best_step == 0)
    assert slim.facts.layers == result.record.plan.slim_layers
    report = (result.directory / "report.md").read_text(encoding="utf-8")
    assert "with the base as teacher" in report
    assert "## Training" in report


def test_the_teacher_stays_as_it_was(cut_and_train, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slim model shares tensors with it until it is trained."""

    from bertslim.commands import make_slim

    trained = make_slim.train_model
    seen = []

    def watch(student: Any, teacher: Any, *rest: Any) -> Any:
        before = {name: one.clone() for name, one in teacher.checkpoint.model.state_dict().items()}
        found = trained(student, teacher, *rest)
        after = teacher.checkpoint.model.state_dict()
        seen.append(all(torch.equal(after[name], one) for name, one in before.items()))
        return found

    monkeypatch.setattr(make_slim, "train_model", watch)
    cut_and_train({"op": "drop_ffn", "layers": [1]})
    assert seen == [True]


def test_a_recipe_that_trains_on_labels_needs_them(cut_and_train) -> None:
    training = QUICK | {"distill": {"labels": 1.0}}
    with pytest.raises(DataError, match="the recipe trains on labels, and the data have none"):
        cut_and_train({"op": "drop_ffn", "layers": [1]}, retrain=training)


@pytest.mark.parametrize("size", [20_000, 60_000, 250_000])
def test_a_full_disk_is_told_in_a_line_that_names_the_output(
    size: int, learn, tmp_path, make_checkpoint, make_recipe, cut
) -> None:
    """Of what is left on the way: best weights, then the state of the optimiser."""
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    cut(base, make_recipe({"op": "drop_ffn", "layers": [1, 3]}))
    with (
        files_of_at_most(size),
        pytest.raises(OutputError, match=r"out: cannot be written \(No space left on device\)"),
    ):
        learn("SequenceClassification", "a.csv", LABELLED)
    assert not (tmp_path / "out").exists()


# Interrupted, and in several processes


@pytest.fixture(scope="module")
def command(make_checkpoint, make_recipe, cut: Callable[..., Path], tmp_path_factory) -> list[str]:
    """The arguments of a training that takes some seconds."""
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    slim = cut(base, make_recipe({"op": "drop_ffn", "layers": [1, 3]}))
    texts = tmp_path_factory.mktemp("texts") / "a.txt"
    texts.write_text(TEXTS, encoding="utf-8")
    arguments = ["-m", "bertslim", "retrain", str(slim), "--teacher", str(base), "--threads", "1"]
    arguments += ["--data", str(texts), "--batch-size", "10", "--learning-rate", "0.001"]
    return [*arguments, "--dtype", "float32"]


@pytest.fixture(scope="module")
def long(command: list[str]) -> list[str]:
    """The arguments of a training that can be stopped on the way."""
    return [*command, "--steps", "200"]


@pytest.fixture(scope="module")
def whole(long: list[str], tmp_path_factory) -> Path:
    """What that training makes where nothing stops it."""
    output = tmp_path_factory.mktemp("results") / "whole"
    run_python([*long, "-o", str(output)])
    return output


def stop_on_the_way(arguments: list[str], output: Path, number: int) -> str:
    """Send a signal once a whole checkpoint is there, and return what was said."""
    process = subprocess.Popen(
        [sys.executable, "-c", HEEDING_INTERRUPTS, *arguments[2:], "-o", str(output)],
        stderr=subprocess.PIPE,
        text=True,
    )
    interruption, give_up = interruption_of(output), time.monotonic() + 120
    while not interruption.there and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.005)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == (-number if number == signal.SIGKILL else 130), said
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_goes_on_to_the_same_end(
    number: int, command: list[str], long: list[str], whole: Path, tmp_path: Path, capsys
) -> None:
    stopped = tmp_path / "stopped"
    said = stop_on_the_way(long, stopped, number)
    assert not stopped.exists()
    assert interruption_of(stopped).there
    if number != signal.SIGKILL:
        assert "training stopped; continue after step" in said
        assert "nothing half-made is left" in said
    assert run_command([*long[2:], "-o", str(stopped)]) == 2
    refused = capsys.readouterr().err
    assert "a run was interrupted here; continue with --resume, or start again" in refused
    other = [*command[2:], "--steps", "300", "-o", str(stopped), "--resume"]
    assert run_command(other) == 2
    assert "it differs in steps" in capsys.readouterr().err
    resumed = run_python([*long, "-o", str(stopped), "--resume"])
    assert "training continues after step" in resumed.stderr
    one, two = (load_file(each / "model.safetensors") for each in (whole, stopped))
    assert all(torch.equal(one[name], two[name]) for name in one)
    first, second = (read_record(each) for each in (whole, stopped))
    assert first.measurements == second.measurements
    assert second.training is not None
    assert second.training.resumed
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def train_alone_and_together(
    arguments: list[str], folder: Path, *, within: float
) -> tuple[Training, Training]:
    """Run a command in one process and in two, and return their trainings, which must agree.

    Args:
        arguments: Of the command, without its output.
        folder: Where the outputs go.
        within: How far weights may be from each other.
    """
    one, two = folder / "one", folder / "two"
    assert run_command([*arguments[2:], "-o", str(one)]) == 0
    done = run_python([*TWO_PROCESSES, *arguments, "-o", str(two)])
    assert done.stdout.count("Written to") == 1
    alone, together = (read_record(each).training for each in (one, two))
    assert alone is not None
    assert together is not None
    assert (alone.processes, together.processes) == (1, 2)
    for first, second in zip(alone.looks, together.looks, strict=True):
        assert second.score == pytest.approx(first.score, rel=1e-3)
        if first.loss is not None:
            assert second.loss == pytest.approx(first.loss, rel=1e-4)
    before, after = (load_file(each / "model.safetensors") for each in (one, two))
    for name, tensor in before.items():
        # Adam takes a whole step by a gradient that is nothing but rounding.
        torch.testing.assert_close(after[name], tensor, atol=within, rtol=0)
    return alone, together


def test_two_processes_train_as_one(command: list[str], tmp_path: Path) -> None:
    arguments = [*command, "--steps", "20", "--no-dropout"]
    train_alone_and_together(arguments, tmp_path, within=2e-3)
    odd = run_python(
        [*TWO_PROCESSES, *arguments, "--batch-size", "11", "-o", str(tmp_path / "odd")], code=1
    )
    assert "2 processes cannot share batches of 11 texts evenly" in odd.stderr
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_two_processes_cut_repair_and_train_as_one(
    make_checkpoint, make_recipe, tmp_path: Path
) -> None:
    base = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    brief = {"steps": 10, "batch_size": 10, "learning_rate": 1e-4, "dtype": "float32"}
    step = {"op": "drop_ffn", "layers": [1, 3], "fill": "linear"}
    loaded = make_recipe(step, reconstruct={"samples": 60}, retrain=brief)
    recipe, texts = tmp_path / "recipe.yaml", tmp_path / "a.txt"
    recipe.write_text(loaded.recipe.to_yaml(), encoding="utf-8")
    texts.write_text(TEXTS, encoding="utf-8")
    arguments = ["-m", "bertslim", "cut", str(base), "--recipe", str(recipe), "--no-measure"]
    arguments += ["--data", str(texts), "--threads", "1"]
    alone, together = train_alone_and_together(arguments, tmp_path, within=2e-4)
    assert alone.best_step == together.best_step > 0


# What the command line refuses


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--epochs", "1", "--minutes", "1"], "--minutes: --epochs sets the duration already"),
        (["--temperature", "2"], "--temperature: needs --teacher beside it"),
        (["--hidden-weight", "1"], "--hidden-weight: needs --teacher beside it"),
        (
            ["--teacher", "x", "--logits-weight", "0", "--hidden-weight", "0"],
            "--logits-weight: all weights are 0, so there is nothing to learn",
        ),
        (["--teacher", "./nowhere"], "nowhere"),
        (["--report-to", "paper"], "--report-to: paper is no tracker that transformers finds here"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    options: list[str], said: str, make_checkpoint, tmp_path: Path, capsys
) -> None:
    model = make_checkpoint("bert", "SequenceClassification", tokenizer=True)
    (tmp_path / "a.csv").write_text(LABELLED, encoding="utf-8")
    asked = ["retrain", str(model), "--data", str(tmp_path / "a.csv"), "-o", str(tmp_path / "out")]
    assert run_command([*asked, *options]) == 2
    errors = [
        line
        for line in capsys.readouterr().err.splitlines()
        if not line.startswith(("data: ", "labels: "))
    ]
    assert len(errors) == 1
    assert said in errors[0]
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_there_is_not_overwritten(learn) -> None:
    learn("", "a.txt", TEXTS)
    with pytest.raises(OutputError, match="exists already"):
        learn("", "a.txt", TEXTS)


@pytest.mark.parametrize(("limit", "expected"), [(9, 9), (100, 40), (10**30, 40)])
def test_texts_are_cut_where_model_or_tokenizer_ends(
    limit: int, expected: int, make_checkpoint
) -> None:
    directory = make_checkpoint("bert", tokenizer=True)
    tokenizer = load_tokenizer(directory)
    tokenizer.model_max_length = limit
    student = Student(load_checkpoint(directory), "", tokenizer)
    assert settled(Retrain(steps=1, max_length=64), student, False).max_length == expected
