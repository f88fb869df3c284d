"""Brief gradient training: a model, an objective, and its result."""

from __future__ import annotations

from collections.abc import Sequence

from datasets import Dataset
from transformers import PreTrainedModel, TrainingArguments
from transformers.integrations.integration_utils import get_available_reporting_integrations
from transformers.trainer_callback import PrinterCallback

from bertslim.data.batches import tokenise
from bertslim.errors import DataError, InputError
from bertslim.progress import Progress
from bertslim.quiet import quiet_transformers
from bertslim.recipe.schema import Retrain
from bertslim.records import Training
from bertslim.training.keep_best import KeepBest
from bertslim.training.show_steps import ShowSteps
from bertslim.training.trainer import (
    DistillingTrainer,
    TrainingObjective,
    TrainingRun,
    trains_in_bfloat16,
)
from bertslim.wording import listed

_MANY_EPOCHS = 1_000_000  # the clock ends the training before


def train(
    model: PreTrainedModel, objective: TrainingObjective, run: TrainingRun, progress: Progress
) -> Training:
    """Train a model, and leave the best weights where interrupted runs leave theirs.

    The best are those that the selection prefers, of those that the model started with and those at
    each tenth of the budget. An interrupted run that left its state goes on from there.

    Args:
        model: In float32; it is of no use afterwards.
        objective: What to learn.
        run: How.
        progress: Shows steps, loss and score.

    Returns:
        The account of the training.

    Raises:
        DataError: There are fewer rows than a step takes, or batches cannot be shared evenly.
        ModelError: The loss is not a number.
    """
    if objective.distillation:
        objective.distillation.keep_shared_embeddings(model)
    with quiet_transformers():
        table = _dataset(objective, run.settings)
        arguments = training_arguments(run)
        trainer = DistillingTrainer(model, objective, run.settings, table, arguments)
        keeper = KeepBest(trainer, objective.selection, run.interruption, run.settings)
        trainer.add_callback(keeper)
        trainer.add_callback(ShowSteps(progress, trainer.budget, keeper))
        trainer.remove_callback(PrinterCallback)
        resumed_from = keeper.resumed_from
        trainer.train(resume_from_checkpoint=str(resumed_from) if resumed_from else None)
        trainer.accelerator.wait_for_everyone()
    return keeper.trained()


def check_trackers(names: Sequence[str]) -> None:
    """Check that trackers of experiments are installed.

    Raises:
        InputError: One of them is not, or Trainer does not know it.
    """
    if not names:
        return
    with quiet_transformers():
        known = get_available_reporting_integrations()
    for name in names:
        if name not in known:
            installed = f"installed are {listed(known)}" if known else "install it first"
            raise InputError(
                f"{name} is no tracker that transformers finds here",
                where="--report-to",
                remedy=installed,
            )


def training_arguments(run: TrainingRun) -> TrainingArguments:
    """Return what transformers' Trainer goes by.

    Raises:
        DataError: The processes cannot share batches evenly.
    """
    settings, processes = run.settings, run.processes
    if settings.batch_size % processes:
        raise DataError(
            f"{processes} processes cannot share batches of {settings.batch_size} texts evenly",
            remedy=f"make it a multiple of {processes} with --batch-size",
        )
    assert settings.learning_rate is not None  # noqa: S101
    arguments = TrainingArguments(
        output_dir=str(run.interruption.folder),
        num_train_epochs=_MANY_EPOCHS,
        learning_rate=settings.learning_rate,
        per_device_train_batch_size=settings.batch_size // processes,
        dataloader_drop_last=True,
        bf16=settings.dtype == "auto" and trains_in_bfloat16(run.device),
        use_cpu=run.device == "cpu",
        seed=run.seed,
        save_strategy="no",
        save_total_limit=2,
        logging_steps=10,
        report_to=list(run.report_to) or "none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=run.device == "cuda",
    )
    # a process has one GPU, as the same batches train the same model on one and on several
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def _dataset(objective: TrainingObjective, settings: Retrain) -> Dataset:
    learns_labels = objective.distillation is None or bool(settings.distill.labels)
    label = learns_labels or objective.rows.task.makes_labels
    features = tokenise(objective.rows, objective.tokenizer, settings.max_length, label=label)
    return Dataset.from_list([{**feature.inputs, **feature.targets} for feature in features])
