"""The settings of `bertslim bench`. Annotations are evaluated: the command line is made of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bertslim.data.data_options import SOURCES_HELP, DataOptions
from bertslim.devices import DeviceChoice
from bertslim.errors import InputError
from bertslim.measure.lengths import DATA, Length, read_lengths
from bertslim.measure.measure_options import BATCH_OPTION, BATCHES
from bertslim.measure.runtimes import ASKED, EXPORTED, Runtime
from bertslim.option_fields import OptionsModel, argument, group, names, option
from bertslim.options.shared import DEVICE, SEED, THREADS
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
        data: The texts of the length "data", and the rows of the alternatives; None: neither is
            asked for.
        alternatives: Whether to compare what else could be done, in speed and in score.
        small_model: A smaller pretrained encoder for it, named like `models`; None: there is none.
        small_epochs: How long that one is fine-tuned, in passes over the fit split.
        rows: Held-out rows that models are scored on for it, at most.
        runtimes: What to run them in; none: for each model those that are installed and that the
            CPU is made for, but those that are timed only where they are asked for.
        seconds: Time for each model in each runtime at each shape, over all launches.
        launches: How often all processes are started anew.
        device: Where PyTorch runs, if it is "cuda", and where alternatives are trained; exported
            files run on the CPU.
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
                    help="The texts of --length data, and the labelled rows of --alternatives. "
                    f"{SOURCES_HELP}",
                    shown=False,
                    role="input",
                )
            },
        ),
    )
    alternatives: bool = field(
        default=False,
        metadata=option(
            "--alternatives",
            help="Compare MODEL, a result or a model that was never cut, with what else could be "
            "done: its base, the base without its top layers, --small-model and static "
            "embeddings, each in every runtime and precision, in speed and in score on --data.",
        ),
    )
    small_model: str | None = field(
        default=None,
        metadata=option(
            "--small-model",
            help="A smaller pretrained encoder, which --alternatives fine-tunes on --data.",
            role="input",
        ),
    )
    small_epochs: float = field(
        default=3.0,
        metadata=option(
            "--small-epochs", low=0.01, help="How long: passes over the training texts."
        ),
    )
    rows: int = field(
        default=5000,
        metadata=option(
            "--rows", low=10, help="Held-out rows that --alternatives scores models on, at most."
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
    device: DeviceChoice = field(default="auto", metadata=DEVICE)
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
        if self.alternatives and self.data is None:
            raise InputError("needs --data beside it", where="--alternatives")
        if self.small_model is not None and not self.alternatives:
            raise InputError("needs --alternatives beside it", where="--small-model")
        if self.data is not None and not self.alternatives and DATA not in self.lengths:
            remedy = "add --length data or --alternatives"
            raise InputError("is of no use here", where="--data", remedy=remedy)
