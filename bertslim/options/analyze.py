"""The settings of `bertslim analyze`. Annotations are evaluated: the command line needs them."""

from dataclasses import dataclass, field
from pathlib import Path

from bertslim.data.data_options import SOURCES_HELP, DataOptions
from bertslim.devices import DeviceChoice
from bertslim.option_fields import OptionsModel, argument, group, option
from bertslim.options.shared import DEVICE, FORCE, MODEL, SEED, THREADS


@dataclass(frozen=True)
class AnalyzeOptions(OptionsModel):
    """The settings of one analysis.

    Attributes:
        model: A local directory, `pkg:NAME` or a Hub id.
        other: A second model, such as a result made from the first.
        data: Texts, with labels for probes and metrics; None: those of `builtin:pydocs`.
        samples: Texts that layers are compared and blocks altered on, at most; probes are fitted to
            as many of the fit split.
        output: The directory to write; None: one named by the model.
        device: Where models run.
        seed: Seeds the choice of texts and tokens, and the bootstrap.
        threads: Threads of every computation; None: all cores.
        force: Whether the directory may be replaced.
        command: The command line, for the record.
    """

    model: str = field(metadata=MODEL)
    other: str | None = field(
        default=None,
        metadata=argument(
            "[OTHER]",
            help="A model to compare it with, such as a result made from it.",
            role="input",
        ),
    )
    data: DataOptions | None = field(
        default=None,
        metadata=group(
            DataOptions,
            replaced={
                "data": option(
                    "--data",
                    help="Texts to analyze it on, with labels for probes and metrics. "
                    f"{SOURCES_HELP}",
                    shown="builtin:pydocs",
                )
            },
        ),
    )
    samples: int = field(
        default=1000,
        metadata=option("--samples", low=10, help="Texts for each part of the analysis, at most."),
    )
    output: Path | None = field(
        default=None,
        metadata=option(
            "-o",
            "--output",
            help="The directory to write.",
            shown="./<model>-analysis",
            role="output",
        ),
    )
    device: DeviceChoice = field(default="auto", metadata=DEVICE)
    seed: int = field(default=0, metadata=SEED)
    threads: int | None = field(default=None, metadata=THREADS)
    force: bool = field(default=False, metadata=FORCE)
    command: tuple[str, ...] = ()
