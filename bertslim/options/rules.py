"""The rules of `bertslim check`. Annotations are evaluated: the command line is made of them."""

from dataclasses import dataclass, field

from bertslim.option_fields import OptionsModel, option


@dataclass(frozen=True)
class RuleOptions(OptionsModel):
    """The rules for a result as text; `bertslim.gate` parses them.

    Attributes:
        max_params: Parameters of the slim model, at most.
        max_bytes: Bytes on disk of its weights, at most.
        max_accuracy_drop: Points by which the main metric may be below the base's.
        max_latency_ratio: The slim model's time / the base's time, at most.
        max_regression: Percent by which this ratio may be higher than in the record.
        max_latency: The slim model's median time, at most.
    """

    max_params: str | None = field(
        default=None,
        metadata=option(
            "--max-params",
            help="Parameters of the slim model, at most, such as 20M or 20000000.",
            metavar="N",
        ),
    )
    max_bytes: str | None = field(
        default=None,
        metadata=option(
            "--max-bytes",
            help="Bytes on disk of its weights, at most, such as 90MB or 85MiB.",
            metavar="N",
        ),
    )
    max_accuracy_drop: str | None = field(
        default=None,
        metadata=option(
            "--max-accuracy-drop",
            help="Points by which the main metric may be below the base's: as the record has it, "
            "or measured again with --data or --eval-data.",
            metavar="POINTS",
        ),
    )
    max_latency_ratio: str | None = field(
        default=None,
        metadata=option(
            "--max-latency-ratio",
            help="The slim model's time / the base's time, at most, at every shape, such as 0.8.",
            metavar="R",
        ),
    )
    max_regression: str | None = field(
        default=None,
        metadata=option(
            "--max-regression",
            help="How much higher this ratio may be than in the record.",
            metavar="P%",
            shown="10%, where no rule is given",
        ),
    )
    max_latency: str | None = field(
        default=None,
        metadata=option(
            "--max-latency",
            help="The slim model's median time, at most, at every shape, such as 12ms; judged "
            "only on a machine like the record's.",
            metavar="T",
        ),
    )
