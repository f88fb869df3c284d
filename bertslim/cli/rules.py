"""The rules of `bertslim check`, as options and as objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bertslim.gate.verdicts import Rule

MaxParamsOption = Annotated[
    str | None,
    typer.Option(
        "--max-params",
        help="Parameters of the slim model, at most, such as 20M or 20000000.",
        metavar="N",
        show_default=False,
    ),
]
MaxBytesOption = Annotated[
    str | None,
    typer.Option(
        "--max-bytes",
        help="Bytes on disk of its weights, at most, such as 90MB or 85MiB.",
        metavar="N",
        show_default=False,
    ),
]
MaxAccuracyDropOption = Annotated[
    str | None,
    typer.Option(
        "--max-accuracy-drop",
        help="Points by which the main metric may be below the base's: as the record has it, or "
        "measured again with --data or --eval-data.",
        metavar="POINTS",
        show_default=False,
    ),
]
MaxLatencyRatioOption = Annotated[
    str | None,
    typer.Option(
        "--max-latency-ratio",
        help="The slim model's time / the base's time, at most, at every shape, such as 0.8.",
        metavar="R",
        show_default=False,
    ),
]
MaxRegressionOption = Annotated[
    str | None,
    typer.Option(
        "--max-regression",
        help="How much higher this ratio may be than in the record.",
        metavar="P%",
        show_default="10%, where no rule is given",
    ),
]
MaxLatencyOption = Annotated[
    str | None,
    typer.Option(
        "--max-latency",
        help="The slim model's median time, at most, at every shape, such as 12ms; only told on a "
        "machine like the record's.",
        metavar="T",
        show_default=False,
    ),
]


def rules_of(
    *,
    max_params: str | None,
    max_bytes: str | None,
    max_accuracy_drop: str | None,
    max_latency_ratio: str | None,
    max_regression: str | None,
    max_latency: str | None,
) -> tuple[Rule, ...]:
    """Return the rules that were given, in the order in which they are judged.

    Raises:
        InputError: One of them cannot be read, or says nothing.
    """
    from bertslim.gate.accuracy_rule import MaxAccuracyDrop
    from bertslim.gate.latency_rules import MaxLatency, MaxLatencyRatio, MaxRegression
    from bertslim.gate.size_rules import MaxBytes, MaxParameters

    rules: list[Rule] = []
    if max_params is not None:
        rules.append(MaxParameters.parse(max_params))
    if max_bytes is not None:
        rules.append(MaxBytes.parse(max_bytes))
    if max_accuracy_drop is not None:
        rules.append(MaxAccuracyDrop.parse(max_accuracy_drop))
    if max_latency_ratio is not None:
        rules.append(MaxLatencyRatio.parse(max_latency_ratio))
    if max_regression is not None:
        rules.append(MaxRegression.parse(max_regression))
    if max_latency is not None:
        rules.append(MaxLatency.parse(max_latency))
    return tuple(rules)
