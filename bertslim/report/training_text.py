"""The training of a model: teacher, duration, and the weights that were kept."""

from __future__ import annotations

from bertslim.records import Look, Record, Training
from bertslim.records.sources import shown_source
from bertslim.report.numbers import fixed, significant
from bertslim.report.tables import NOTHING, Table
from bertslim.wording import counted

_FEWEST_STEPS = 100  # the learning rate rises for a tenth of them


def training_note(training: Training) -> str:
    """Describe the cost of the training, and its outcome."""
    return f"{_what(training)} {_outcome(training)}"


def looks_table(training: Training) -> Table:
    """List the scores on the select split."""
    headers = ("step", "seconds", "loss", f"{training.score}, select split", "weights")
    return Table("rrrrl", headers, tuple(_row(look, training) for look in training.looks))


def trained_line(record: Record) -> str | None:
    """Describe in one line how long a cut was trained; None if it was not."""
    training = record.training
    if training is None or record.kind != "cut":
        return None
    kept = "" if training.best_step else "; the weights from before it were kept"
    return f"Trained for {_duration(training)} with the base as teacher{kept}."


def budget_notes(training: Training | None) -> tuple[str, ...]:
    """Say what a budget in minutes was worth, and by what signs it was short; nothing of others.

    Args:
        training: The account; None: there was no training.
    """
    minutes = training.settings.get("minutes") if training else None
    if training is None or minutes is None:
        return ()
    spent = counted(training.steps, "step", "steps")
    spent += f", {_epochs(training)}" if training.epoch_steps else ""
    signs = [sign for sign, seen in _signs_of_a_short_budget(training).items() if seen]
    short = f"; that is short: {' and '.join(signs)}" if signs else ""
    return (f"{significant(float(minutes))} minutes of training were worth {spent}{short}",)


def _epochs(training: Training) -> str:
    assert training.epoch_steps  # noqa: S101 (asked for only where it is known)
    return f"{significant(training.steps / training.epoch_steps, 2)} epochs"


def _signs_of_a_short_budget(training: Training) -> dict[str, bool]:
    return {
        "other programs had the cores for part of them": training.disturbed,
        f"the learning rate rose in fewer than {_FEWEST_STEPS // 10} steps": (
            training.steps < _FEWEST_STEPS
        ),
    }


def _what(training: Training) -> str:
    batches = counted(training.steps, "step", "steps")
    size = counted(int(training.settings["batch_size"]), "text", "texts")
    whom = f"with {shown_source(training.teacher.source)} as teacher" if training.teacher else ""
    shared = f", {training.processes} processes" if training.processes > 1 else ""
    again = " It was interrupted and resumed." if training.resumed else ""
    return (
        f"Trained {whom or 'on labels'} for {batches} of {size}: {_duration(training)}, "
        f"{fixed(training.tokens_per_second)} tokens a second, {training.macs:.2e} "
        f"multiply-accumulates, {training.dtype} on {training.device}{shared}, learning rate up to "
        f"{significant(float(training.settings['learning_rate']), 2)}.{again}"
    )


def _outcome(training: Training) -> str:
    start, best = _score(training.start), _score(training.best)
    better = "higher" if training.higher_is_better else "lower"
    if not training.best_step:
        return (
            f"No weights did better than those at the start ({training.score} {start} on the "
            f"select split; {better} is better), so these were kept."
        )
    return (
        f"The weights after step {fixed(training.best_step)} did best on the select split and were "
        f"kept: {training.score} {start} → {best} ({better} is better)."
    )


def _row(look: Look, training: Training) -> tuple[str, ...]:
    loss = NOTHING if look.loss is None else significant(look.loss)
    kept = "kept" if look.step == training.best_step else ""
    return fixed(look.step), fixed(look.seconds), loss, _score(look), kept


def _duration(training: Training) -> str:
    seconds = training.seconds
    return f"{seconds / 60:.1f} minutes" if seconds >= 120 else f"{significant(seconds)} seconds"


def _score(look: Look) -> str:
    return "none" if look.score is None else significant(look.score)
