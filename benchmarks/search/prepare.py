"""What the studies of the search work with, prepared as `bertslim search` does it."""

from __future__ import annotations

from pathlib import Path

from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_splits
from bertslim.measure.shapes import Shape
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from bertslim.search.materials import Materials, SearchTexts


def prepare_materials(
    base: Path,
    data: str,
    folder: Path,
    *,
    samples: int,
    shape: Shape,
    threads: int,
    seed: int,
) -> Materials:
    """Load a model and its texts, and show no progress.

    Args:
        base: The model.
        data: Rows to repair and to try configurations with.
        folder: Where files go.
        samples: Texts that repairs are solved from.
        shape: What a call takes.
        threads: Threads of each model that is timed.
        seed: Seeds every random step.
    """
    checkpoint, progress = load_checkpoint(base), Progress(visible=False)
    dtype = checkpoint.model.dtype
    checkpoint.model.float()
    head = describe_head(base, checkpoint.config, checkpoint.facts)
    splits = load_splits(DataOptions(data), head, progress)
    return Materials(
        base=checkpoint,
        dtype=dtype,
        tokenizer=load_tokenizer(base),
        texts=SearchTexts.of(splits, samples, all_of_select=False, seed=seed),
        samples=samples,
        folder=folder,
        shape=shape,
        threads=threads,
        seed=seed,
        progress=progress,
    )
