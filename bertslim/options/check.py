"""The settings of `bertslim check`. Annotations are evaluated: the command line is made of them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bertslim.data.data_options import SOURCES_HELP, DataOptions
from bertslim.option_fields import OptionsModel, group, input_path, option, whole_numbers

if TYPE_CHECKING:
    from bertslim.gate.verdicts import Rule


@dataclass(frozen=True)
class CheckOptions(OptionsModel):
    """The settings of one check.

    Attributes:
        directory: A result with its record.
        rules: The rules to check; none: latency at most 10 % above the record.
        base: A local directory, `pkg:NAME` or a Hub id; None: as in the record.
        data: Rows to measure accuracy on again; None: as in the record.
        data_held_out: Whether all of these rows are held out, rather than their report split.
        batches: Batch sizes; none: as in the record.
        lengths: Lengths in tokens; none: as in the record.
        minutes: How long to measure latency at most.
        threads: Threads of each model; None: as in the record.
        inconclusive_as: What an inconclusive verdict counts as; None: it stays inconclusive.
    """

    directory: Path = field(metadata=input_path("DIR"))
    rules: "tuple[Rule, ...]" = ()
    base: str | None = field(
        default=None,
        metadata=option(
            "--base",
            help="The model that was cut, if it is no longer where it was.",
            metavar="MODEL",
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
                    help="Labelled rows to measure accuracy on again, on a tenth of them. "
                    f"{SOURCES_HELP}",
                    shown="as in the record",
                ),
                "eval_data": option(
                    "--eval-data",
                    help="Labelled rows to measure accuracy on again, on all of them.",
                ),
            },
        ),
    )
    data_held_out: bool = False
    batches: tuple[int, ...] = field(
        default=(),
        metadata=option(
            "--batch",
            help="Batch sizes to time.",
            shown="as in the record",
            metavar="N",
            read=whole_numbers,
        ),
    )
    lengths: tuple[int, ...] = field(
        default=(),
        metadata=option(
            "--length",
            help="Lengths in tokens to time.",
            shown="as in the record",
            metavar="N",
            read=whole_numbers,
        ),
    )
    minutes: float = field(
        default=2.0,
        metadata=option("--minutes", low=0.0, help="Time to measure latency, at most."),
    )
    threads: int | None = field(
        default=None,
        metadata=option(
            "--threads", low=1, help="Threads of each model.", shown="as in the record"
        ),
    )
    inconclusive_as: Literal["pass", "fail"] | None = field(
        default=None,
        metadata=option(
            "--inconclusive",
            help="Count an inconclusive verdict as a pass or a failure.",
            shown="exit code 4",
        ),
    )
