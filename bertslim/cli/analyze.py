"""`bertslim analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bertslim.cli.options import (
    DATA_HELP,
    DebugOption,
    EvalDataOption,
    ForceOption,
    JsonOption,
    LabelColumnOption,
    ModelArgument,
    QuietOption,
    SeedOption,
    TaskOption,
    TextColumnOption,
    ThreadsOption,
    command_line,
    data_options,
    usable_threads,
)


def analyze(
    model: ModelArgument,
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="[OTHER]",
            help="Another one to compare it with, such as what was made of it.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help=f"Texts to look at it on, labelled for probes and metrics. {DATA_HELP}",
            show_default="builtin:pydocs",
        ),
    ] = None,
    eval_data: EvalDataOption = None,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    task: TaskOption = None,
    samples: Annotated[
        int, typer.Option("--samples", min=10, help="Texts for each part of it, at most.")
    ] = 1000,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="The directory to write.",
            show_default="./<model>-analysis",
        ),
    ] = None,
    seed: SeedOption = 0,
    threads: ThreadsOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """See what each layer of a model is worth, and what to do about it.

    How alike the representations of its layers are (CKA), within the model and to those of OTHER;
    what linear probes read from them; what the answers lose with each block altered alone. It ends
    with a recommendation, in words and as a recipe.

    \b
    Examples:
      bertslim analyze ./my-classifier --data reviews.csv
      bertslim analyze ./my-classifier ./my-classifier-drop_odd --data reviews.csv
      bertslim cut ./my-classifier --recipe my-classifier-analysis/recommended.yaml --data x.csv
    """
    from bertslim.commands.analyze import AnalyzeOptions
    from bertslim.commands.analyze import analyze as run_analysis
    from bertslim.progress import Progress
    from bertslim.report.analysis_sections import analysis_text

    options = AnalyzeOptions(
        model=model,
        other=other,
        data=data_options(data, eval_data, text_column, label_column, task),
        samples=samples,
        output=output,
        threads=usable_threads(threads),
        seed=seed,
        command=command_line(),
        force=force,
    )
    found = run_analysis(options, Progress(visible=False if quiet or as_json else None))
    if as_json:
        typer.echo(found.analysis.to_json(), nl=False)
    elif not quiet:
        typer.echo(analysis_text(found.analysis))
        typer.echo(f"Written to {found.directory}, the recipe to {found.recipe}.")
        if found.told_in:
            typer.echo(f"The report of {found.told_in} tells of it, too.")
