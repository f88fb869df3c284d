"""The computations of `bertslim check` with the models: parameters, and predictions."""

from __future__ import annotations

from pathlib import Path

import torch

from bertslim.data.splits import Splits
from bertslim.measure.evaluation import Evaluation, evaluate
from bertslim.measure.size import count_parameters
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress


def count_again(directory: Path) -> int:
    """Return the number of parameters of a checkpoint."""
    return count_parameters(load_checkpoint(directory).model).total


def measure_again(
    directory: Path, base: Path, splits: Splits, progress: Progress, threads: int, seed: int
) -> Evaluation:
    """Compare two models on held-out rows, each with its own tokenizer if they differ.

    Args:
        directory: The slim model.
        base: The base.
        splits: The rows.
        progress: Shows the steps.
        threads: Threads of every computation.
        seed: Seeds the bootstrap.
    """
    torch.set_num_threads(threads)
    with progress.step("load"):
        before, after = (load_checkpoint(path) for path in (base, directory))
    with progress.step("measure accuracy"):
        pruned = before.facts.vocab_size != after.facts.vocab_size
        return evaluate(
            before,
            after.model,
            splits,
            load_tokenizer(base),
            slim_tokenizer=load_tokenizer(directory) if pruned else None,
            seed=seed,
            progress=progress,
        )
