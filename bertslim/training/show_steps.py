"""Shows how training gets on, on bertslim's own bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from bertslim.progress import Progress, SilentBar
from bertslim.training.budget import Budget
from bertslim.training.keep_best import KeepBest

if TYPE_CHECKING:
    from tqdm import tqdm


class ShowSteps(TrainerCallback):
    """Moves a bar by steps or seconds, with the loss and the best score beside it.

    Args:
        progress: Shows the bar.
        budget: How long the training lasts.
        keeper: Knows the scores.
    """

    def __init__(self, progress: Progress, budget: Budget, keeper: KeepBest) -> None:
        self._progress = progress
        self._budget = budget
        self._keeper = keeper
        self._bar: tqdm[NoReturn] | SilentBar | None = None
        self._known: dict[str, str] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Open the bar where the run stands."""
        if self._budget.steps is not None:
            self._bar = self._progress.bar("training", total=self._budget.steps, unit="step")
        else:
            seconds = round(self._budget.seconds or 0)
            self._bar = self._progress.bar("training", total=seconds, unit="s")
        self._move(state)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Move on."""
        self._move(state)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Show the loss, and the score of the weights that are kept."""
        if self._bar is None:
            return
        if "loss" in state.log_history[-1]:
            self._known["loss"] = f"{float(state.log_history[-1]['loss']):.3f}"
        if self._keeper.looks:
            self._known["best"] = f"{self._keeper.best_score:.4g}"
        self._bar.set_postfix(self._known)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()

    def _move(self, state: TrainerState) -> None:
        if self._bar is None:
            return
        if self._budget.steps is not None:
            self._bar.update(state.global_step - self._bar.n)
        else:
            spent = min(self._budget.elapsed, self._budget.seconds or 0)
            self._bar.update(int(spent) - self._bar.n)
