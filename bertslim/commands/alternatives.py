"""`bertslim bench --alternatives`: find the whole model -> make others -> score and time all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bertslim.commands.alternative_forms import ModelForm, chosen_forms
from bertslim.commands.alternative_sources import Sources, find_sources
from bertslim.commands.bench_models import Entrant
from bertslim.commands.bench_timing import TimedEntrants, time_entrants, with_texts
from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_splits
from bertslim.errors import CannotTell, DataError
from bertslim.file_names import RECORD_FILE
from bertslim.measure.environment import describe_environment, usable_threads
from bertslim.measure.gpu import gpu_name, resolve_devices
from bertslim.measure.input_limits import read_limits, shared_limits
from bertslim.measure.lengths import DATA
from bertslim.measure.shapes import Shape, all_shapes
from bertslim.model.description import describe_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.model_source import ModelSource
from bertslim.options.bench import BenchOptions
from bertslim.progress import Progress
from bertslim.records import Alternatives, BenchResult, Timing, read_record

if TYPE_CHECKING:
    from bertslim.commands.alternatives_work import Served
    from bertslim.data.splits import Splits


def compare_alternatives(options: BenchOptions, progress: Progress) -> BenchResult:
    """Score and time a model, what it was cut from, and what else could be used in its place.

    Where the machine is too busy for times, there are scores without them.

    Nothing but scores is worked out from the report split.

    Raises:
        InputError: A model or a runtime is not available, or a shape is not possible.
        DataError: The data are missing or broken, do not fit the model, or have no labels.
        BertslimError: The whole model cannot be run.
    """
    assert options.data is not None  # noqa: S101 (the options are refused without)
    forms = chosen_forms(options.runtimes)
    devices = resolve_devices(options.device)
    sources = find_sources(options)
    limits = shared_limits(read_limits(source.directory) for source in sources.all)
    shapes = all_shapes(options.batches, options.lengths, limits.max_length)
    splits = _load_rows(options.data, sources.whole, progress)
    with TemporaryDirectory(prefix="bertslim-") as name:
        from bertslim.commands.alternatives_work import AlternativesWork

        here = tuple(form for form in forms if form.installed)
        work = AlternativesWork(options, sources, splits, here, devices, Path(name), progress)
        work.run()
        timed = _time(work.served, shapes, options, Path(name), progress)
    packages = dict.fromkeys(["transformers", *(form.runtime.package for form in here)])
    return BenchResult(
        timings=timed.timings,
        texts=timed.texts,
        alternatives=Alternatives(
            data=splits.record,
            scored=work.scored,
            models=tuple(work.models),
            served=tuple(served.record for served in work.served),
        ),
        environment=describe_environment(
            usable_threads(options.threads), tuple(packages), gpu=gpu_name(devices.work)
        ),
        launches=options.launches,
        seed=options.seed,
        notes=(
            *splits.notes,
            *_missing(forms),
            *work.notes,
            *_other_data(sources, splits),
            *timed.notes,
        ),
    )


def _load_rows(data: DataOptions, whole: ModelSource, progress: Progress) -> Splits:
    with progress.step("read the data"):
        described = describe_checkpoint(whole.directory)
        head = describe_head(whole.directory, described.config, described.facts)
        splits = load_splits(data, head, progress)
    if not splits.report.scorable:
        raise DataError(
            "the rows have no labels that the model predicts, so nothing can be scored",
            where=data.eval_data or data.data,
            remedy="name their column with --label-column, or give labelled rows",
        )
    return splits


def _missing(forms: Sequence[ModelForm]) -> Iterator[str]:
    """Note the programs that are not installed."""
    absent = [form for form in forms if not form.installed]
    for program, how in dict.fromkeys(
        (form.runtime.program, form.runtime.installation) for form in absent
    ):
        yield f"{program} is left out: it is not installed ({how})"


def _other_data(sources: Sources, splits: Splits) -> Iterator[str]:
    """Note each result that was made on other data, of which it may have seen what is scored."""
    held_out = splits.record.splits[-1].sha256
    for source in sources.given:
        if not (source.directory / RECORD_FILE).is_file():
            continue
        data = read_record(source.directory).data
        if data is not None and data.splits[-1].sha256 != held_out:
            yield (
                f"{source.name} was made with other data: it may have seen rows that are scored "
                "here, if the two overlap"
            )


def _time(
    served: Sequence[Served],
    shapes: Sequence[Shape],
    options: BenchOptions,
    folder: Path,
    progress: Progress,
) -> TimedEntrants:
    """Time the models form by form, each beside the whole model in PyTorch.

    So there are no more processes at once than models, and ratios to that model can be compared.
    """
    entrants = tuple(one.entrant for one in served)
    if DATA in options.lengths and options.data is not None:
        entrants = with_texts(entrants, options.data, options.seed, folder)
    first = entrants[0]
    groups: dict[ModelForm, list[Entrant]] = {}
    for one, entrant in zip(served, entrants, strict=True):
        groups.setdefault(one.form, []).append(entrant)
    timings: list[Timing] = []
    notes: list[str] = []
    texts = None
    for form, group in groups.items():
        beside = group if first in group else [first, *group]
        try:
            with progress.step(f"measure latency in {form}"):
                timed = time_entrants(beside, shapes, options, progress)
        except CannotTell as error:
            notes.append(f"{form}: {error.what}")
            continue
        texts = texts or timed.texts
        notes += timed.notes
        timings += [one for one in timed.timings if first in group or one.to_first is not None]
    return TimedEntrants(_with_fastest(timings), texts, tuple(dict.fromkeys(notes)))


def _with_fastest(timings: Sequence[Timing]) -> tuple[Timing, ...]:
    """Say of each, among all groups, whether another has an interval wholly below its own."""
    ends: dict[str, list[float]] = {}
    for timing in timings:
        ends.setdefault(_shape(timing), []).append(_ends(timing)[1])
    return tuple(
        timing.model_copy(update={"fastest": _ends(timing)[0] <= min(ends[_shape(timing)])})
        for timing in timings
    )


def _ends(timing: Timing) -> tuple[float, float]:
    """Return the interval of the ratio to the first model, whose own is 1."""
    if timing.to_first is None:
        return 1.0, 1.0
    return timing.to_first.interval.low, timing.to_first.interval.high


def _shape(timing: Timing) -> str:
    return f"{timing.batch}x{timing.length}"
