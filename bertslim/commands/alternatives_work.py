"""The work of `bertslim bench --alternatives`: make models, write them in every form, score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bertslim.commands.alternative_forms import ModelForm
from bertslim.commands.alternative_models import AlternativeMaker, MadeModel
from bertslim.commands.alternative_sources import Sources
from bertslim.commands.bench_models import Entrant
from bertslim.data.feature_extraction import FeatureExtraction
from bertslim.data.metrics import Score
from bertslim.data.splits import Splits
from bertslim.data.task import Rows
from bertslim.devices import Devices
from bertslim.errors import BertslimError, DataError
from bertslim.export.export_job import ExportJob
from bertslim.export.exporters import export_as
from bertslim.export.formats import Format
from bertslim.export.open_exported import open_exported
from bertslim.export.parity import check_parity
from bertslim.export.static_graph import write_static_graph
from bertslim.file_names import CONFIG_FILE
from bertslim.measure.accuracy import measure_accuracy
from bertslim.measure.environment import usable_threads
from bertslim.measure.evaluation import answer
from bertslim.measure.runtimes import Runtime, TimedModel
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.copied_files import side_files
from bertslim.model.tokenizer import load_tokenizer
from bertslim.options.bench import BenchOptions
from bertslim.progress import Progress
from bertslim.records import ComparedModel, Measurement, ServedModel
from bertslim.report.measurement_text import slim_value


@dataclass(frozen=True)
class Served:
    """A model in one form, scored.

    Attributes:
        record: Its account.
        form: The form.
        entrant: The same as it is timed.
    """

    record: ServedModel
    form: ModelForm
    entrant: Entrant


@dataclass
class AlternativesWork:
    """The work of one comparison.

    Attributes:
        options: What was asked for.
        sources: The models that were named.
        splits: The data, as the whole model reads them.
        forms: What each model is served in.
        devices: Where models are trained, and where PyTorch is timed and scored.
        folder: Where files go that are not kept.
        progress: Shows the steps.
        models: Those that were made, so far.
        served: The same in every form, that of the whole model in PyTorch first.
        notes: What was left out, and why.
    """

    options: BenchOptions
    sources: Sources
    splits: Splits
    forms: tuple[ModelForm, ...]
    devices: Devices
    folder: Path
    progress: Progress
    models: list[ComparedModel] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _whole_score: Score | None = None

    def run(self) -> None:
        """Make and score all models.

        Raises:
            BertslimError: The whole model cannot be run.
        """
        torch.set_num_threads(usable_threads(self.options.threads))
        maker = AlternativeMaker(
            self.options,
            self.sources,
            self.splits,
            self.devices.work,
            self.folder,
            self.progress,
            self.notes,
        )
        for made in maker.make():
            before = len(self.served)
            for served in self._serve(made):
                self.served.append(served)
                figure = slim_value(served.record.score)
                self.progress.tell(f"{made.record.name} in {served.form}: {figure}")
            if len(self.served) > before:
                self.models.append(made.record)

    @property
    def scored(self) -> int:
        """How many rows models are scored on."""
        return len(self._rows)

    @cached_property
    def _rows(self) -> Rows:
        """Rows of the report split, with all of those that have a text in common."""
        rows, most = self.splits.report, self.options.rows
        if len(rows) <= most:
            return rows
        keys = np.array(rows.split_keys())
        _, first, group, count = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        order = np.random.default_rng(self.options.seed).permutation(len(first))
        taken = order[: max(1, int(np.searchsorted(np.cumsum(count[order]), most, side="right")))]
        return rows.select(np.flatnonzero(np.isin(group, taken)).tolist())

    def _serve(self, made: MadeModel) -> Iterator[Served]:
        """Write and score a model in every form; a form that fails is noted and left out."""
        name = made.record.name
        folder = self.folder / f"files-{len(self.models)}"
        folder.mkdir()
        side_files(made.directory).write(folder)
        (folder / CONFIG_FILE).write_bytes((made.directory / CONFIG_FILE).read_bytes())
        forms = self.forms if made.static is None else (_STATIC_FORM,)
        for form in forms:
            try:
                with self.progress.step(f"{name} in {form}"):
                    yield self._served(made, form, folder)
            except BertslimError as error:
                if self._whole_score is None:
                    raise
                self.notes.append(f"{name} is left out of {form}: {error.what}")

    def _served(self, made: MadeModel, form: ModelForm, folder: Path) -> Served:
        checkpoint = load_checkpoint(made.directory)
        if made.static is not None:
            path = folder / "static.onnx"
            write_static_graph(made.static, path)
            called: Callable[..., Any] = open_exported(path, form.runtime)
        elif form.format is None:
            path = made.directory
            model = checkpoint.to(self.devices.timing).model
            called = model.bfloat16() if form.runtime.in_bfloat16 else model
        else:
            path, called = self._exported(checkpoint, form, folder)
        record = ServedModel(
            model=made.record.name,
            runtime=form.runtime.value,
            dtype=_dtype(form, checkpoint),
            size=checkpoint.weights.size if path.is_dir() else _size(path),
            score=self._score(checkpoint, called),
        )
        first = made.record.role == "whole"
        entrant = Entrant(made.record.name, TimedModel(path, form.runtime), first=first)
        return Served(record, form, entrant.on(self.devices.timing))

    def _exported(
        self, checkpoint: Checkpoint, form: ModelForm, folder: Path
    ) -> tuple[Path, Callable[..., Any]]:
        """Write a file as `bertslim export` does, and check it; what is there is taken as it is."""
        assert form.format is not None  # noqa: S101
        suffix = ".onnx" if form.format is Format.ONNX else ".xml"
        files = form.format.files(folder / f"{form.precision}{suffix}")
        if not files[0].exists():
            job = ExportJob(
                checkpoint,
                form.precision,
                self._splits_for(checkpoint),
                load_tokenizer(checkpoint.directory),
                files[0],
                files,
                self.progress,
            )
            written = export_as(form.format, job)
            check_parity(checkpoint, written.model, form.precision, bound=written.bound)
        return files[0], open_exported(files[0], form.runtime)

    def _splits_for(self, checkpoint: Checkpoint) -> Splits:
        splits = self.splits
        fit, select, report = (
            _read_by(checkpoint, rows) for rows in (splits.fit, splits.select, splits.report)
        )
        return replace(splits, fit=fit, select=select, report=report)

    def _score(self, checkpoint: Checkpoint, called: Callable[..., Any]) -> Measurement:
        """Score the answers to the rows, beside those of the whole model in PyTorch."""
        rows = _read_by(checkpoint, self._rows)
        tokenizer = load_tokenizer(checkpoint.directory)
        answers = answer(checkpoint, called, rows, tokenizer, self.progress)
        score = rows.task.score(rows.table, answers)[0]
        if not score.defined:
            raise DataError(
                f"{score.name} of the rows is not defined, so nothing can be compared",
                where=self.splits.record.report_source or self.splits.record.source,
                remedy="give more rows",
            )
        record = self.splits.record
        place = str(getattr(called, "device", "cpu")).partition(":")[0]
        context = {
            "dataset": record.report_source or record.source,
            "split": "report",
            "device": place,
        }
        whole = self._whole_score
        self._whole_score = whole or score
        (figure,) = measure_accuracy(
            None if whole is None else [whole],
            [score],
            seed=self.options.seed,
            context={**context, "n": len(rows)},
        )
        return figure


_STATIC_FORM = ModelForm(Runtime.ONNXRUNTIME, Format.ONNX)


def _read_by(checkpoint: Checkpoint, rows: Rows) -> Rows:
    """Return rows as a model's own files have them read, where it embeds texts."""
    task = rows.task
    if not isinstance(task, FeatureExtraction):
        return rows
    return Rows(replace(task, embedder=checkpoint.embedder), rows.table)


def _dtype(form: ModelForm, checkpoint: Checkpoint) -> str:
    """Name the type of the products, as the runtime will."""
    if form.precision == "int8":
        return "int8"
    if form.runtime.in_bfloat16:
        return "bfloat16"
    is_file = form.format is not None
    return "float32" if is_file else str(checkpoint.model.dtype).removeprefix("torch.")


def _size(path: Path) -> int:
    beside = path.with_suffix(".bin")
    return path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)
