"""`bertslim cut`: preparation and checks; the computation is in `cut_work`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bertslim.commands.prepare_cut import Prepared, prepare_cut
from bertslim.commands.slim_result import SlimJob, SlimResult, SlimRun, write_slim
from bertslim.data.load import NEUTRAL_DATA, load_splits
from bertslim.errors import InputError
from bertslim.measure.environment import usable_threads
from bertslim.measure.gpu import resolve_devices
from bertslim.measure.shapes import Shape, all_shapes
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import check_tokenizer, has_tokenizer
from bertslim.options.cut import CutOptions
from bertslim.output.inputs import inputs_of
from bertslim.progress import Progress
from bertslim.ranks import current_ranks
from bertslim.training.training_options import TrainingOptions

if TYPE_CHECKING:
    from bertslim.commands.cut_work import CutWork
    from bertslim.data.splits import Splits


def cut(options: CutOptions, progress: Progress) -> SlimResult:
    """Cut a model by recipe and write the slim one, with its report.

    Where several processes were launched together, all take part in the repair and the training,
    the first one writes and measures, and all return the same.

    Raises:
        InputError: The model, the recipe, the data or the output is not usable.
    """
    prepared = prepare_cut(options, weights=True)
    return write_slim(_CutRun(options, prepared, _job(options, prepared), progress))


def _job(options: CutOptions, prepared: Prepared) -> SlimJob:
    target = options.output or prepared.default_output
    devices = resolve_devices(options.device)
    ranks = current_ranks(devices.work)
    return SlimJob(
        kind="cut",
        source=prepared.source,
        target=target,
        inputs=inputs_of(options),
        threads=usable_threads(options.threads),
        seed=options.seed,
        training=TrainingOptions(
            target,
            options.seed,
            resume=options.resume,
            force=options.force,
            ranks=ranks,
            device=devices.work,
        ),
        ranks=ranks,
        command=options.command,
        force=options.force,
        repository=options.push_to_hub,
        devices=devices,
    )


class _CutRun(SlimRun):
    """One cut, before a weight is read."""

    def __init__(
        self, options: CutOptions, prepared: Prepared, job: SlimJob, progress: Progress
    ) -> None:
        self.options = options
        self.prepared = prepared
        self.job = job
        self.progress = progress
        self.shapes = self._shapes()

    def _shapes(self) -> tuple[Shape, ...]:
        measure = self.options.measure
        if measure is None:
            return ()
        return all_shapes(measure.batches, measure.lengths, self.prepared.facts.max_length)

    def load_data(self) -> Splits | None:
        """Load the data that were named, or neutral ones where quality can be measured on them."""
        options, prepared = self.options, self.prepared
        recipe = prepared.recipe.recipe
        if recipe.needs_data and options.data is None:
            raise InputError(
                "the recipe needs texts, and none are given",
                where=recipe.name,
                remedy="give a file or data set with --data; labels are not needed",
            )
        neutral = options.measure is not None and has_tokenizer(prepared.source.directory)
        data = options.data or (NEUTRAL_DATA if neutral else None)
        if data is None:
            check_tokenizer(prepared.source.directory)
            return None
        with self.progress.step("read the data"):
            head = describe_head(prepared.source.directory, prepared.config, prepared.facts)
            return load_splits(data, head, self.progress)

    def start_work(self, splits: Splits | None) -> CutWork:
        """Import the module that computes."""
        from bertslim.commands.cut_work import CutWork

        measure, shapes = self.options.measure, self.shapes
        return CutWork(self.job, self.prepared, splits, measure, shapes, self.progress)
