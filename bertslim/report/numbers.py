"""Numbers for people: units, sensible digits and one minus sign."""

from __future__ import annotations

import math
from dataclasses import dataclass

MINUS = "−"
_TOLD_BY_NAME = ("perplexity", "squared error")


def fixed(value: float, decimals: int = 0) -> str:
    """Write a number with thousands separators and that many decimals; never "−0"."""
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def significant(value: float, digits: int = 3) -> str:
    """Write a number with that many significant digits, integers whole."""
    if value == 0 or not math.isfinite(value):
        return fixed(value)
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -4:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    return fixed(value, max(0, digits - 1 - magnitude))


def tenths(value: float) -> str:
    """Write one decimal, or the first digit that is not zero where that lies further behind.

    What is less than a 2,000th is nothing.
    """
    if abs(value) >= 0.05 or abs(value) < 0.0005:
        return fixed(value, 1)
    return significant(value, 1)


def signed(text: str) -> str:
    """Put a plus before a written number that is neither negative nor zero."""
    return text if text.startswith(MINUS) or not text.strip("0.,") else f"+{text}"


def percent_change(ratio: float) -> str:
    """Write a ratio as the change that it is: 0.766 is "−23.4 %"."""
    return f"{signed(tenths((ratio - 1) * 100))} %"


@dataclass(frozen=True)
class Scale:
    """How the figures of one measurement are written.

    Attributes:
        divisor: What one written unit is worth.
        symbol: What stands behind the number.
        decimals: Decimals; None for three significant digits.
    """

    divisor: float
    symbol: str
    decimals: int | None = None

    def number(self, value: float) -> str:
        """Write a value without its symbol."""
        scaled = value / self.divisor
        return significant(scaled) if self.decimals is None else fixed(scaled, self.decimals)

    def quantity(self, value: float) -> str:
        """Write a value with its symbol."""
        return f"{self.number(value)} {self.symbol}".rstrip()


def scale_for(unit: str, *values: float | None) -> Scale:
    """Choose how a measurement of that unit is written, one way for all its values."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    match unit:
        case "parameters" | "count":
            return Scale(1, "", 0)
        case "share":
            return Scale(0.01, "%", 1)
        case "cosine" | "correlation":
            return Scale(1, "", 4)
        case "bytes":
            return Scale(2**20, "MiB") if largest >= 2**17 else Scale(2**10, "KiB")
        case "MACs":
            return _counted(largest, "MACs")
        case _:
            return Scale(1, "" if unit in _TOLD_BY_NAME else unit)


def _counted(largest: float, unit: str) -> Scale:
    for divisor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if largest >= divisor / 10:
            return Scale(divisor, f"{prefix} {unit}")
    return Scale(1, unit)
