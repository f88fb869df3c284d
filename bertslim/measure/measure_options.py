"""What to measure of two models. Annotations are evaluated: the command line is made of them."""

from dataclasses import dataclass, field

from bertslim.option_fields import OptionsModel, option, whole_numbers

BATCHES = (1, 8)
BATCH_OPTION = option(
    "--batch", help="Batch sizes to time, such as 1,8.", metavar="N", read=whole_numbers
)
SHOW_TEXTS_HELP = (
    "Quote in the report the held-out texts that are answered differently. Check who "
    "reads the report; the model card leaves them out."
)


@dataclass(frozen=True)
class MeasureOptions(OptionsModel):
    """What to measure, and on what.

    Attributes:
        batches: Batch sizes of the latency measurement.
        lengths: Lengths in tokens of the latency measurement, the first one that of the MACs; none:
            128, or what the model can take.
        seconds: Time of the latency measurement for each batch and length.
        launches: How often both models are started anew for it.
        show_texts: Whether the report may quote held-out texts, those that the models answer
            differently.
    """

    batches: tuple[int, ...] = field(default=BATCHES, metadata=BATCH_OPTION)
    lengths: tuple[int, ...] = field(
        default=(),
        metadata=option(
            "--length",
            help="Lengths in tokens to time, such as 32,128; multiply-accumulates (MACs) are "
            "counted at the first.",
            shown="128",
            metavar="N",
            read=whole_numbers,
        ),
    )
    seconds: float = field(
        default=8.0,
        metadata=option("--seconds", low=0.1, help="Time to spend on each batch and length."),
    )
    launches: int = field(
        default=5,
        metadata=option(
            "--launches",
            low=1,
            help="How often to start both models anew while timing; with 1 the interval leaves out "
            "what differs from process to process.",
        ),
    )
    show_texts: bool = field(
        default=False,
        metadata=option(
            "--show-texts", help=SHOW_TEXTS_HELP, alone="needs the models to be compared"
        ),
    )
