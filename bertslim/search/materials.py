"""What a search works with: the model, texts for each purpose, and how models are timed."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from bertslim.data.batches import batches
from bertslim.data.load import BATCH_SIZE, text_length
from bertslim.data.sampling import draw_rows
from bertslim.data.splits import Splits
from bertslim.data.task import Batch, Rows
from bertslim.devices import Device
from bertslim.measure.draw_texts import read_texts
from bertslim.measure.shapes import Shape
from bertslim.measure.text_sample import TextSample
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.recipe.plan import make_plan
from bertslim.recipe.schema import Recipe
from bertslim.search.levels import LayerChoices, loaded
from bertslim.search.library import Library, Scores, build_library
from bertslim.search.search_runtimes import SearchRuntime
from bertslim.search.stitched import Damages, StitchedModels
from bertslim.search.timed_files import FileWriter
from bertslim.surgery.survey import Survey, survey

RUNGS = (64, 256, 1024)  # texts that configurations are tried on, few and then more
_DAMAGE_TEXTS = 128
_MOST_SELECT = 2048  # rows that finalists are judged on where no drop was asked for


@dataclass(frozen=True)
class SearchTexts:
    """The texts of a search; the report split is not among them.

    Attributes:
        calibration: What repairs are solved from, as `bertslim cut` draws them.
        tried: What configurations are tried on, in random order: others of the fit split, as long
            as there are enough.
        select: What finalists are judged on.
    """

    calibration: Rows
    tried: Rows
    select: Rows

    @classmethod
    def of(cls, splits: Splits, samples: int, *, all_of_select: bool, seed: int) -> SearchTexts:
        """Draw them.

        Args:
            splits: The data.
            samples: Texts that repairs are solved from, at most.
            all_of_select: Whether finalists are judged on all of the select split.
            seed: Settles the draw.
        """
        fit, select = splits.fit, splits.select
        calibration = draw_rows(fit, samples, seed=seed)
        taken = set(calibration.split_keys())
        others = [number for number, key in enumerate(fit.split_keys()) if key not in taken]
        numbers = others if len(others) >= RUNGS[0] else list(range(len(fit)))
        most = len(select) if all_of_select else _MOST_SELECT
        return cls(
            calibration,
            _shuffled(fit, numbers, RUNGS[-1], seed),
            select
            if len(select) <= most
            else _shuffled(select, list(range(len(select))), most, seed),
        )


def _shuffled(rows: Rows, numbers: Sequence[int], most: int, seed: int) -> Rows:
    order = np.random.default_rng(seed).permutation(len(numbers))[:most]
    return rows.select([numbers[int(place)] for place in order])


@dataclass(frozen=True)
class Materials:
    """What a search works with.

    Attributes:
        base: The model, in float32 and eval mode, on the CPU: files are written from it.
        dtype: What it is stored in.
        tokenizer: Its tokenizer.
        texts: The texts.
        samples: Texts that the recipes ask for.
        folder: Where files go.
        shape: What a call takes.
        threads: Threads of each model that is timed.
        seed: Seeds every random step.
        progress: Shows the steps.
        device: Where models are surveyed, repaired and run on texts.
    """

    base: Checkpoint
    dtype: torch.dtype
    tokenizer: PreTrainedTokenizerBase
    texts: SearchTexts
    samples: int
    folder: Path
    shape: Shape
    threads: int
    seed: int
    progress: Progress
    device: Device = "cpu"

    @cached_property
    def working_base(self) -> Checkpoint:
        """The base on the device."""
        if self.device == "cpu":
            return self.base
        return replace(self.base, model=copy.deepcopy(self.base.model)).to(self.device)

    @cached_property
    def calibration(self) -> list[Batch]:
        """The texts that repairs are solved from."""
        return self._batches(self.texts.calibration)

    @property
    def select(self) -> Rows:
        """The rows that finalists are judged on."""
        return self.texts.select

    @cached_property
    def select_batches(self) -> list[Batch]:
        """The same as the model takes them."""
        return self._batches(self.select, label=self.select.scorable)

    def writer(self, runtime: SearchRuntime) -> FileWriter:
        """Return what writes models as the files of a runtime."""
        folder = self.folder / runtime
        folder.mkdir()
        return FileWriter(self.base, runtime, self.calibration, folder, self.timed_texts)

    @cached_property
    def timed_texts(self) -> Path | None:
        """The file of the texts that models are timed on; None: calls take random tokens."""
        return self._timed_sample[1] if self.shape.of_texts else None

    @cached_property
    def tokens(self) -> int:
        """Tokens a sequence; of texts, how many they have on average."""
        if not self.shape.of_texts:
            return self.shape.tokens
        return round(float(self._timed_sample[0].lengths.mean()))

    @cached_property
    def _timed_sample(self) -> tuple[TextSample, Path]:
        """The calibration texts in tokens, and the file that they are in."""
        sample = read_texts(self.texts.calibration, self.base.directory, "calibration texts")
        path = self.folder / "texts.npz"
        sample.write(path)
        return sample, path

    def survey(self, choices: Sequence[LayerChoices]) -> Survey:
        """Measure all that repairs go by: which neurons and heads stay, and which errors matter.

        Args:
            choices: The levels that each layer may have.
        """
        steps = []
        for number, layer in enumerate(choices):
            for levels in (layer.narrow_attention, layer.narrow_ffn):
                operation = levels[-1].operation if levels else None
                steps += [] if operation is None else [{**operation, "layers": [number]}]
        if not steps:
            return Survey()
        raw = {"version": 1, "name": "survey", "surgery": steps}
        plan = make_plan(loaded(Recipe.model_validate(raw)), self.base.facts)
        with self.progress.step("survey"):
            return survey(
                self.working_base,
                self.calibration,
                plan,
                seed=self.seed,
                progress=self.progress,
                gradient_moments=bool(steps),
            )

    def library(self, choices: Sequence[LayerChoices], scores: Scores) -> Library:
        """Repair every level of every block.

        Args:
            choices: The levels that each layer may have.
            scores: Of the neurons.
        """
        with self.progress.step("solve the levels"):
            return build_library(
                self.working_base,
                choices,
                self.calibration,
                scores,
                seed=self.seed,
                progress=self.progress,
            )

    def damages(self, choices: Sequence[LayerChoices], library: Library) -> Damages:
        """Measure what each level does alone.

        Args:
            choices: The levels that each layer may have.
            library: The levels.
        """
        with self.progress.step("weigh the levels"):
            models = StitchedModels(library, self._tried(_DAMAGE_TEXTS))
            return models.damages(choices, self.progress)

    def rounding_texts(self) -> list[Batch]:
        """Return texts on which files in fewer bits are compared with the model."""
        return self._tried(_DAMAGE_TEXTS)

    def rungs(self, library: Library) -> list[tuple[int, StitchedModels]]:
        """Return the texts that configurations are tried on, few and then more.

        Args:
            library: What they are put together from.
        """
        sizes = dict.fromkeys(min(size, len(self.texts.tried)) for size in RUNGS)
        return [(size, StitchedModels(library, self._tried(size))) for size in sizes]

    def _tried(self, count: int) -> list[Batch]:
        rows = self.texts.tried
        return self._batches(rows.select(range(min(count, len(rows)))))

    def _batches(self, rows: Rows, *, label: bool = False) -> list[Batch]:
        return batches(
            rows,
            self.tokenizer,
            batch_size=BATCH_SIZE,
            max_length=text_length(self.base.facts, self.tokenizer, rows.task),
            label=label or rows.task.makes_labels,
        )
