"""`bertslim bench`."""

from __future__ import annotations

from typing import Annotated

import typer

from bertslim.cli.options import (
    BatchOption,
    DebugOption,
    JsonOption,
    QuietOption,
    SeedOption,
    ThreadsOption,
    columns,
    usable_threads,
    whole_numbers,
)
from bertslim.errors import InputError
from bertslim.measure.runtimes import Runtime
from bertslim.wording import did_you_mean


def bench(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="Checkpoints (a local directory, pkg:NAME or a Hub id), ONNX files (.onnx) and "
            "OpenVINO IRs (.xml). The others are compared with the first.",
            show_default=False,
        ),
    ],
    batch: BatchOption = None,
    length: Annotated[
        list[str] | None,
        typer.Option(
            "--length",
            help="Lengths in tokens to time, such as 32,128.",
            show_default="128",
            metavar="N",
        ),
    ] = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            "--runtime",
            help=f"What to run them in: {', '.join(Runtime)}.",
            show_default="all that suit model and CPU, but torch-compile",
            metavar="NAME",
        ),
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(
            "--seconds", min=0.1, help="Time for each model in each runtime, batch and length."
        ),
    ] = 4.0,
    launches: Annotated[
        int,
        typer.Option(
            "--launches",
            min=1,
            help="How often to start all of them anew; with 1 the intervals leave out what differs "
            "from process to process.",
        ),
    ] = 5,
    seed: SeedOption = 0,
    threads: ThreadsOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Time models in PyTorch, ONNX Runtime and OpenVINO, and say which is fastest on this machine.

    Each runs in a process of its own, and all take turns. Of a directory the PyTorch checkpoint is
    timed; name the files that were exported into it to time them, too. OpenVINO is an extra:
    pip install 'bertslim[openvino]'.

    \b
    Examples:
      bertslim bench bert-base-uncased ./bert-base-uncased-drop_odd
      bertslim bench ./base ./slim ./slim/model.onnx --length 32,128
      bertslim bench ./base.onnx ./slim.onnx --runtime onnxruntime --threads 1
    """
    from bertslim.commands import bench as pipeline
    from bertslim.progress import Progress
    from bertslim.report.timing_table import bench_text

    options = pipeline.BenchOptions(
        models=tuple(models),
        runtimes=_runtimes(runtime),
        batches=whole_numbers(batch, "--batch") or pipeline.BenchOptions.batches,
        lengths=whole_numbers(length, "--length") or pipeline.BenchOptions.lengths,
        threads=usable_threads(threads),
        seconds=seconds,
        launches=launches,
        seed=seed,
    )
    result = pipeline.bench(options, Progress(visible=False if quiet or as_json else None))
    if as_json:
        typer.echo(result.model_dump_json(indent=2))
    elif not quiet:
        typer.echo(bench_text(result))


def _runtimes(values: list[str] | None) -> tuple[Runtime, ...]:
    """Read `--runtime torch --runtime openvino` and `--runtime torch,openvino` alike."""
    words = columns(values)
    known = [runtime.value for runtime in Runtime]
    for word in words:
        if word not in known:
            raise InputError(
                f"{word!r} is no runtime",
                where="--runtime",
                remedy=did_you_mean(word, known) or f"known are {', '.join(known)}",
            )
    return tuple(map(Runtime, words))
