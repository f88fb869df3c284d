"""Numbers for people: units, sensible digits and one minus sign."""

from __future__ import annotations

import math

from bertslim.records.units import Notation

MINUS = "−"


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
    """Write one decimal, or up to the first digit that is not zero.

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


def number(value: float, notation: Notation) -> str:
    """Write a figure without its symbol."""
    scaled = value * notation.factor / notation.divisor
    if notation.decimals is None:
        return significant(scaled)
    return tenths(scaled) if notation.shows_small else fixed(scaled, notation.decimals)


def quantity(value: float, notation: Notation) -> str:
    """Write a figure with its symbol."""
    return f"{number(value, notation)} {notation.symbol}".rstrip()
