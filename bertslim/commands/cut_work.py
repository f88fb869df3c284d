"""The work of `bertslim cut`: make the slim model, save and measure it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from bertslim.commands.make_slim import MadeSlim, make_slim, save_slim, train_slim
from bertslim.commands.prepare_cut import Prepared
from bertslim.commands.slim_result import Making, SavedSlim, SlimJob, SlimWork
from bertslim.data.splits import Splits
from bertslim.measure.evaluation import Evaluation, evaluate
from bertslim.measure.latency import LatencyResult, measure_latency
from bertslim.measure.measure_options import MeasureOptions
from bertslim.measure.shapes import Shape
from bertslim.measure.size import count_macs
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from bertslim.records import compare


@dataclass
class CutWork(SlimWork):
    """The work of one cut.

    Attributes:
        job: The settings.
        prepared: The base and the recipe.
        splits: The data; None: only latency and sizes are measured.
        options: What to measure; None: nothing beyond the sizes on disk.
        shapes: At which shapes latency is measured.
        progress: Shows the steps.
        made: The slim model, if it is there already.
    """

    job: SlimJob
    prepared: Prepared
    splits: Splits | None
    options: MeasureOptions | None
    shapes: tuple[Shape, ...]
    progress: Progress
    made: MadeSlim | None = None

    @cached_property
    def _made(self) -> MadeSlim:
        return self.made or make_slim(self.prepared, self.splits, self.job, self.progress)

    def make(self) -> Making:
        """Carry out the recipe in memory, its training included."""
        made = self._made
        training = train_slim(made, self.prepared, self.splits, self.job.training, self.progress)
        return Making(
            recipe=self.prepared.recipe.recipe,
            plan=made.plan,
            repairs=made.repairs,
            training=training,
            notes=made.notes,
        )

    def save(self, directory: Path) -> SavedSlim:
        """Write the slim model, with the files that the base came with."""
        return save_slim(self._made, self.prepared, directory, self.job, self.progress)

    def measure(self, directory: Path) -> Evaluation:
        """Time what was saved against the base as it lies on disk, and compare their answers."""
        if self.options is None:
            return Evaluation((), self.splits.notes if self.splits else ())
        latency = self._measure_latency(self.options, directory)
        quality = self._measure_quality(self.options, directory)
        return replace(
            quality,
            measurements=(*latency.measurements, *quality.measurements),
            notes=(*latency.notes, *quality.notes),
        )

    def _measure_latency(self, options: MeasureOptions, directory: Path) -> LatencyResult:
        with self.progress.step("measure latency"):
            return measure_latency(
                self.prepared.source.directory,
                directory,
                self.shapes,
                threads=self.job.threads,
                seconds=options.seconds,
                launches=options.launches,
                device=self.job.devices.timing,
                seed=self.job.seed,
                progress=self.progress,
            )

    def _measure_quality(self, options: MeasureOptions, directory: Path) -> Evaluation:
        """Count MACs, and compare the answers to the report split if there is a tokenizer."""
        source = self.prepared.source.directory
        torch.set_num_threads(self.job.threads)
        with self.progress.step("measure quality"):
            base, slim = (load_checkpoint(path) for path in (source, directory))
            length = self.prepared.length
            counts = [
                count_macs(model.model, model.facts.head, length=length) for model in (base, slim)
            ]
            macs = compare("macs", *counts, batch=1, length=length)
            if self.splits is None:
                note = "fidelity was not measured: the checkpoint has no tokenizer"
                return Evaluation((macs,), (note,))
            for checkpoint in (base, slim):
                checkpoint.to(self.job.devices.work)
            pruned = self.prepared.recipe.recipe.vocabulary_step is not None
            quality = evaluate(
                base,
                slim.model,
                self.splits,
                load_tokenizer(source),
                slim_tokenizer=load_tokenizer(directory) if pruned else None,
                seed=self.job.seed,
                progress=self.progress,
                show_texts=options.show_texts,
            )
            return replace(quality, measurements=(macs, *quality.measurements))
