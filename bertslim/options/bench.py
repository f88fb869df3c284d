"""The settings of `bertslim bench`. Annotations are evaluated: the command line is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bertslim.data.data_options import SOURCES_HELP, DataOptions
from bertslim.errors import InputError
from bertslim.measure.lengths import DATA, Length, read_lengths
from bertslim.measure.measure_options import BATCH_OPTION, BATCHES
from bertslim.measure.runtimes import ASKED, EXPORTED, Runtime
from bertslim.option_fields import OptionsModel, argument, group, names, option
from bertslim.options.shared import SEED, THREADS
from bertslim.wording import did_you_mean


def read_runtimes(values: Sequence[str], option: str) -> tuple[Runtime, ...]:
    """Read `--runtime torch --runtime openvino` and `--runtime torch,openvino` alike.

    Raises:
        InputError: One of them is no runtime.
    """
    words = names(values)
    known = [runtime.value for runtime in Runtime]
    for word in words:
        if word not in known:
            raise InputError(
                f"{word!r} is no runtime",
                where=option,
                remedy=did_you_mean(word, known) or f"known are {', '.join(known)}",
            )
    return tuple(map(Runtime, words))


@dataclass(frozen=True)
class BenchOptions(OptionsModel):
    """What `bertslim bench` is asked for.

    Attributes:
        models: Local directories, exported files, `pkg:NAME` or Hub ids; the others are compared
            with the first.
        batches: Batch sizes.
        lengths: Lengths in tokens, or "data" for texts as they come; none: 128, or what all models
            can take.
        data: The texts of the length "data"; None: it is not timed.
        runtimes: What to run them in; none: for each model those that are installed and that the
            CPU is made for, but those that are timed only where they are asked for.
        seconds: Time for each model in each runtime at each shape, over all launches.
        launches: How often all processes are started anew.
        seed: Settles the random inputs and the bootstrap.
        threads: Threads of each model; None: all cores.
    """

    models: tuple[str, ...] = field(
        metadata=argument(
            "MODEL",
            help="Checkpoints (a local directory, pkg:NAME or a Hub id), "
            f"{' and '.join(f'{kind.plural} ({kind.suffix})' for kind in EXPORTED)}. The others "
            "are compared with the first.",
            role="input",
        )
    )
    batches: tuple[int, ...] = field(default=BATCHES, metadata=BATCH_OPTION)
    lengths: tuple[Length, ...] = field(
        default=(),
        metadata=option(
            "--length",
            help="Lengths in tokens to time, such as 32,128; data for batches of the texts of "
            "--data as they come, padded to their longest.",
            shown="128",
            metavar="N",
            read=read_lengths,
        ),
    )
    data: DataOptions | None = field(
        default=None,
        metadata=group(
            DataOptions,
            replaced={
                "data": option(
                    "--data",
                    help=f"The texts of --length data. {SOURCES_HELP}",
                    shown=False,
                    role="input",
                )
            },
        ),
    )
    runtimes: tuple[Runtime, ...] = field(
        default=(),
        metadata=option(
            "--runtime",
            help=f"What to run them in: {', '.join(Runtime)}.",
            shown=f"all that suit model and CPU, but {' and '.join(ASKED)}",
            metavar="NAME",
            read=read_runtimes,
        ),
    )
    seconds: float = field(
        default=4.0,
        metadata=option(
            "--seconds", low=0.1, help="Time for each model in each runtime, batch and length."
        ),
    )
    launches: int = field(
        default=5,
        metadata=option(
            "--launches",
            low=1,
            help="How often to start all of them anew; with 1 the intervals leave out what differs "
            "from process to process.",
        ),
    )
    seed: int = field(default=0, metadata=SEED)
    threads: int | None = field(default=None, metadata=THREADS)

    def __post_init__(self) -> None:
        """Settle the fields; refuse texts without data, and data of no use.

        Raises:
            InputError: A value is of no use, or one of the two is missing.
        """
        super().__post_init__()
        if DATA in self.lengths and self.data is None:
            raise InputError("needs --data beside it", where="--length data")
        if self.data is not None and DATA not in self.lengths:
            raise InputError("is of no use here", where="--data", remedy="add --length data")
