"""`bertslim analyze`: find models -> load data -> measure and recommend -> publish."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bertslim.commands.publish import add_analysis
from bertslim.data.load import NEUTRAL_DATA, load_splits
from bertslim.errors import InputError
from bertslim.file_names import ANALYSIS_FILE, PAGE_FILE, RECOMMENDED_RECIPE_FILE, REPORT_FILE
from bertslim.measure.gpu import resolve_devices
from bertslim.model.description import describe_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.model_source import ModelSource, find_model
from bertslim.model.tokenizer import has_tokenizer
from bertslim.model.unchanged import unchanged
from bertslim.options.analyze import AnalyzeOptions
from bertslim.output.directory import output_directory
from bertslim.output.inputs import inputs_of
from bertslim.output.writing import writing
from bertslim.progress import Progress
from bertslim.recipe.schema import Recipe
from bertslim.records import Analysis, Role
from bertslim.report.analysis_sections import analysis_text
from bertslim.report.page import render_analysis_page

if TYPE_CHECKING:
    from bertslim.data.splits import Splits


@dataclass(frozen=True)
class AnalyzeResult:
    """An analysis, and where it is written.

    Attributes:
        recipe: The file with the recommended recipe.
        reported_in: The result whose report has the analysis, too; None where the other model is
            not made from the first.
    """

    analysis: Analysis
    directory: Path
    recipe: Path
    reported_in: Path | None = None


def analyze(options: AnalyzeOptions, progress: Progress) -> AnalyzeResult:
    """Analyze the layers of a model, and write the analysis into a directory.

    Where the other model is a result of bertslim made from the first, the analysis is also added
    to the record and the report of that result.

    Raises:
        InputError: A model, the data or the output is not usable.
    """
    sources = _find_models(options)
    device = resolve_devices(options.device).work
    target = options.output or Path(f"{sources['base'].name}-analysis")
    inputs, read = inputs_of(options), [source.directory for source in sources.values()]
    with (
        output_directory(target, inputs=inputs, force=options.force) as directory,
        unchanged(*read),
    ):
        splits = _load_splits(options, sources["base"], progress)
        from bertslim.commands.analysis_work import AnalysisWork

        analysis = AnalysisWork(options, sources, splits, device, progress).run()
        recipe = Recipe.model_validate(analysis.recommendation.recipe)
        files = {
            ANALYSIS_FILE: analysis.to_json(),
            RECOMMENDED_RECIPE_FILE: recipe.to_yaml(),
            REPORT_FILE: analysis_text(analysis),
            PAGE_FILE: render_analysis_page(analysis),
        }
        for name, text in files.items():
            with writing(target):
                (directory / name).write_text(text, encoding="utf-8")
    other = sources["slim"].directory if "slim" in sources else None
    reported_in = other if other and add_analysis(analysis, other) else None
    return AnalyzeResult(analysis, target, target / RECOMMENDED_RECIPE_FILE, reported_in)


def _find_models(options: AnalyzeOptions) -> dict[Role, ModelSource]:
    sources: dict[Role, ModelSource] = {"base": find_model(options.model)}
    if options.other is not None:
        sources["slim"] = find_model(options.other)
    for source in sources.values():
        if not has_tokenizer(source.directory):
            raise InputError(
                "has no tokenizer to read texts with",
                where=str(source.directory),
                remedy="copy the tokenizer's files there",
            )
    return sources


def _load_splits(options: AnalyzeOptions, source: ModelSource, progress: Progress) -> Splits:
    with progress.step("read the data"):
        base = describe_checkpoint(source.directory)
        head = describe_head(source.directory, base.config, base.facts)
        return load_splits(options.data or NEUTRAL_DATA, head, progress)
