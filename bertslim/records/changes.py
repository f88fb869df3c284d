"""Changes of a model: parts that a repair solved or refined, training, files for other runtimes."""

from __future__ import annotations

import math
from typing import Any, Self

from pydantic import Field, model_validator

from bertslim.records.frozen import Count, Frozen
from bertslim.records.measurements import Measurement
from bertslim.records.provenance import ModelRecord


class Repair(Frozen):
    """One part of the slim model that was solved in closed form, or refined by gradient descent.

    Attributes:
        layer: Number in the base; None for the head.
        part: Which of the layer's maps.
        ridge: The ridge, as a share of each input's variance, that did best on held-out tokens;
            None where no value was better than the initial weights, and where there is none.
        factor: What the part was multiplied by, where it was scaled.
        before: Weighted squared error on held-out tokens with what was there before, as a share of
            the targets' variance; of a part that was refined, both in the metric of the outputs'
            gradient. Of the head the KL divergence from the base, as a share of that of an answer
            at random.
        after: The same with what was solved from the other tokens.
    """

    layer: Count | None
    part: str
    ridge: float | None = None
    factor: float | None = None
    before: float
    after: float


class Look(Frozen):
    """One evaluation during training: the step, and the score on the select split.

    Attributes:
        step: Batches so far; 0 is the start.
        seconds: Of training so far.
        loss: The mean over the batches since the last look; None at the start.
        score: As `Training.score` names it; None where it is no number, as of answers that are all
            the same.
    """

    step: Count
    seconds: float
    loss: float | None
    score: float | None


class Training(Frozen):
    """The settings, course and cost of a training.

    Attributes:
        teacher: The teacher; None for training on labels alone.
        start_model: The checkpoint that was trained; None for the training of a cut.
        settings: The section `retrain` of a recipe, with all defaults filled in.
        processes: How many shared the batches.
        dtype: The type of multiplications.
        device: Where.
        score: The score on the select split that selects the weights.
        higher_is_better: Whether more of it is better.
        steps: Batches that it was trained on.
        epoch_steps: Batches that all rows make; None in older records.
        disturbed: Whether other programs had the cores for a tenth of the time, as far as known.
        sequences: Sequences in them.
        tokens: Tokens in them, padding included.
        seconds: Of training, looks at the select split included.
        macs: Multiply-accumulates of all passes, a backward pass counted as two forward ones.
        best_step: The step of the weights that were kept; 0: those of the start.
        looks: From the start to the end.
        resumed: Whether it was interrupted and resumed.
    """

    teacher: ModelRecord | None = None
    start_model: ModelRecord | None = None
    settings: dict[str, Any]
    processes: Count
    dtype: str
    device: str
    score: str
    higher_is_better: bool
    steps: Count
    epoch_steps: Count | None = None
    disturbed: bool = False
    sequences: Count
    tokens: Count
    seconds: float
    macs: Count = 0
    best_step: Count
    looks: tuple[Look, ...] = Field(min_length=1)
    resumed: bool = False

    @model_validator(mode="after")
    def _with_the_best_look(self) -> Self:
        if not any(look.step == self.best_step for look in self.looks):
            raise ValueError(f"none of the looks is that of the best step, {self.best_step}")
        return self

    @model_validator(mode="after")
    def _with_what_is_told_of_it(self) -> Self:
        size, rate = self.settings.get("batch_size"), self.settings.get("learning_rate")
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise ValueError("settings: batch_size is no whole number from 1 on")
        if not isinstance(rate, int | float) or isinstance(rate, bool) or not math.isfinite(rate):
            raise ValueError("settings: learning_rate is no finite number")
        return self

    @property
    def start(self) -> Look:
        """The evaluation before training."""
        return self.looks[0]

    @property
    def best(self) -> Look:
        """The evaluation of the weights that were kept."""
        return next(look for look in self.looks if look.step == self.best_step)

    @property
    def tokens_per_second(self) -> float:
        """How fast it went, looks at the select split included."""
        return self.tokens / self.seconds if self.seconds else 0.0


class Int8Products(Frozen):
    """The products of an int8 file, and where they may differ from CPU to CPU.

    Attributes:
        number: How many there are.
        saturating: In how many a CPU without VNNI may add two products beyond 16 bits.
        measured_with_vnni: Whether the CPU that the figures of the file were measured on adds all
            products in 32 bits; None: there are no figures.
    """

    number: Count
    saturating: Count
    measured_with_vnni: bool | None = None


class ExportRecord(Frozen):
    """A file that was made of the slim model for another runtime.

    Attributes:
        file: Its name.
        format: Such as "ONNX".
        precision: Of its weights.
        size: Bytes.
        difference: The largest difference from PyTorch on made-up inputs, as a share of the largest
            value that PyTorch puts out.
        in_float32: What was left in float32 when the rest was quantised, in words.
        int8_products: The products of a file in int8; None: it is in another precision.
        measurements: The file's answers ("slim") beside those of PyTorch in float32 ("base").
        notes: Notes for the reader.
    """

    file: str
    format: str
    precision: str
    size: Count
    difference: float
    in_float32: tuple[str, ...] = ()
    int8_products: Int8Products | None = None
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()

    def in_short(self) -> dict[str, Any]:
        """Return what it is, and how far it is from PyTorch."""
        return self.model_dump(include={"file", "format", "precision", "size", "difference"})
