"""Labelled representations of many texts, on disk, one file a site."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bertslim.analyze.representations import sites_of, watched
from bertslim.arrays import Float32Array, IntArray
from bertslim.data.outputs import model_inputs
from bertslim.data.pooling import Pooling
from bertslim.data.task import IGNORED, Batch
from bertslim.errors import OutputError
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.records import Site


@dataclass(frozen=True)
class Features:
    """Examples with a label each, the same at all sites.

    Attributes:
        labels: (examples,)
        words: The token that an example is, (examples,); texts are numbered instead.
        width: Of each representation.
        folder: Where they lie.
    """

    labels: IntArray
    words: IntArray
    width: int
    folder: Path

    def at(self, site: Site) -> Float32Array:
        """Read the representations at a site, (examples, width)."""
        return np.fromfile(_file(self.folder, site), dtype=np.float32).reshape(-1, self.width)


@contextmanager
def gather_features(
    checkpoint: Checkpoint, batches: Sequence[Batch], progress: Progress, *, most: int
) -> Iterator[Features]:
    """Run a model over labelled texts and keep what its layers make of them, until it is left.

    Of a text with one label, it is the mean over its tokens; of tokens, their own. Memory is that
    of one batch.

    Args:
        checkpoint: The model, in eval mode.
        batches: With targets `labels`, (sequences,) or (sequences, length).
        progress: Where to show how far it is.
        most: Examples; what is beyond is left out.

    Raises:
        OutputError: The disk is full.
    """
    labels: list[Tensor] = []
    words: list[Tensor] = []
    with tempfile.TemporaryDirectory(prefix="bertslim-probes-") as name:
        folder = Path(name)
        shown = progress.track(batches, "reading the layers", total=len(batches), unit="batch")
        for batch in shown:
            chosen = _examples(batch, most - sum(map(len, labels)))
            if not chosen.any():
                continue
            labels.append(_labels(batch)[chosen])
            words.append(_words(batch)[chosen])
            _keep(checkpoint, batch, chosen, folder)
        yield Features(
            labels=torch.cat(labels).numpy(),
            words=torch.cat(words).numpy(),
            width=checkpoint.facts.hidden_size,
            folder=folder,
        )


@torch.inference_mode()
def _keep(checkpoint: Checkpoint, batch: Batch, chosen: Tensor, folder: Path) -> None:
    """Append the states at each site to its file."""
    facts, mask = checkpoint.facts, batch.inputs["attention_mask"]
    with watched(checkpoint) as states:
        checkpoint.model(**model_inputs(batch.to(checkpoint.model.device), facts.head))
        for site in sites_of(facts):
            hidden = states[site].float().cpu()
            features = hidden if chosen.dim() == 2 else Pooling()(hidden, mask)
            try:
                with _file(folder, site).open("ab") as file:
                    file.write(features[chosen].numpy().tobytes())
            except OSError as error:
                raise OutputError(
                    "no room on disk for the representations of the texts",
                    where=str(folder),
                    remedy="free some, or lower --samples",
                ) from error


def _examples(batch: Batch, most: int) -> Tensor:
    """Return which labels count, shaped as they are: as many as are left to take."""
    labels = _labels(batch)
    labelled = labels != IGNORED
    places = labelled.flatten().cumsum(0).view_as(labelled)
    return labelled & (places <= most)


def _labels(batch: Batch) -> Tensor:
    labels = batch.labels
    assert labels is not None  # noqa: S101
    return labels


def _words(batch: Batch) -> Tensor:
    """Return what an example is: the token, or the number of the text."""
    if _labels(batch).dim() == 2:
        return batch.inputs["input_ids"]
    return torch.tensor(batch.rows)


def _file(folder: Path, site: Site) -> Path:
    return folder / f"{site.layer}-{site.block}"
