"""Brief gradient training with transformers' own Trainer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback

from bertslim.data.batches import collate, tokenise
from bertslim.data.task import Feature, Rows
from bertslim.model.quiet import quiet_libraries
from bertslim.progress import Progress, SilentBar

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor
    from tqdm import tqdm


@dataclass(frozen=True)
class Training:
    """How long and how to train.

    Attributes:
        epochs: Passes over the fit split.
        learning_rate: Its highest value; it rises for a tenth of the steps, then falls to 0.
        batch_size: Rows a step.
        max_length: Tokens at which texts are cut.
        seed: Settles order and dropout.
    """

    epochs: float
    learning_rate: float
    batch_size: int
    max_length: int
    seed: int


def fine_tune(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Rows,
    training: Training,
    progress: Progress,
) -> None:
    """Train a model in place; it is on the CPU and in eval mode afterwards.

    Args:
        model: Of a kind that the rows' task trains.
        tokenizer: Its tokenizer.
        rows: Labelled rows.
        training: How long and how.
        progress: Shows steps and loss.
    """
    with tempfile.TemporaryDirectory() as scratch, quiet_libraries():
        trainer = Trainer(
            model=model,
            args=_arguments(training, scratch),
            train_dataset=_dataset(rows, tokenizer, training.max_length),
            data_collator=_Collator(tokenizer),
            callbacks=[_ShowSteps(progress)],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    model.cpu().eval()


def _arguments(training: Training, scratch: str) -> TrainingArguments:
    import torch

    return TrainingArguments(
        output_dir=scratch,
        num_train_epochs=training.epochs,
        learning_rate=training.learning_rate,
        warmup_steps=0.1,
        per_device_train_batch_size=training.batch_size,
        train_sampling_strategy="group_by_length",
        seed=training.seed,
        save_strategy="no",
        logging_steps=10,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _dataset(rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int) -> Dataset:
    from datasets import Dataset

    features = tokenise(rows, tokenizer, max_length, label=True)
    return Dataset.from_list([{**feature.inputs, **feature.targets} for feature in features])


class _Collator:
    """Pads rows of the Trainer as those are padded that quality is measured on."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
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
        return {**batch.inputs, **batch.targets}


class _ShowSteps(TrainerCallback):
    """Shows the steps of the Trainer, and the loss, on bertslim's own bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bar: tqdm[NoReturn] | SilentBar | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._bar = self._progress.bar("training", total=state.max_steps, unit="step")

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._bar is not None:
            self._bar.update()

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._bar is not None and "loss" in state.log_history[-1]:
            self._bar.set_postfix(loss=f"{float(state.log_history[-1]['loss']):.3f}")

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._bar is not None:
            self._bar.close()
