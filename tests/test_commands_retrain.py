"""`bertslim retrain` on every task that it trains, with tiny models that learn to be right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bertslim import cli
from bertslim.commands.retrain import retrain, training_section
from bertslim.commands.slim_result import SlimResult
from bertslim.data.data_options import DataOptions
from bertslim.errors import DataError
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.families import FAMILIES
from bertslim.model.slim_modeling import layers_of
from bertslim.model.tokenizer import load_tokenizer
from bertslim.options.retrain import RetrainOptions
from bertslim.progress import Progress
from bertslim.recipe.schema import Distill
from support.sentence_transformers import save_sentence_transformer

ROWS = 240
QUICK = {
    "epochs": 24,
    "learning_rate": 2e-3,
    "max_length": 32,
    "batch_size": 16,
    "dropout": False,
    "dtype": "float32",
}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(n: int) -> str:
    """Two letters that number the row."""
    return f"{LETTERS[n % 26]} {LETTERS[n // 26]}"


def lines(row: Callable[[int], dict[str, Any]]) -> str:
    return "\n".join(json.dumps(row(n)) for n in range(ROWS))


def text(n: int) -> str:
    return f"{'good' if n % 2 else 'bad'} {words(n)}"


CLASSES = lines(lambda n: {"text": text(n), "label": "yes" if n % 2 else "no"})
PAIRS = lines(
    lambda n: {
        "premise": text(n),
        "hypothesis": words(n),
        "label": "yes" if n % 2 else "no",
    }
)
SEVERAL = lines(lambda n: {"text": text(n), "labels": ["nice"] if n % 2 else ["film", "poor"]})
SCORES = lines(lambda n: {"text": text(n), "score": 0.5 + n % 2})
TAGS = "\n\n".join(f"{text(n).split()[0]}\tB-{n % 2}\n{words(n)[0]}\tO" for n in range(ROWS))
QUESTIONS = lines(
    lambda n: {
        "question": "what film",
        "context": f"{words(n)} good {LETTERS[n % 7]}",
        "answers": {"text": ["good"], "answer_start": [4]},
    }
)


@pytest.fixture
def run(make_checkpoint, tmp_path: Path) -> Callable[..., SlimResult]:
    """Return a function that trains a tiny model on a file."""

    def start(
        name: str, content: str, *, head: str = "", task: str | None = None, **options: Any
    ) -> SlimResult:
        changes = options.pop("changes", {})
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        model = make_checkpoint("bert", head, tokenizer=True, **changes)
        asked = RetrainOptions(
            model=str(model),
            data=DataOptions(str(path), task=task),
            output=tmp_path / "out",
            threads=1,
            **(QUICK | options),
        )
        return retrain(asked, Progress(visible=False))

    return start


@pytest.mark.parametrize(
    ("name", "content", "metric", "expected", "problem_type"),
    [
        ("a.jsonl", CLASSES, "accuracy", 0.95, "single_label_classification"),
        ("a.jsonl", PAIRS, "accuracy", 0.95, "single_label_classification"),
        ("a.jsonl", SEVERAL, "micro_f1", 0.95, "multi_label_classification"),
        ("a.jsonl", SCORES, "pearson", 0.9, "regression"),
        ("a.conll", TAGS, "span_f1", 0.95, None),
        ("a.jsonl", QUESTIONS, "exact_match", 0.95, None),
    ],
)
def test_a_bare_encoder_learns_every_task_that_is_trained(
    name: str, content: str, metric: str, expected: float, problem_type: str | None, run
) -> None:
    result = run(name, content)
    (score,) = result.record.find(f"accuracy.{metric}")
    assert score.base is None
    assert score.slim >= expected
    assert score.interval.of == "slim"
    assert load_checkpoint(result.directory).config.get("problem_type") == problem_type
    assert result.record.data.task is not None
    if result.record.data.labels:
        found = load_checkpoint(result.directory).model.config.id2label
        assert tuple(found.values()) == result.record.data.labels


def test_a_head_goes_on_from_where_it_is(run) -> None:
    names = {"id2label": {0: "O", 1: "B-0", 2: "B-1"}}
    result = run("a.conll", TAGS, head="TokenClassification", changes=names)
    (score,) = result.record.find("accuracy.span_f1")
    assert score.base is not None
    assert score.slim > max(0.95, score.base)
    assert load_checkpoint(result.directory).model.config.id2label == names["id2label"]


def test_a_head_for_other_labels_is_replaced_when_asked(run) -> None:
    with pytest.raises(DataError, match="row 1: the model does not know the label 'no'"):
        run("a.jsonl", CLASSES, head="SequenceClassification", changes={"num_labels": 3})
    result = run("a.jsonl", CLASSES, head="QuestionAnswering", new_head=True, epochs=1)
    assert load_checkpoint(result.directory).facts.head == "SequenceClassification"
    assert result.record.data.labels == ("no", "yes")


def test_a_named_task_settles_what_is_trained(run) -> None:
    stars = lines(lambda n: {"text": text(n), "label": 1 + n % 2})
    result = run("a.jsonl", stars, task="regression")
    assert result.record.find("accuracy.mse")[0].slim < 0.2


@pytest.mark.parametrize(
    ("head", "name", "content", "message"),
    [
        ("", "a.txt", "\n".join(map(words, range(ROWS))), "the data have no labels to train on; na"),
        ("QuestionAnswering", "a.txt", "\n".join(map(words, range(ROWS))), "plain-text is not a task"),
        ("TokenClassification", "a.conll", TAGS.replace("\tB-0", "").replace("\tB-1", "").replace("\tO", ""), "the data have no labels"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_trained_on(
    head: str, name: str, content: str, message: str, run, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        run(name, content, head=head)
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("head", "name", "content", "changes"),
    [
        ("", "a.jsonl", CLASSES, {}),
        ("TokenClassification", "a.conll", TAGS, {"id2label": {0: "O", 1: "B-0", 2: "B-1"}}),
        ("QuestionAnswering", "a.jsonl", QUESTIONS, {}),
    ],
)
def test_what_was_cut_in_all_ways_is_trained_and_stays_cut(
    head: str, name: str, content: str, changes: dict[str, Any], cut_all_ways, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    before = cut_all_ways("bert", head, **changes)
    options = RetrainOptions(
        model=str(before),
        data=DataOptions(str(tmp_path / name)),
        output=tmp_path / "out",
        threads=1,
        **(QUICK | {"epochs": 2}),
    )
    result = retrain(options, Progress(visible=False))
    old, new = load_checkpoint(before), load_checkpoint(result.directory)
    assert new.facts.layers == old.facts.layers
    assert new.facts.vocab_size == old.facts.vocab_size < 99
    first, third = (layers_of(new.model, FAMILIES["bert"])[number] for number in (0, 2))
    assert first.output.dense.weight is third.output.dense.weight
    assert not torch.equal(
        first.output.dense.weight, layers_of(old.model, FAMILIES["bert"])[0].output.dense.weight
    )
    tokenizers = [load_tokenizer(path) for path in (before, result.directory)]
    assert tokenizers[0].get_vocab() == tokenizers[1].get_vocab()
    assert any(one.name.startswith("accuracy.") for one in result.record.measurements)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (3.0, 16, "keep")),
        ({"teacher": "t"}, (1.0, 32, "off")),
        ({"teacher": "t", "steps": 7, "dropout": True}, (None, 32, "keep")),
        ({"epochs": 2.0, "batch_size": 4, "dropout": False}, (2.0, 4, "off")),
    ],
)
def test_how_long_and_how_it_is_trained_where_it_is_left_open(
    options: dict[str, Any], expected: tuple[float | None, int, str]
) -> None:
    section = training_section(RetrainOptions("m", DataOptions("d"), **options))
    assert (section.epochs, section.batch_size, section.dropout) == expected
    assert section.distill == Distill()


def test_a_teacher_that_embeds_in_another_way_is_refused(
    make_checkpoint: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = make_checkpoint("bert", "", tokenizer=True)
    prompt = {"prompts": {"a": "film: "}, "default_prompt_name": "a"}
    teachers = {
        "the teacher embeds by 'cls', the model 'mean'": {"pooling": {"pooling_mode": "cls"}},
        "the teacher reads after the prompt 'film: ', the model ''": {"model": prompt},
    }
    for number, (message, settings) in enumerate(teachers.items()):
        teacher = save_sentence_transformer(plain, tmp_path / f"teacher{number}", **settings)
        line = ["retrain", str(plain), "--teacher", str(teacher), "--data", "builtin:pydocs"]
        assert cli.run([*line, "-qo", str(tmp_path / "out")]) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
