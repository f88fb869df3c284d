"""Training with the teacher: what it keeps, when it stops, and how it goes on after a cut-off."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch.nn.functional import scaled_dot_product_attention
from transformers import TrainerCallback

from bertslim.data.batches import batches
from bertslim.data.plain_text import PlainText
from bertslim.data.task import Rows
from bertslim.errors import DataError, ModelError
from bertslim.measure import environment
from bertslim.measure.contention import ContentionProbe
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from bertslim.recipe.schema import Distill, Retrain
from bertslim.records import Training
from bertslim.training import keep_best
from bertslim.training.distillation import Distillation, Teacher
from bertslim.training.interruption import Interruption, interruption_of
from bertslim.training.selection import ByTeacher, Selection
from bertslim.training.trainer import (
    DistillingTrainer,
    EpochOrder,
    TrainingObjective,
    TrainingRun,
    attention_kernels,
    trains_in_bfloat16,
)
from bertslim.training.training_run import train, training_arguments
from support.noisy_model import with_noise

HEAD = "SequenceClassification"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SILENT = Progress(visible=False)


class StopHereError(Exception):
    """Cuts a training off."""


class _Given(Selection):
    """Scores that a test settles, whatever the model."""

    name = "given"

    def __init__(self, *scores: float, higher_is_better: bool = True) -> None:
        self.scores = list(scores)
        self.higher_is_better = higher_is_better
        self.states: list[dict[str, torch.Tensor]] = []

    def score(self, model: Any) -> float:
        self.states.append({name: weight.clone() for name, weight in model.state_dict().items()})
        return self.scores.pop(0)


@pytest.fixture
def rows() -> Rows:
    """Texts of several lengths."""
    texts = [" ".join(LETTERS[(n * 7 + k * k) % 26] for k in range(2 + n % 9)) for n in range(100)]
    return Rows(PlainText(), Dataset.from_dict({"text": texts}))


@pytest.fixture
def learn(
    rows: Rows, make_checkpoint, tmp_path: Path
) -> Callable[..., tuple[Training, dict[str, torch.Tensor]]]:
    """Return a function that trains a student on its teacher's answers."""
    directory = make_checkpoint("bert", HEAD, tokenizer=True)
    tokenizer = load_tokenizer(directory)
    found = load_checkpoint(directory)
    teacher = Teacher(found, range(4))
    made = batches(rows, tokenizer, batch_size=32, max_length=40)

    def start(
        *,
        to: str = "out",
        selection: Selection | None = None,
        noise: float = 0.05,
        **settings: Any,
    ) -> tuple[Training, dict[str, torch.Tensor]]:
        student = with_noise(found.model, noise, draw=torch.Generator().manual_seed(3))
        asked = Retrain(
            **(
                {"steps": 20, "learning_rate": 1e-3, "batch_size": 10, "dtype": "float32"}
                | settings
            )
        )
        objective = TrainingObjective(
            rows,
            tokenizer,
            selection or ByTeacher(teacher, made),
            Distillation(teacher, asked.distill),
            HEAD,
        )
        interruption = interruption_of(tmp_path / to)
        if not interruption.there:
            interruption.begin({}, resume=False, force=False)
        training = train(student, objective, TrainingRun(asked, 0, interruption), SILENT)
        return training, interruption.read_best(training.best_step)

    return start


def test_a_student_comes_nearer_to_its_teacher(learn) -> None:
    training, _ = learn(steps=60)
    assert training.score == "KL"
    assert not training.higher_is_better
    assert training.best.score < 0.6 * training.start.score
    assert [look.step for look in training.looks] == list(range(0, 61, 6))
    assert training.best_step in range(6, 61, 6)
    assert (training.steps, training.sequences) == (60, 600)
    assert 600 * 4 <= training.tokens <= 600 * 12
    assert training.looks[0].loss is None
    assert all(look.loss is not None and look.loss > 0 for look in training.looks[1:])


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_the_best_weights_are_kept_whichever_way_is_better(learn, higher_is_better: bool) -> None:
    scores = [0.5, 0.9, 0.1, *[0.5] * 8]
    selection = _Given(*scores, higher_is_better=higher_is_better)

    training, weights = learn(selection=selection)
    best = 1 if higher_is_better else 2

    assert training.best_step == training.looks[best].step
    assert training.higher_is_better is higher_is_better
    for number, state in enumerate(selection.states):
        same = all(torch.equal(weights[name], state[name]) for name in weights)
        assert same == (number == best)


