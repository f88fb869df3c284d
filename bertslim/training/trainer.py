"""Brief gradient training with transformers' own Trainer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Sampler
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
)
from transformers.trainer_pt_utils import get_length_grouped_indices

from bertslim.data.batches import collate
from bertslim.data.outputs import model_inputs
from bertslim.data.task import Batch, Feature, Rows
from bertslim.devices import Device
from bertslim.errors import DataError, ModelError
from bertslim.measure.environment import cpu_multiplies_bfloat16
from bertslim.model.layer import model_layers
from bertslim.ranks import Ranks
from bertslim.recipe.schema import Retrain
from bertslim.training.budget import Budget, rate_at
from bertslim.training.distillation import Distillation
from bertslim.training.interruption import Interruption
from bertslim.training.selection import Selection

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class TrainingObjective:
    """What a model is trained on, and towards what.

    Attributes:
        rows: The fit split.
        tokenizer: The model's tokenizer.
        selection: Decides which weights to keep.
        distillation: What the teacher adds; None: the labels are all there is to learn.
        head: What stands on the encoder, as ModelFacts has it.
    """

    rows: Rows
    tokenizer: PreTrainedTokenizerBase
    selection: Selection
    distillation: Distillation | None
    head: str


@dataclass(frozen=True)
class TrainingRun:
    """How to train.

    Attributes:
        settings: The section `retrain` of a recipe, the learning rate settled.
        seed: Settles order and dropout.
        interruption: Where to leave what it takes to go on.
        report_to: The trackers of experiments that Trainer knows, by name.
        device: Where to train.
        processes: How many share the batches.
    """

    settings: Retrain
    seed: int
    interruption: Interruption
    report_to: tuple[str, ...] = ()
    device: Device = "cpu"
    processes: int = 1


class DistillingTrainer(Trainer):
    """Trainer with a teacher, an order of its own, and a budget in steps or minutes."""

    def __init__(
        self,
        model: PreTrainedModel,
        objective: TrainingObjective,
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
        self._objective = objective
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
            data_collator=_Collator(objective.tokenizer),
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
        """Return the loss of the objective, the mean over the sequences of the batch."""
        batch = Batch(
            inputs["inputs"], tuple(range(len(inputs["inputs"]["input_ids"]))), inputs["targets"]
        )
        self.tokens += batch.inputs["input_ids"].numel() * self.args.world_size
        if self._settings.dropout == "off":
            model.eval()
        length = batch.inputs["input_ids"].shape[-1]
        with attention_kernels(self.args.device.type, length, bfloat16=self.args.bf16):
            loss = self._objective_loss(model, batch)
        if not loss.isfinite():
            raise ModelError(
                f"the loss is not a number after {self.state.global_step} steps",
                where="training",
                remedy="lower the learning rate",
            )
        self._losses.append(loss.detach())
        return loss

    def _objective_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        distillation = self._objective.distillation
        if distillation is None:
            outputs = model(**model_inputs(batch, self._objective.head), **batch.targets)
            own: Tensor = outputs.loss
            return own
        with self.accelerator.autocast():
            teacher = distillation.run_teacher(batch)
        layers = [layer.module for layer in model_layers(self.accelerator.unwrap_model(model))]
        labels = bool(self._settings.distill.labels)
        student = distillation.run_student(model, layers, batch, labels=labels)
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


def _budget(settings: Retrain, steps_an_epoch: int) -> Budget:
    if settings.minutes is not None:
        return Budget(seconds=60 * settings.minutes)
    if settings.steps is not None:
        return Budget(steps=settings.steps)
    assert settings.epochs is not None  # noqa: S101
    return Budget(steps=max(1, round(settings.epochs * steps_an_epoch)))


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


class EpochOrder(Sampler[int]):
    """An order that seed and epoch alone settle, also of a run that goes on in a later process.

    Args:
        lengths: Tokens of each row.
        batch_size: Rows a step, of all processes together.
        seed: Settles the order of every epoch.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = list(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        draw = torch.Generator().manual_seed(self._seed * 1_000_003 + self.epoch)
        yield from get_length_grouped_indices(self._lengths, self._batch_size, generator=draw)


_SHORT = 128


def trains_in_bfloat16(device: Device) -> bool:
    """Whether the device that training runs on multiplies bfloat16 itself."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return cpu_multiplies_bfloat16()


def attention_kernels(device: str, length: int, *, bfloat16: bool) -> AbstractContextManager[None]:
    """Return a context whose attention is the quickest to train through.

    On a CPU, the backward pass of flash attention in bfloat16 takes up to ten times as long as that
    of plain products where sequences are short, and a third of a training step.

    Args:
        device: Its type.
        length: Tokens of a sequence.
        bfloat16: Whether products are worked out in it.
    """
    if device == "cpu" and bfloat16 and length <= _SHORT:
        return sdpa_kernel(SDPBackend.MATH)
    return nullcontext()
