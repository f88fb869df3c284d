"""`bertslim analyze`: load -> compare layers -> probe -> alter blocks one by one -> recommend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.commands.publish import PAGE_FILE, REPORT_FILE, add_analysis, model_record, now
from bertslim.data.load import (
    BATCH_SIZE,
    NEUTRAL_DATA,
    DataOptions,
    describe_head,
    load_splits,
    text_length,
)
from bertslim.errors import InputError
from bertslim.measure.environment import describe_environment
from bertslim.model.model_source import ModelSource, find_model
from bertslim.model.tokenizer import has_tokenizer
from bertslim.output import output_directory, writing
from bertslim.progress import Progress
from bertslim.recipe.plan import DEFAULT_LENGTH
from bertslim.recipe.schema import Recipe
from bertslim.records import ANALYSIS_FILE, Analysis, Probes, Role
from bertslim.report.analysis_sections import analysis_text
from bertslim.report.page import render_analysis_page
from bertslim.version import __version__

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from bertslim.data.splits import Splits
    from bertslim.data.task import Batch, Rows
    from bertslim.model.checkpoint import Checkpoint

RECIPE_FILE = "recommended.yaml"
_PROBED = ("text-classification", "token-classification")
_NO_PROBES = "no probes were fitted: they need a label for each text or each word"


@dataclass(frozen=True)
class AnalyzeOptions:
    """What `bertslim analyze` was asked for.

    Attributes:
        model: A local directory, `pkg:NAME` or a Hub id.
        other: A second one, such as what was made of the first.
        data: Texts, with labels for probes and metrics; None: those of `builtin:pydocs`.
        samples: Texts that layers are compared and blocks altered on, at most; probes are fitted to
            as many of the fit split.
        output: The directory to write; None: one named by the model.
        threads: Threads of every computation.
        seed: Settles which texts and tokens are drawn, and the bootstrap.
        command: The command line, for the record.
        force: Whether the directory may be replaced.
    """

    model: str
    other: str | None = None
    data: DataOptions | None = None
    samples: int = 1000
    output: Path | None = None
    threads: int = 1
    seed: int = 0
    command: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True)
class AnalyzeResult:
    """What was found out, and where it was written.

    Attributes:
        recipe: The file of the recommended recipe.
        told_in: The result whose report tells of it, too; None where the other model is no result
            of cutting or training the first.
    """

    analysis: Analysis
    directory: Path
    recipe: Path
    told_in: Path | None = None


def analyze(options: AnalyzeOptions, progress: Progress) -> AnalyzeResult:
    """Find out what each layer of a model is worth, and write it into a directory.

    Where the other model is a result of bertslim that was made of the first, its own record and
    report tell of it as well.

    Raises:
        InputError: A model, the data or the output is not usable.
    """
    sources = _find_models(options)
    target = options.output or Path(f"{sources['base'].name}-analysis")
    with output_directory(target, force=options.force) as directory:
        analysis = _Analysis(options, sources, progress).run()
        recipe = Recipe.model_validate(analysis.recommendation.recipe)
        files = {
            ANALYSIS_FILE: analysis.to_json(),
            RECIPE_FILE: recipe.to_yaml(),
            REPORT_FILE: analysis_text(analysis),
            PAGE_FILE: render_analysis_page(analysis),
        }
        for name, text in files.items():
            with writing(target):
                (directory / name).write_text(text, encoding="utf-8")
    other = sources["slim"].directory if "slim" in sources else None
    told_in = other if other and add_analysis(analysis, other) else None
    return AnalyzeResult(analysis, target, target / RECIPE_FILE, told_in)


def _find_models(options: AnalyzeOptions) -> dict[Role, ModelSource]:
    sources: dict[Role, ModelSource] = {"base": find_model(options.model)}
    if options.other is not None:
        sources["slim"] = find_model(options.other)
    for source in sources.values():
        if not has_tokenizer(source.directory):
            raise InputError("has no tokenizer to read texts with", where=str(source.directory))
    return sources


@dataclass
class _Analysis:
    """One analysis, from the models to the record."""

    options: AnalyzeOptions
    sources: dict[Role, ModelSource]
    progress: Progress

    def run(self) -> Analysis:
        """Do all parts."""
        from bertslim.analyze.layer_cka import measure_cka
        from bertslim.analyze.recommendation import recommend
        from bertslim.analyze.sensitivity import measure_sensitivity

        options, progress = self.options, self.progress
        with progress.step("load"):
            self._load()
        base = self._models["base"]
        with progress.step("read the data"):
            head = describe_head(self.sources["base"].directory, base.config, base.facts)
            splits = load_splits(options.data or NEUTRAL_DATA, head, progress)
        with progress.step("compare layers"):
            drawn = _drawn(splits.fit, options.samples, options.seed)
            batches = {role: self._in_order(role, drawn) for role in self._models}
            cka = measure_cka(self._models, batches, progress, seed=options.seed)
        with progress.step("probe"):
            probes = self._probes(splits)
        with progress.step("alter blocks"):
            rows = _drawn(splits.report, options.samples, options.seed)
            sensitivity = measure_sensitivity(
                base, rows, self._sorted("base", rows), progress,
                length=min(DEFAULT_LENGTH, base.facts.max_length), seed=options.seed,
            )  # fmt: skip
        notes = (*splits.notes, *((_NO_PROBES,) if probes is None else ()))
        records = {
            role: model_record(source.given, source.directory)
            for role, source in self.sources.items()
        }
        return Analysis(
            bertslim=__version__,
            created=now(),
            seed=options.seed,
            base=records["base"],
            slim=records.get("slim"),
            command=options.command,
            data=splits.record,
            environment=describe_environment(options.threads),
            steps=tuple(progress.steps),
            cka=cka,
            probes=probes,
            sensitivity=sensitivity,
            recommendation=recommend(base.facts, sensitivity, cka, probes),
            notes=notes,
        )

    def _load(self) -> None:
        import torch

        from bertslim.model.checkpoint import load_checkpoint
        from bertslim.model.tokenizer import load_tokenizer

        torch.set_num_threads(self.options.threads)
        self._models: dict[Role, Checkpoint] = {}
        self._tokenizers: dict[Role, PreTrainedTokenizerBase] = {}
        for role, source in self.sources.items():
            self._models[role] = load_checkpoint(source.directory)
            self._models[role].model.float()
            self._tokenizers[role] = load_tokenizer(source.directory)

    def _probes(self, splits: Splits) -> Probes | None:
        from bertslim.analyze.probes import LabelledTexts, measure_probes

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
        from bertslim.data.batches import batches

        return batches(
            rows,
            self._tokenizers[role],
            batch_size=BATCH_SIZE,
            max_length=text_length(self._models[role].facts),
            label=label or rows.task.makes_labels,
        )

    def _in_order(self, role: Role, rows: Rows) -> list[Batch]:
        """Read rows in the order in which they were drawn."""
        from bertslim.data.batches import batched, tokenise

        tokenizer, length = self._tokenizers[role], text_length(self._models[role].facts)
        return batched(tokenise(rows, tokenizer, length, label=False), tokenizer, BATCH_SIZE)


def _drawn(rows: Rows, most: int, seed: int) -> Rows:
    """Draw rows at random, in random order."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(rows))
    return rows.select([int(one) for one in order[:most]])
