"""The settings of `bertslim search`. Annotations are evaluated: the command line needs them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bertslim.data.data_options import SOURCES_HELP, DataOptions
from bertslim.devices import DeviceChoice
from bertslim.errors import InputError
from bertslim.measure.lengths import Length, read_lengths
from bertslim.option_fields import OptionsModel, group, names, option
from bertslim.options.shared import FORCE, MODEL, SEED, THREADS
from bertslim.search.level_groups import GROUPS
from bertslim.search.search_runtimes import SearchRuntime
from bertslim.wording import did_you_mean

TARGET_LATENCY = option(
    "--target-latency",
    help="The most that a call may take: a share of the base's time, such as 0.5x, or a time, such "
    "as 4ms.",
    metavar="T",
)
TARGET_PARAMS = option("--target-params", help="The most parameters, such as 40M.", metavar="N")
TARGET_BYTES = option(
    "--target-bytes", help="The most bytes of weights on disk, such as 50MB.", metavar="N"
)


def read_length(values: Sequence[str], option: str) -> Length:
    """Read the value of `--length`.

    Raises:
        InputError: It is neither a whole number from 1 on nor "data", or there are several.
    """
    lengths = read_lengths(values, option, example="128 or data")
    if len(lengths) > 1:
        raise InputError(
            "a search takes one length", where=option, remedy="search for each by itself"
        )
    return lengths[0]


def read_groups(values: Sequence[str], option: str) -> tuple[str, ...]:
    """Read `--levels widths --levels heads` and `--levels widths,heads` alike.

    Raises:
        InputError: One of them is no group of levels.
    """
    words = names(values)
    for word in words:
        if word not in GROUPS:
            raise InputError(
                f"{word!r} is no group of levels",
                where=option,
                remedy=did_you_mean(word, GROUPS) or f"known are {', '.join(GROUPS)}",
            )
    return words


@dataclass(frozen=True)
class SearchOptions(OptionsModel):
    """What `bertslim search` is asked for.

    Attributes:
        model: A local directory, `pkg:NAME` or a Hub id.
        data: Texts to solve from and to choose on; with labels the drop in accuracy is judged.
        target_latency: The most that a call may take, as a share of the base's time or in ms.
        target_params: The most parameters.
        target_bytes: The most bytes on disk of the weights.
        max_accuracy_drop: Points by which the main metric may be below the base's.
        runtime: What the model is to run in; None: the fastest of those that are installed whose
            file of the base answers as PyTorch does.
        batch: Sequences a call.
        length: Tokens a sequence, or DATA for the texts of `data` as they come; None: 128, or what
            the model can take.
        minutes: How long to search; what is begun is finished, and the latency table, where it is
            not known yet, and the report come on top.
        retrain_minutes: How long the chosen model is trained afterwards, with the base as its
            teacher; None: not at all.
        levels: Groups of levels that blocks may be cut to; none: all.
        output: Where the result goes; None: `./<model>-search`.
        resume: Whether to go on with an interrupted search, if there is one.
        seed: Seeds every random step.
        threads: Threads of every computation; None: all cores.
        device: Where to survey, repair, try, train and score; models are timed on the CPU.
        force: Whether an existing output, or an interrupted search, may be replaced.
        command: The command line, for the record.
    """

    model: str = field(metadata=MODEL)
    data: DataOptions = field(
        metadata=group(
            DataOptions,
            replaced={
                "data": option(
                    "--data",
                    help="Texts to solve from and to choose on; with labels the drop in accuracy "
                    f"is judged. {SOURCES_HELP}",
                    shown=False,
                )
            },
        )
    )
    target_latency: str | None = field(
        default=None,
        metadata=TARGET_LATENCY,
    )
    target_params: str | None = field(
        default=None,
        metadata=TARGET_PARAMS,
    )
    target_bytes: str | None = field(
        default=None,
        metadata=TARGET_BYTES,
    )
    max_accuracy_drop: str | None = field(
        default=None,
        metadata=option(
            "--max-accuracy-drop",
            help="Points by which the main metric may be below the base's, shown at 95 %; needs "
            "labels.",
            metavar="POINTS",
        ),
    )
    runtime: SearchRuntime | None = field(
        default=None,
        metadata=option(
            "--runtime",
            help="What runs the model.",
            shown="the fastest installed one whose file of the base answers as PyTorch does",
        ),
    )
    batch: int = field(
        default=1, metadata=option("--batch", low=1, help="Sequences a call.", metavar="N")
    )
    length: Length | None = field(
        default=None,
        metadata=option(
            "--length",
            help="Tokens a sequence, or `data` for the texts of --data as they come.",
            metavar="N",
            shown="128",
            read=read_length,
        ),
    )
    minutes: float = field(
        default=10.0,
        metadata=option(
            "--minutes",
            low=0.01,
            help="How long to search, beside measuring the latency table once and the report.",
        ),
    )
    retrain_minutes: float | None = field(
        default=None,
        metadata=option(
            "--retrain-minutes",
            low=0.01,
            help="How long to train the chosen model afterwards, with the base as its teacher; "
            "comes on top.",
            metavar="N",
        ),
    )
    levels: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "--levels",
            help=f"What blocks may be cut to: {', '.join(GROUPS)}.",
            shown="all of them",
            metavar="NAME",
            read=read_groups,
        ),
    )
    output: Path | None = field(
        default=None,
        metadata=option(
            "-o",
            "--output",
            help="The directory to write.",
            shown="./<model>-search",
            role="output",
        ),
    )
    resume: bool = field(
        default=False,
        metadata=option(
            "--resume",
            help="Go on where a search with this output was interrupted: what was tried is not "
            "tried again.",
        ),
    )
    seed: int = field(default=0, metadata=SEED)
    threads: int | None = field(default=None, metadata=THREADS)
    device: DeviceChoice = field(
        default="auto",
        metadata=option(
            "--device",
            help="Where to compute: cpu, cuda (a GPU), or auto, a GPU if PyTorch has one. Models "
            "are timed on the CPU.",
        ),
    )
    force: bool = field(default=False, metadata=FORCE)
    command: tuple[str, ...] = ()
