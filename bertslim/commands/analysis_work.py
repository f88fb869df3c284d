"""The work of `bertslim analyze`: load models, compare layers, fit probes, alter blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from bertslim.analyze.layer_cka import measure_cka
from bertslim.analyze.probes import LabelledTexts, measure_probes
from bertslim.analyze.recommendation import recommend
from bertslim.analyze.sensitivity import measure_sensitivity
from bertslim.commands.publish import now, record_of
from bertslim.data.batches import batched, batches, tokenise
from bertslim.data.load import BATCH_SIZE, text_length
from bertslim.data.splits import Splits
from bertslim.data.task import Batch, Rows
from bertslim.devices import Device
from bertslim.measure.environment import describe_environment, usable_threads
from bertslim.measure.gpu import gpu_name
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.model_source import ModelSource
from bertslim.model.tokenizer import load_tokenizer
from bertslim.options.analyze import AnalyzeOptions
from bertslim.progress import Progress
from bertslim.recipe.sizes import DEFAULT_LENGTH
from bertslim.records import Analysis, Cka, Probes, Role, Sensitivity
from bertslim.version import __version__

_PROBED = ("text-classification", "token-classification")
_NO_PROBES = "no probes were fitted: they need a label for each text or each word"


@dataclass(frozen=True)
class Measured:
    """What was measured of the layers; no probes where there is no label for each text or word."""

    cka: Cka
    probes: Probes | None
    sensitivity: Sensitivity


class AnalysisWork:
    """The work of one analysis.

    Args:
        options: What was asked for.
        sources: The models.
        splits: The data.
        device: Where the models run.
        progress: Shows the steps.
    """

    def __init__(
        self,
        options: AnalyzeOptions,
        sources: dict[Role, ModelSource],
        splits: Splits,
        device: Device,
        progress: Progress,
    ) -> None:
        self.options = options
        self.sources = sources
        self.splits = splits
        self.progress = progress
        self._device = device
        self._models: dict[Role, Checkpoint] = {}
        self._tokenizers: dict[Role, PreTrainedTokenizerBase] = {}

    def run(self) -> Analysis:
        """Load, measure and record."""
        with self.progress.step("load"):
            self._load()
        return self._record(self._measure())

    def _load(self) -> None:
        torch.set_num_threads(usable_threads(self.options.threads))
        for role, source in self.sources.items():
            self._models[role] = load_checkpoint(source.directory).to(self._device)
            self._models[role].model.float()
            self._tokenizers[role] = load_tokenizer(source.directory)

    def _measure(self) -> Measured:
        options, progress, base = self.options, self.progress, self._models["base"]
        with progress.step("compare layers"):
            drawn = _drawn(self.splits.fit, options.samples, options.seed)
            in_order = {role: self._in_order(role, drawn) for role in self._models}
            cka = measure_cka(self._models, in_order, progress, seed=options.seed)
        with progress.step("probe"):
            probes = self._probes(self.splits)
        with progress.step("alter blocks"):
            rows = _drawn(self.splits.report, options.samples, options.seed)
            sensitivity = measure_sensitivity(
                base,
                rows,
                self._sorted("base", rows),
                progress,
                length=min(DEFAULT_LENGTH, base.facts.max_length),
                seed=options.seed,
            )
        return Measured(cka, probes, sensitivity)

    def _record(self, measured: Measured) -> Analysis:
        records = {role: record_of(source) for role, source in self.sources.items()}
        facts = self._models["base"].facts
        return Analysis(
            bertslim=__version__,
            created=now(),
            seed=self.options.seed,
            base=records["base"],
            slim=records.get("slim"),
            command=self.options.command,
            data=self.splits.record,
            environment=describe_environment(
                usable_threads(self.options.threads), gpu=gpu_name(self._device)
            ),
            device=self._device,
            steps=tuple(self.progress.steps),
            cka=measured.cka,
            probes=measured.probes,
            sensitivity=measured.sensitivity,
            recommendation=recommend(facts, measured.sensitivity, measured.cka, measured.probes),
            notes=(
                *self._notes,
                *((f"models ran on {gpu_name(self._device)}",) if self._device == "cuda" else ()),
                *self.splits.notes,
                *((_NO_PROBES,) if measured.probes is None else ()),
            ),
        )

    @property
    def _notes(self) -> list[str]:
        """Say what was corrected in a model, with its name where there are two."""
        if len(self._models) == 1:
            return list(self._models["base"].notes)
        return [f"{role}: {note}" for role, model in self._models.items() for note in model.notes]

    def _probes(self, splits: Splits) -> Probes | None:
        base = self._models["base"]
        task = splits.fit.task.name
        if task not in _PROBED or not (splits.fit.labelled and splits.report.labelled):
            return None
        if base.is_multi_label or base.is_regression:
            return None
        samples, seed = self.options.samples, self.options.seed
        fit, report = (_drawn(rows, samples, seed) for rows in (splits.fit, splits.report))
        texts = {
            role: LabelledTexts(
                self._sorted(role, fit, label=True), self._sorted(role, report, label=True)
            )
            for role in self._models
        }
        return measure_probes(self._models, texts, self.progress, seed=seed)

    def _sorted(self, role: Role, rows: Rows, *, label: bool = False) -> list[Batch]:
        """Read rows with little padding."""
        return batches(
            rows,
            self._tokenizers[role],
            batch_size=BATCH_SIZE,
            max_length=text_length(self._models[role].facts, self._tokenizers[role], rows.task),
            label=label or rows.task.makes_labels,
        )

    def _in_order(self, role: Role, rows: Rows) -> list[Batch]:
        """Read rows in the order in which they were drawn."""
        tokenizer = self._tokenizers[role]
        length = text_length(self._models[role].facts, tokenizer, rows.task)
        return batched(tokenise(rows, tokenizer, length, label=False), tokenizer, BATCH_SIZE)


def _drawn(rows: Rows, most: int, seed: int) -> Rows:
    """Draw rows at random, in random order."""
    order = np.random.default_rng(seed).permutation(len(rows))
    return rows.select([int(one) for one in order[:most]])
