"""Recipes carried out for real: made, judged on the select split, and timed beside the base."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bertslim.model.checkpoint import save_checkpoint
from bertslim.model.checkpoint_files import find_weights
from bertslim.recipe.plan import CutPlan
from bertslim.records import Repair
from bertslim.search.finalists import Judged, judge_finalist, make_finalist
from bertslim.search.materials import Materials
from bertslim.search.timed_files import FileWriter, RuntimeTime, as_checkpoint, time_models
from bertslim.surgery.survey import Survey

_SECONDS = 2.0  # to time a model
_LAUNCHES = 4


@dataclass(frozen=True)
class Made:
    """A recipe that was carried out, judged and timed.

    Attributes:
        plan: The recipe, worked out.
        repairs: What was solved.
        judged: What the model is worth on the select split.
        timed: What it takes beside the base.
        ms: The same in the time of the table, which is free of drift.
        bytes: Of its weights.
        directory: Where it is saved.
    """

    plan: CutPlan
    repairs: tuple[Repair, ...]
    judged: Judged
    timed: RuntimeTime
    ms: float
    bytes: int
    directory: Path


@dataclass(frozen=True)
class Maker:
    """Carries out recipes.

    Attributes:
        materials: What they are carried out on.
        writer: Writes models as the files that are timed.
        surveyed: What was measured of the base.
        base_ms: What the base takes by the table.
        folder: Where models are saved.
    """

    materials: Materials
    writer: FileWriter
    surveyed: Survey
    base_ms: float
    folder: Path

    def make(self, name: str, plan: CutPlan) -> Made:
        """Carry out a recipe.

        Args:
            name: Of its folder.
            plan: The recipe, worked out.

        Raises:
            ModelError: Activations are not finite.
            BertslimError: It cannot be exported or timed.
        """
        materials, base = self.materials, self.materials.base
        finalist = make_finalist(
            materials.working_base,
            plan,
            materials.calibration,
            self.surveyed,
            dtype=materials.dtype,
            seed=materials.seed,
            progress=materials.progress,
        )
        directory = self.folder / name
        save_checkpoint(finalist.model, directory, base.extra, base.config)
        judged = judge_finalist(
            materials.working_base,
            finalist.model.float(),
            materials.select,
            materials.select_batches,
            seed=materials.seed,
        )
        finalist.model.cpu()
        written = self.writer.write(name, as_checkpoint(base, finalist.model, plan))
        timed = time_models(
            self.writer.base_file,
            {name: written},
            materials.shape,
            threads=materials.threads,
            seconds=_SECONDS,
            seed=materials.seed,
            progress=materials.progress,
            launches=_LAUNCHES,
        )[name]
        made = Made(
            plan,
            finalist.repairs,
            judged,
            timed,
            timed.ratio * self.base_ms,
            find_weights(directory).size,
            directory,
        )
        materials.progress.tell(f"made: {_in_words(made)}")
        return made


def _in_words(made: Made) -> str:
    drop = made.judged.drop
    points = "" if drop is None else f", {100 * drop.drop:.2f} points lost"
    return (
        f"{made.timed.ratio:.2f} of the base's time ({made.ms:.3g} ms), "
        f"damage {made.judged.damage:.3g}{points}"
    )
