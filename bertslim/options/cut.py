"""The settings of `bertslim cut`. Annotations are evaluated: the command line is made of them."""

from dataclasses import dataclass, field
from pathlib import Path

from bertslim.data.data_options import SOURCES_HELP, DataOptions
from bertslim.devices import DeviceChoice
from bertslim.measure.measure_options import MeasureOptions
from bertslim.option_fields import OptionsModel, group, option
from bertslim.options.shared import (
    DEVICE,
    FORCE,
    MODEL,
    OUTPUT_DIRECTORY,
    PUSH_TO_HUB,
    SEED,
    THREADS,
)
from bertslim.recipe.shipped_recipes import recipe_names


@dataclass(frozen=True)
class CutOptions(OptionsModel):
    """The settings of one cut.

    Attributes:
        model: A local directory, `pkg:NAME` or a Hub id.
        recipe: The path or name of a recipe; there has to be one.
        output: Where the result goes; None: `./<model>-<recipe>`.
        data: The data; None: fidelity is measured on the texts of `builtin:pydocs`.
        measure: What to measure; None: nothing beyond the sizes on disk.
        resume: Whether to continue an interrupted training, if there is one.
        push_to_hub: A repository on the Hub to upload the result into; None: it stays here.
        device: Where to survey, repair, train and score; a GPU times models only as "cuda".
        seed: Seeds every random step.
        threads: Threads of every computation; None: all cores.
        force: Whether an existing output, or an interrupted training, may be replaced.
        command: The command line, for the record.
    """

    model: str = field(metadata=MODEL)
    recipe: str | None = field(
        default=None,
        metadata=option(
            "--recipe",
            "-r",
            help="The path of a recipe, or the name of a shipped one.",
            shown=False,
            complete=recipe_names,
            role="input",
        ),
    )
    output: Path | None = field(default=None, metadata=OUTPUT_DIRECTORY)
    data: DataOptions | None = field(
        default=None,
        metadata=group(
            DataOptions,
            replaced={
                "data": option(
                    "--data",
                    help="Texts to measure on, with labels to measure accuracy; recipes that "
                    f"repair, train or rank on data use them, too. {SOURCES_HELP}",
                    shown="builtin:pydocs, for fidelity alone",
                )
            },
        ),
    )
    measure: MeasureOptions | None = field(
        default_factory=MeasureOptions,
        metadata=group(
            MeasureOptions,
            switch=option(
                "--measure/--no-measure", help="Whether to time and compare the two models."
            ),
        ),
    )
    resume: bool = field(
        default=False,
        metadata=option(
            "--resume", help="Continue the recipe's training where it was interrupted."
        ),
    )
    push_to_hub: str | None = field(default=None, metadata=PUSH_TO_HUB)
    device: DeviceChoice = field(default="auto", metadata=DEVICE)
    seed: int = field(default=0, metadata=SEED)
    threads: int | None = field(default=None, metadata=THREADS)
    force: bool = field(default=False, metadata=FORCE)
    command: tuple[str, ...] = ()