def test_the_weights_of_the_start_are_kept_where_none_does_better(learn) -> None:
    training, weights = learn(selection=_Given(0.9, *[0.9] * 10))
    _, untrained = learn(to="other", selection=_Given(1.0, *[0.5] * 10), steps=1)
    assert training.best_step == 0
    assert all(torch.equal(weights[name], untrained[name]) for name in weights)


def test_the_first_of_equals_is_kept_and_no_number_never_is(learn) -> None:
    scores = (0.1, float("nan"), 0.3, 0.3, *[float("nan")] * 7)
    training, _ = learn(selection=_Given(*scores))
    assert training.best_step == 4
    assert [look.score for look in training.looks[:4]] == [0.1, None, 0.3, 0.3]


def test_any_number_is_better_than_none(learn) -> None:
    training, _ = learn(selection=_Given(float("nan"), 0.1, *[float("nan")] * 9))
    assert training.start.score is None
    assert training.best.score == 0.1


def test_word_embeddings_that_are_the_teachers_stay(learn) -> None:
    _, weights = learn(noise=0.0, selection=_Given(1.0, *[0.5] * 10))
    _, start = learn(to="start", noise=0.0, selection=_Given(0.5, *[1.0] * 10))
    word = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(weights[word], start[word])
    assert not torch.equal(weights["classifier.weight"], start["classifier.weight"])


def test_patience_ends_a_training_that_gets_nowhere(learn) -> None:
    training, _ = learn(selection=_Given(0.5, 0.6, *[0.1] * 9), patience=3)
    assert training.best_step == 2
    assert training.steps == 8


def test_the_clock_ends_a_training_by_minutes(learn) -> None:
    training, _ = learn(steps=None, minutes=0.02)
    assert training.seconds >= 1.2
    assert training.steps >= 1
    assert training.looks[-1].step == training.steps


