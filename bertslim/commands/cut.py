"""`bertslim cut`: recipe -> plan -> surgery -> training -> measure -> record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.commands.make_slim import SlimOptions, make_slim, save_slim, train_slim
from bertslim.commands.prepare_cut import Prepared, prepare_cut
from bertslim.commands.publish import now, publish
from bertslim.commands.train import TrainingOptions
from bertslim.data.load import NEUTRAL_DATA, DataOptions, describe_head, load_splits
from bertslim.errors import InputError
from bertslim.measure.environment import describe_environment
from bertslim.measure.measure_options import MeasureOptions
from bertslim.model.checkpoint_files import find_weights
from bertslim.model.tokenizer import has_tokenizer, load_tokenizer
from bertslim.output import check_space, output_directory, writing
from bertslim.progress import Progress
from bertslim.ranks import current_ranks
from bertslim.records import Measurement, Record, compare
from bertslim.version import __version__

if TYPE_CHECKING:
    from bertslim.data.splits import Splits
    from bertslim.measure.evaluation import Quality
    from bertslim.measure.measure_options import Shape


@dataclass(frozen=True)
class CutOptions:
    """What `bertslim cut` was asked for.

    Attributes:
        model: A local directory, `pkg:NAME` or a Hub id.
        recipe: The path or name of a recipe.
        output: Where the result goes; None: `./<model>-<recipe>`.
        data: The data; None: fidelity is measured on the texts of `builtin:pydocs`.
        measure: What to measure; None: nothing beyond the sizes on disk.
        threads: Threads of every computation.
        seed: Settles every random step.
        resume: Whether to go on with a training that was interrupted, if there is one.
        command: The command line, for the record.
        force: Whether an existing output, or an interrupted training, may be replaced.
    """

    model: str
    recipe: str
    output: Path | None = None
    data: DataOptions | None = None
    measure: MeasureOptions | None = field(default_factory=MeasureOptions)
    threads: int = 1
    seed: int = 0
    resume: bool = False
    command: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True)
class CutResult:
    """Where the slim model is, and the account of how it came to be."""

    directory: Path
    record: Record


def cut(options: CutOptions, progress: Progress) -> CutResult:
    """Cut a model by recipe and write the slim one, with its report.

    Where several processes were launched together, all take part in the repair and the training,
    the first one writes and measures, and all return the same.

    Raises:
        InputError: The model, the recipe, the data or the output is not usable.
    """
    length = options.measure.lengths[0] if options.measure and options.measure.lengths else None
    prepared = prepare_cut(options.model, options.recipe, length=length, weights=True)
    shapes = options.measure.shapes(prepared.facts.max_length) if options.measure else ()
    target = options.output or prepared.default_output
    ranks = current_ranks()
    making = SlimOptions(target, threads=options.threads, seed=options.seed, ranks=ranks)
    training = TrainingOptions(
        target, options.seed, resume=options.resume, force=options.force, ranks=ranks
    )
    if ranks.rank > 0:
        splits = _load_splits(options, prepared, progress)
        made = make_slim(prepared, splits, making, progress)
        train_slim(made, prepared, splits, training, progress)
        return CutResult(target, Record.model_validate_json(ranks.from_first("")))
    with output_directory(target, force=options.force, keep=prepared.source.directory) as directory:
        check_space(directory, find_weights(prepared.source.directory).size)
        splits = _load_splits(options, prepared, progress)
        made = make_slim(prepared, splits, making, progress)
        trained = train_slim(made, prepared, splits, training, progress)
        saved = save_slim(made, prepared, directory, making, progress)
        notes = splits.notes if splits else ()
        measured: tuple[Measurement, ...] = ()
        disagreements = None
        if options.measure is not None:
            latency = _measure_latency(options, prepared, directory, shapes, progress)
            quality = _measure_quality(options, prepared, directory, splits, progress)
            measured, notes = (*latency, *quality.measurements), quality.notes
            disagreements = quality.disagreements
        record = Record(
            bertslim=__version__,
            created=now(),
            kind="cut",
            command=options.command,
            seed=options.seed,
            base=saved.base,
            slim=saved.slim,
            recipe=prepared.recipe.recipe.model_dump(mode="json", exclude_none=True),
            plan=made.plan,
            data=splits.record if splits else None,
            environment=describe_environment(options.threads),
            steps=progress.steps,
            repairs=made.repairs,
            training=trained,
            measurements=(*saved.measurements, *measured),
            notes=(*notes, *made.notes),
            disagreements=disagreements,
        )
        with writing(target):
            publish(
                record,
                directory,
                base=prepared.source.directory,
                recipe=prepared.recipe.recipe.to_yaml(),
            )
    training.interruption.clear()
    ranks.from_first(record.to_json())
    return CutResult(target, record)


def _load_splits(options: CutOptions, prepared: Prepared, progress: Progress) -> Splits | None:
    """Load the data that were named, or neutral ones where quality can be measured on them."""
    if prepared.recipe.recipe.needs_data and options.data is None:
        raise InputError(
            "the recipe is carried out on texts, and none are named",
            where=prepared.recipe.recipe.name,
            remedy="give a file or data set with --data; labels are not needed",
        )
    neutral = options.measure is not None and has_tokenizer(prepared.source.directory)
    data = options.data or (NEUTRAL_DATA if neutral else None)
    if data is None:
        return None
    with progress.step("read the data"):
        head = describe_head(prepared.source.directory, prepared.config, prepared.facts)
        return load_splits(data, head, progress)


def _measure_latency(
    options: CutOptions,
    prepared: Prepared,
    directory: Path,
    shapes: tuple[Shape, ...],
    progress: Progress,
) -> tuple[Measurement, ...]:
    """Time what was saved against the base as it lies on disk."""
    from bertslim.measure.latency import measure_latency

    assert options.measure is not None  # noqa: S101
    with progress.step("measure latency"):
        return measure_latency(
            prepared.source.directory,
            directory,
            shapes,
            threads=options.threads,
            seconds=options.measure.seconds,
            launches=options.measure.launches,
            seed=options.seed,
            progress=progress,
        ).measurements


def _measure_quality(
    options: CutOptions,
    prepared: Prepared,
    directory: Path,
    splits: Splits | None,
    progress: Progress,
) -> Quality:
    """Count MACs, and compare the answers to the report split if there is a tokenizer for it."""
    import torch

    from bertslim.measure.evaluation import Quality, measure_quality
    from bertslim.measure.size import count_macs
    from bertslim.model.checkpoint import load_checkpoint

    assert options.measure is not None  # noqa: S101
    torch.set_num_threads(options.threads)
    with progress.step("measure quality"):
        base, slim = (load_checkpoint(one) for one in (prepared.source.directory, directory))
        length = prepared.length
        counts = [count_macs(one.model, one.facts.head, length=length) for one in (base, slim)]
        macs = compare("macs", *counts, batch=1, length=length)
        if splits is None:
            return Quality((macs,), ("fidelity was not measured: the checkpoint has no tokenizer",))
        pruned = prepared.recipe.recipe.vocabulary_step is not None
        found = measure_quality(
            base,
            slim.model,
            splits,
            load_tokenizer(prepared.source.directory),
            slim_tokenizer=load_tokenizer(directory) if pruned else None,
            seed=options.seed,
            progress=progress,
            show_texts=options.measure.show_texts,
        )
        return replace(found, measurements=(macs, *found.measurements))
