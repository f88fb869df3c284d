"""Scores the select split during training, and keeps the best weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bertslim.measure.contention import ContentionProbe
from bertslim.recipe.schema import Retrain
from bertslim.records import Look, Training
from bertslim.training.budget import Budget
from bertslim.training.interruption import Account, Interruption
from bertslim.training.selection import Selection

if TYPE_CHECKING:
    from bertslim.training.trainer import DistillingTrainer

LOOKS = 10
_SECONDS_BETWEEN_CHECKPOINTS = 300.0


class KeepBest(TrainerCallback):
    """Scores the model at the start and at each tenth of the budget, and leaves checkpoints.

    Args:
        trainer: What trains.
        selection: Decides which of two models is better.
        interruption: Where best weights and checkpoints lie.
        settings: How to train.
    """

    def __init__(
        self,
        trainer: DistillingTrainer,
        selection: Selection,
        interruption: Interruption,
        settings: Retrain,
    ) -> None:
        self._trainer = trainer
        self._selection = selection
        self._interruption = interruption
        self._settings = settings
        self._looks: list[Look] = []
        self._best_step = 0
        self._seen = 0
        self._saved_at = 0.0
        self._contention = ContentionProbe()
        self.resumed_from: Path | None = interruption.latest()

    @property
    def looks(self) -> tuple[Look, ...]:
        """What was seen so far."""
        return tuple(self._looks)

    @property
    def best_score(self) -> float | None:
        """Of the weights that are kept; None where it is no number."""
        return next(look.score for look in self._looks if look.step == self._best_step)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Score what there is to begin with, or take the account of the run that was cut off."""
        self._contention = ContentionProbe()
        if self.resumed_from is None:
            self._budget.start()
            self._look(state)
            return
        account = self._interruption.read_account(self.resumed_from)
        self._looks, self._best_step = list(account.looks), account.best_step
        self._trainer.tokens = account.tokens
        self._budget.start(account.seconds)
        self._budget.tick(self._agree)
        self._seen = self._tenths(state.global_step)

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Draw the order of this epoch, which seed and number settle."""
        self._trainer.order.epoch = state.global_step // self._trainer.steps_an_epoch

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Look at the select split when another tenth of the budget is done."""
        self._budget.tick(self._agree)
        now = self._tenths(state.global_step)
        if now > self._seen:
            self._seen = now
            self._look(state)
            control.should_save = True
        if self._agree(self._budget.elapsed) - self._saved_at > _SECONDS_BETWEEN_CHECKPOINTS:
            control.should_save = True
        if now >= LOOKS or self._without_progress():
            control.should_training_stop = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Write the account of a checkpoint that is whole now."""
        self._trainer.accelerator.wait_for_everyone()
        self._saved_at = self._agree(self._budget.elapsed)
        if self._trainer.is_world_process_zero():
            self._interruption.write_account(
                Account(
                    step=state.global_step,
                    seconds=self._budget.elapsed,
                    tokens=self._trainer.tokens,
                    best_step=self._best_step,
                    looks=tuple(self._looks),
                )
            )

    def trained(self) -> Training:
        """Return the account of the training."""
        trainer = self._trainer
        return Training(
            settings=self._settings.model_dump(mode="json", exclude_none=True),
            processes=trainer.args.world_size,
            dtype="bfloat16" if trainer.args.bf16 else "float32",
            device=trainer.args.device.type,
            score=self._selection.name,
            higher_is_better=self._selection.higher_is_better,
            steps=trainer.state.global_step,
            epoch_steps=trainer.steps_an_epoch,
            disturbed=self._contention.disturbed(),
            sequences=trainer.state.global_step * self._settings.batch_size,
            tokens=trainer.tokens,
            seconds=round(self._budget.elapsed, 3),
            best_step=self._best_step,
            looks=tuple(self._looks),
            resumed=self.resumed_from is not None,
        )

    @property
    def _budget(self) -> Budget:
        return self._trainer.budget

    def _tenths(self, step: int) -> int:
        return math.floor(LOOKS * self._budget.share(step) + 1e-9)

    def _look(self, state: TrainerState) -> None:
        found = self._selection.score(self._trainer.scored_model())
        score = found if math.isfinite(found) else None
        step = state.global_step
        loss = self._trainer.mean_loss()
        better = not self._looks or self._selection.prefers(score, to=self.best_score)
        self._looks.append(
            Look(step=step, seconds=round(self._budget.elapsed, 3), loss=loss, score=score)
        )
        if better:
            self._best_step = step
            weights = self._trainer.accelerator.get_state_dict(self._trainer.model_wrapped)
            if self._trainer.is_world_process_zero():
                self._interruption.write_best(step, weights)
        if step and score is not None:
            self._trainer.log({"select_score": score})

    def _without_progress(self) -> bool:
        patience = self._settings.patience
        since = [look for look in self._looks if look.step > self._best_step]
        return patience is not None and len(since) >= patience

    def _agree(self, number: float) -> float:
        """Return the number of the first process."""
        given = torch.tensor([number], dtype=torch.float64, device=self._trainer.args.device)
        return float(self._trainer.ranks.of_first(given))
