"""Brief gradient training with transformers' own Trainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
)
from transformers.integrations.integration_utils import get_available_reporting_integrations
from transformers.trainer_callback import PrinterCallback

from bertslim.data.batches import Batch, collate, tokenise
from bertslim.data.task import Feature, Rows
from bertslim.errors import DataError, InputError, ModelError
from bertslim.measure.decisions import model_inputs
from bertslim.model.families import Family
from bertslim.model.quiet import quiet_libraries
from bertslim.model.slim_modeling import layers_of
from bertslim.progress import Progress
from bertslim.ranks import Ranks
from bertslim.recipe import Retrain
from bertslim.records import Training
from bertslim.training.best import KeepBest
from bertslim.training.budget import Budget, rate_at
from bertslim.training.distillation import Distillation
from bertslim.training.interruption import Interruption
from bertslim.training.order import EpochOrder
from bertslim.training.precision import attention_kernels, trains_in_bfloat16
from bertslim.training.selection import Selection
from bertslim.training.show import ShowSteps
from bertslim.wording import listed

if TYPE_CHECKING:
    from datasets import Dataset

_MANY_EPOCHS = 1_000_000  # the clock ends the training before


@dataclass(frozen=True)
class Lesson:
    """What a model is trained on, and towards what.

    Attributes:
        rows: The fit split.
        tokenizer: The model's tokenizer.
        selection: Tells which weights to keep.
        distillation: What the teacher adds; None: the labels are all there is to learn.
        head: What stands on the encoder, as ModelFacts has it.
    """

    rows: Rows
    tokenizer: PreTrainedTokenizerBase
    selection: Selection
    distillation: Distillation | None
    head: str


@dataclass(frozen=True)
class Run:
    """How to train.

    Attributes:
        settings: The section `retrain` of a recipe, the learning rate settled.
        seed: Settles order and dropout.
        interruption: Where to leave what it takes to go on.
        report_to: The trackers of experiments that Trainer knows, by name.
    """

    settings: Retrain
    seed: int
    interruption: Interruption
    report_to: tuple[str, ...] = ()


def train(
    model: PreTrainedModel, family: Family, lesson: Lesson, run: Run, progress: Progress
) -> Training:
    """Train a model, and leave the best weights where interrupted runs leave theirs.

    The best are those that the selection prefers, of those that the model started with and those at
    each tenth of the budget. An interrupted run that left its state goes on from there.

    Args:
        model: In float32; it is of no use afterwards.
        family: Its family.
        lesson: What to learn.
        run: How.
        progress: Shows steps, loss and score.

    Returns:
        The account of the training.

    Raises:
        DataError: There are fewer rows than a step takes, or batches cannot be shared evenly.
        ModelError: The loss is not a number.
    """
    if lesson.distillation:
        lesson.distillation.keep_shared_embeddings(model)
    with quiet_libraries():
        table = _dataset(lesson, run.settings)
        arguments = _arguments(run)
        trainer = DistillingTrainer(model, family, lesson, run.settings, table, arguments)
        keeper = KeepBest(trainer, lesson.selection, run.interruption, run.settings)
        trainer.add_callback(keeper)
        trainer.add_callback(ShowSteps(progress, trainer.budget, keeper))
        trainer.remove_callback(PrinterCallback)
        resumed_from = keeper.resumed_from
        trainer.train(resume_from_checkpoint=str(resumed_from) if resumed_from else None)
        trainer.accelerator.wait_for_everyone()
    return keeper.trained()


class DistillingTrainer(Trainer):
    """Trainer with a teacher, an order of its own, and a budget in steps or minutes."""

    def __init__(
        self,
        model: PreTrainedModel,
        family: Family,
        lesson: Lesson,
        settings: Retrain,
        table: Dataset,
        arguments: TrainingArguments,
    ) -> None:
        if len(table) < settings.batch_size:
            raise DataError(
                f"the fit split makes {len(table)} sequences, fewer than a batch of "
                f"{settings.batch_size}",
                remedy="give more texts, or lower --batch-size",
            )
        self._family = family
        self._lesson = lesson
        self._settings = settings
        self._losses: list[Tensor] = []
        lengths = [len(ids) for ids in table["input_ids"]]
        self.order = EpochOrder(lengths, settings.batch_size, arguments.seed)
        self.budget = _budget(settings, self.steps_an_epoch)
        self.tokens = 0
        arguments.max_steps = self.budget.steps or -1
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=table,
            data_collator=_Collator(lesson.tokenizer),
        )

    @property
    def steps_an_epoch(self) -> int:
        """How many batches the rows make."""
        return len(self.order) // self._settings.batch_size

    @property
    def ranks(self) -> Ranks:
        """The processes that share the batches."""
        return Ranks(self.args.process_index, self.args.world_size)

    def scored_model(self) -> PreTrainedModel:
        """Return the model as it can be run to be scored."""
        model: PreTrainedModel = self.accelerator.unwrap_model(self.model_wrapped)
        return model

    def mean_loss(self) -> float | None:
        """Return the mean of the losses since it was last asked for; None where there are none."""
        losses, self._losses = self._losses, []
        if not losses:
            return None
        mine = torch.stack(losses).mean()
        return float(self.ranks.total(mine)) / self.ranks.count

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Return the loss of the lesson, the mean over the sequences of the batch."""
        batch = Batch(
            inputs["inputs"], tuple(range(len(inputs["inputs"]["input_ids"]))), inputs["targets"]
        )
        self.tokens += batch.inputs["input_ids"].numel() * self.args.world_size
        if self._settings.dropout == "off":
            model.eval()
        length = batch.inputs["input_ids"].shape[-1]
        with attention_kernels(self.args.device.type, length, bfloat16=self.args.bf16):
            loss = self._lesson_loss(model, batch)
        if not loss.isfinite():
            raise ModelError(
                f"the loss is not a number after {self.state.global_step} steps",
                where="training",
                remedy="lower the learning rate",
            )
        self._losses.append(loss.detach())
        return loss

    def _lesson_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        distillation = self._lesson.distillation
        if distillation is None:
            outputs = model(**model_inputs(batch, self._lesson.head), **batch.targets)
            own: Tensor = outputs.loss
            return own
        with self.accelerator.autocast():
            teacher = distillation.ask_teacher(batch)
        layers = layers_of(self.accelerator.unwrap_model(model), self._family)
        labels = bool(self._settings.distill.labels)
        student = distillation.ask_student(model, list(layers), batch, labels=labels)
        return distillation.loss(teacher, student, batch)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Count nothing: tokens are counted, and what each costs is known."""
        return 0

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LambdaLR:
        """Let the learning rate follow the budget, be it steps or minutes."""
        if self.lr_scheduler is None:
            followed = optimizer or self.optimizer
            assert followed is not None  # noqa: S101
            self.lr_scheduler = LambdaLR(followed, lambda step: rate_at(self.budget.share(step)))
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> EpochOrder:
        return self.order


def check_trackers(names: Sequence[str]) -> None:
    """Check that trackers of experiments are installed.

    Raises:
        InputError: One of them is not, or Trainer does not know it.
    """
    if not names:
        return
    with quiet_libraries():
        known = get_available_reporting_integrations()
    for name in names:
        if name not in known:
            installed = f"installed are {listed(known)}" if known else "install it first"
            raise InputError(
                f"{name} is no tracker that transformers finds here",
                where="--report-to",
                remedy=installed,
            )


def _arguments(run: Run) -> TrainingArguments:
    from accelerate import PartialState

    settings, processes = run.settings, PartialState().num_processes
    if settings.batch_size % processes:
        raise DataError(
            f"{processes} processes cannot share batches of {settings.batch_size} texts evenly",
            remedy=f"make it a multiple of {processes} with --batch-size",
        )
    assert settings.learning_rate is not None  # noqa: S101
    return TrainingArguments(
        output_dir=str(run.interruption.folder),
        num_train_epochs=_MANY_EPOCHS,
        learning_rate=settings.learning_rate,
        per_device_train_batch_size=settings.batch_size // processes,
        dataloader_drop_last=True,
        bf16=settings.dtype == "auto" and trains_in_bfloat16(),
        use_cpu=not torch.cuda.is_available(),
        seed=run.seed,
        save_strategy="no",
        save_total_limit=2,
        logging_steps=10,
        report_to=list(run.report_to) or "none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _budget(settings: Retrain, steps_an_epoch: int) -> Budget:
    if settings.minutes is not None:
        return Budget(seconds=60 * settings.minutes)
    if settings.steps is not None:
        return Budget(steps=settings.steps)
    assert settings.epochs is not None  # noqa: S101
    return Budget(steps=max(1, round(settings.epochs * steps_an_epoch)))


def _dataset(lesson: Lesson, settings: Retrain) -> Dataset:
    from datasets import Dataset

    learns_labels = lesson.distillation is None or bool(settings.distill.labels)
    label = learns_labels or lesson.rows.task.makes_labels
    features = tokenise(lesson.rows, lesson.tokenizer, settings.max_length, label=label)
    return Dataset.from_list([{**feature.inputs, **feature.targets} for feature in features])


class _Collator:
    """Pads rows of the Trainer as those are padded that quality is measured on."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Tensor]]:
        inputs = set(self._tokenizer.model_input_names)
        features = [
            Feature(
                row=number,
                inputs={name: row[name] for name in row if name in inputs},
                targets={name: row[name] for name in row if name not in inputs},
            )
            for number, row in enumerate(rows)
        ]
        batch = collate(features, self._tokenizer)
        return {"inputs": batch.inputs, "targets": batch.targets}