def test_epochs_are_turned_into_whole_batches(learn) -> None:
    training, _ = learn(steps=None, epochs=1.5, batch_size=16)
    assert training.epoch_steps == 100 // 16
    assert training.steps == round(1.5 * (100 // 16))


@pytest.mark.parametrize("disturbed", [True, False])
def test_it_is_told_whether_other_programs_had_the_cores(
    learn, disturbed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContentionProbe, "disturbed", lambda _: disturbed)
    training, _ = learn(steps=2)
    assert training.disturbed == disturbed


def test_the_same_seed_gives_the_same_bytes(learn) -> None:
    (first, one), (second, other) = learn(to="a"), learn(to="b")
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert [look.score for look in first.looks] == [look.score for look in second.looks]


def test_dropout_is_off_where_it_is_not_wanted(learn, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: dict[str, set[bool]] = {"keep": set(), "off": set()}
    asked = Distillation.run_student
    for dropout, seen in modes.items():

        def watch(self: Any, model: Any, *rest: Any, seen: Any = seen, **more: Any) -> Any:
            if torch.is_grad_enabled():
                seen.add(model.training)
            return asked(self, model, *rest, **more)

        monkeypatch.setattr(Distillation, "run_student", watch)
        learn(to=dropout, dropout=dropout, steps=2)
    assert modes == {"keep": {True}, "off": {False}}


@pytest.mark.parametrize("dropout", ["keep", "off"])
@pytest.mark.parametrize("step", [7, 16, 33])
def test_a_training_that_was_cut_off_goes_on_to_the_same_end(
    learn, step: int, dropout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it stops in the first epoch, just behind a checkpoint, or in the fourth."""

    class CutOff(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == step:
                raise StopHereError

    settings = {"steps": 40, "dropout": dropout}
    whole, expected = learn(to="whole", **settings)
    made = DistillingTrainer.__init__

    def with_cut_off(self: DistillingTrainer, *arguments: Any) -> None:
        made(self, *arguments)
        self.add_callback(CutOff())

    with monkeypatch.context() as patched:
        patched.setattr(DistillingTrainer, "__init__", with_cut_off)
        with pytest.raises(StopHereError):
            learn(to="cut", **settings)
    resumed, found = learn(to="cut", **settings)
    assert resumed.resumed
    assert not whole.resumed
    assert resumed.best_step == whole.best_step
    assert resumed.steps == whole.steps == 40
    assert resumed.tokens == whole.tokens
    assert [look.score for look in resumed.looks] == [look.score for look in whole.looks]
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_long_trainings_leave_checkpoints_between_looks(
    learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []
    write = Interruption.write_account

    def note(self: Interruption, account: Any) -> None:
        saved.append(account.step)
        write(self, account)

    monkeypatch.setattr(Interruption, "write_account", note)
    monkeypatch.setattr(keep_best, "_SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    learn(steps=20)
    assert saved == list(range(1, 21))


def test_a_loss_that_is_no_number_ends_the_training(learn) -> None:
    with pytest.raises(ModelError, match=r"loss is not a number after \d+ steps; lower the learn"):
        learn(noise=float("nan"), selection=_Given(*[0.1] * 11))


def test_fewer_rows_than_a_batch_are_too_few(learn) -> None:
    with pytest.raises(DataError, match="makes 100 sequences, fewer than a batch of 101; give mo"):
        learn(batch_size=101)


def test_labels_of_the_loss_are_those_of_the_rows(learn) -> None:
    """Rows without labels have none to count."""
    training, _ = learn(distill=Distill(logits=0.0, hidden=1.0))
    assert training.best.score <= training.start.score


LENGTHS = random.Random(3).choices(range(4, 60), k=400)


def test_every_row_comes_once_an_epoch() -> None:
    order = EpochOrder(LENGTHS, 8, seed=1)
    assert len(order) == 400
    assert sorted(order) == list(range(400))


def test_an_epoch_has_one_order_in_whichever_process() -> None:
    first, second = EpochOrder(LENGTHS, 8, seed=1), EpochOrder(LENGTHS, 8, seed=1)
    early = list(first)
    assert list(first) == early
    first.epoch = second.epoch = 3
    assert list(first) == list(second) != early
    assert list(EpochOrder(LENGTHS, 8, seed=2)) != early


def test_rows_of_a_batch_are_of_like_length() -> None:
    def spread(rows: list[int]) -> int:
        batches = [[LENGTHS[row] for row in rows[start : start + 8]] for start in range(0, 400, 8)]
        return sum(max(batch) - min(batch) for batch in batches)

    assert spread(list(EpochOrder(LENGTHS, 8, seed=1))) < 0.5 * spread(list(range(400)))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx512_bf16", True),
        ("fpu amx_bf16", True),
        ("fpu avx2", False),
        ("", False),
    ],
)
def test_a_cpu_needs_instructions_for_it(
    flags: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\n", encoding="utf-8")
    monkeypatch.setattr(environment, "CPU_INFO", cpuinfo)
    assert trains_in_bfloat16("cpu") is expected


def test_a_gpu_that_only_plays_it_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation
    )
    assert trains_in_bfloat16("cuda") is False


@pytest.mark.parametrize(
    ("device", "length", "bfloat16", "plain"),
    [
        ("cpu", 16, True, True),
        ("cpu", 128, True, True),
        ("cpu", 129, True, False),
        ("cpu", 16, False, False),
        ("cuda", 16, True, False),
    ],
)
def test_short_sequences_go_through_plain_products(
    device: str, length: int, bfloat16: bool, plain: bool
) -> None:
    flash = torch.backends.cuda.flash_sdp_enabled
    assert flash()
    with attention_kernels(device, length, bfloat16=bfloat16):
        assert flash() is not plain
    assert flash()


def test_the_kernels_come_to_the_same() -> None:
    draw = torch.Generator().manual_seed(0)
    query = torch.randn(2, 3, 8, 4, generator=draw, requires_grad=True)
    gradients = []
    for bfloat16 in (False, True):
        with attention_kernels("cpu", 8, bfloat16=bfloat16):
            out = scaled_dot_product_attention(query, query, query)
        gradients.append(torch.autograd.grad(out.square().sum(), query)[0])
    torch.testing.assert_close(*gradients)


def test_a_process_trains_on_one_gpu_of_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With several, Trainer would spread each batch over all of them."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    asked = Retrain(steps=1, learning_rate=1e-3, dtype="float32")
    run = TrainingRun(asked, 0, Interruption(tmp_path), device="cuda")
    made = training_arguments(run)
    assert (made.n_gpu, made.use_cpu, made.dataloader_pin_memory) == (1, False, True)
    on_cpu = training_arguments(TrainingRun(asked, 0, Interruption(tmp_path)))
    assert (on_cpu.n_gpu, on_cpu.use_cpu, on_cpu.device.type) == (0, True, "cpu")
