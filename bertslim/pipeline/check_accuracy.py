"""Judge the accuracy of the slim model: as the record has it, or measured again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bertslim.gate.accuracy_rule import MaxAccuracyDrop, main_metric
from bertslim.gate.judgement import judge
from bertslim.gate.verdicts import Rule, Verdict
from bertslim.model.tokenizer import load_tokenizer
from bertslim.pipeline.checked import Checked
from bertslim.pipeline.quality import Quality, measure_quality
from bertslim.pipeline.texts import DataOptions, describe_head, load_held_out, load_splits
from bertslim.progress import Progress
from bertslim.records import Measurement, Record


@dataclass(frozen=True)
class HeldOut:
    """Rows to measure accuracy on again.

    Attributes:
        data: Which.
        whole: Whether all of them are held out, rather than the report split alone.
        base: The checkpoint to compare with.
        threads: Threads of every computation.
    """

    data: DataOptions
    whole: bool
    base: Path
    threads: int


@dataclass(frozen=True)
class _Lack:
    """Why there is no accuracy to judge, and what the reader can do about it."""

    why: str
    remedy: str


_NOT_RECORDED = _Lack(
    "the record holds no accuracy",
    "give labelled rows with --data or --eval-data, or cut with labelled --data",
)
_CHANGED = _Lack(
    "the weights are not those whose accuracy the record holds",
    "give labelled rows with --data or --eval-data",
)
_NO_LABELS = _Lack(
    "the rows have no labels that this model predicts",
    "name their column with --label-column, or give other rows",
)


def check_accuracy(
    rules: Sequence[Rule],
    directory: Path,
    record: Record,
    held_out: HeldOut | None,
    progress: Progress,
    *,
    unchanged: bool,
) -> Checked:
    """Judge how far the main metric is below the base's.

    Args:
        rules: Those on other figures are left alone.
        directory: The result.
        record: What it says of itself.
        held_out: What to measure on again; None: the record is taken at its word.
        progress: Shows the steps.
        unchanged: Whether the weights are still those that the record speaks of.

    Raises:
        InputError: The data or a model is not usable.
    """
    asked = [rule for rule in rules if isinstance(rule, MaxAccuracyDrop)]
    if not asked:
        return Checked()
    if held_out is not None:
        quality = _measure(directory, record, held_out, progress)
        verdicts = _judge(asked, quality.measurements, record, _NO_LABELS)
        return Checked(verdicts, quality.measurements, quality.notes)
    if not unchanged:
        return Checked(_judge(asked, (), record, _CHANGED))
    return Checked(_judge(asked, record.measurements, record, _NOT_RECORDED))


def _judge(
    rules: Sequence[MaxAccuracyDrop], found: Sequence[Measurement], record: Record, lack: _Lack
) -> tuple[Verdict, ...]:
    metric = main_metric(found)
    if metric is None:
        return tuple(rule.unanswered(lack.why, lack.remedy) for rule in rules)
    return judge(rules, [metric], record.measurements).verdicts


def _measure(directory: Path, record: Record, held_out: HeldOut, progress: Progress) -> Quality:
    """Compare the two models on the held-out rows, each with its own tokenizer if they differ."""
    import torch

    from bertslim.model.checkpoint import load_checkpoint

    torch.set_num_threads(held_out.threads)
    with progress.step("load"):
        base, slim = (load_checkpoint(one) for one in (held_out.base, directory))
    with progress.step("read the data"):
        head = describe_head(held_out.base, base.config, base.facts)
        load = load_held_out if held_out.whole else load_splits
        splits = load(held_out.data, head, progress)
    with progress.step("measure accuracy"):
        pruned = base.facts.vocab_size != slim.facts.vocab_size
        return measure_quality(
            base,
            slim.model,
            splits,
            load_tokenizer(held_out.base),
            slim_tokenizer=load_tokenizer(directory) if pruned else None,
            seed=record.seed,
            progress=progress,
        )
