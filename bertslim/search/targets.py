"""What a search is asked for, as a person writes it."""

from __future__ import annotations

from dataclasses import dataclass

from bertslim.errors import InputError
from bertslim.gate.amounts import BYTES, COUNTS, MILLISECONDS, POINTS, read_amount
from bertslim.records import SearchTarget

_LATENCY = "--target-latency"
_ROOM = 1 << 16  # bytes of a file of weights that are no weights
_RATIO = {"x": 1.0}


@dataclass(frozen=True)
class WrittenTarget:
    """A target whose latency may be a share of the base's, which is not yet known.

    Attributes:
        ms: The most that a call may take.
        ratio: The same as a share of the base's time.
        parameters: The most parameters.
        bytes: The most bytes on disk.
        drop: The most that the main metric may be below the base's, in hundredths.
    """

    ms: float | None = None
    ratio: float | None = None
    parameters: int | None = None
    bytes: int | None = None
    drop: float | None = None

    def beside(self, base_ms: float) -> SearchTarget:
        """Return the target for a base that takes so many ms."""
        ms = self.ms if self.ratio is None else self.ratio * base_ms
        return SearchTarget(ms=ms, parameters=self.parameters, bytes=self.bytes, drop=self.drop)


def read_target(
    latency: str | None, parameters: str | None, size: str | None, drop: str | None
) -> WrittenTarget:
    """Read a target.

    Args:
        latency: Such as "0.5x" or "4ms".
        parameters: Such as "40M".
        size: Such as "50MB".
        drop: Points, such as "1.0".

    Raises:
        InputError: One of them cannot be read, or is not above 0.
    """
    ms, ratio = None, None
    if latency is not None and latency.strip().lower().endswith("x"):
        what = "a share of the base's time"
        ratio = _positive(latency, _RATIO, _LATENCY, what, "0.5x")
    elif latency is not None:
        ms = _positive(latency, MILLISECONDS, _LATENCY, "a time, or a share of the base's", "4ms")
    points = None
    if drop is not None:
        option = "--max-accuracy-drop"
        what = "a number of points"
        points = read_amount(drop, POINTS, option=option, what=what, example="0.5")
        if points < 0:
            raise InputError("must be 0 points or more", where=option)
    return WrittenTarget(
        ms,
        ratio,
        _whole(parameters, COUNTS, "--target-params", "a number of parameters", "40M"),
        _whole(size, BYTES, "--target-bytes", "a number of bytes", "50MB"),
        points,
    )


def _whole(
    text: str | None, units: dict[str, int], option: str, what: str, example: str
) -> int | None:
    if text is None:
        return None
    return int(_positive(text, dict(units), option, what, example))


def _positive(
    text: str, units: dict[str, float] | dict[str, int], option: str, what: str, example: str
) -> float:
    amount = read_amount(text, dict(units), option=option, what=what, example=example)
    if not amount > 0:
        raise InputError("must be above 0", where=option, remedy=f"such as {example}")
    return amount


def most_parameters(target: SearchTarget, base: int, size: int, itemsize: int) -> int | None:
    """Return the most parameters by the limits of parameters and of bytes; None: any number.

    Args:
        target: What was asked for.
        base: Parameters of the base.
        size: Bytes of its weights on disk.
        itemsize: Bytes of a parameter.
    """
    limits = [] if target.parameters is None else [target.parameters]
    if target.bytes is not None:
        limits.append(base - max(0, -(-(size + _ROOM - target.bytes) // itemsize)))
    return min(limits, default=None)
