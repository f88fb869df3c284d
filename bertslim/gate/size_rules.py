"""Rules about how big the slim model is: counted, so never inconclusive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from bertslim.errors import InputError
from bertslim.gate.amounts import BYTES, COUNTS, read_amount, written_amount
from bertslim.gate.verdicts import Figure, Verdict
from bertslim.records import Measurement

_PARAMETERS_OPTION = "--max-params"
_BYTES_OPTION = "--max-bytes"


@dataclass(frozen=True)
class MaxParameters:
    """The slim model has at most so many parameters."""

    bound: int
    figure: ClassVar[Figure] = "parameters"

    def __post_init__(self) -> None:
        _check_bound(self.bound, _PARAMETERS_OPTION)

    def __str__(self) -> str:
        return f"{_PARAMETERS_OPTION} {written_amount(self.bound, COUNTS)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a number such as 20M or 20000000.

        Raises:
            InputError: It is none.
        """
        return cls(_whole(text, COUNTS, _PARAMETERS_OPTION, "a number of parameters", "20M"))

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Compare the number with the bound."""
        sentence = f"the slim model has {_size(now):,.0f} parameters"
        return _verdict(self, "parameters", now, before, sentence)


@dataclass(frozen=True)
class MaxBytes:
    """The weights of the slim model take at most so many bytes on disk."""

    bound: int
    figure: ClassVar[Figure] = "bytes"

    def __post_init__(self) -> None:
        _check_bound(self.bound, _BYTES_OPTION)

    def __str__(self) -> str:
        return f"{_BYTES_OPTION} {written_amount(self.bound, BYTES)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a size such as 90MB, 85MiB or 90000000.

        Raises:
            InputError: It is none.
        """
        return cls(_whole(text, BYTES, _BYTES_OPTION, "a number of bytes", "90MB or 85MiB"))

    def judge(self, now: Measurement, before: Measurement | None) -> Verdict:
        """Compare the size with the bound."""
        sentence = f"the slim model's weights take {_size(now):,.0f} bytes on disk"
        return _verdict(self, "bytes", now, before, sentence)


def _verdict(
    rule: MaxParameters | MaxBytes,
    unit: Literal["parameters", "bytes"],
    now: Measurement,
    before: Measurement | None,
    sentence: str,
) -> Verdict:
    return Verdict(
        rule=str(rule),
        subject=unit,
        recorded=before.slim if before else None,
        found=now.slim,
        unit=unit,
        bound=rule.bound,
        outcome="pass" if _size(now) <= rule.bound else "fail",
        sentence=f"{sentence}, {rule} allows {rule.bound:,}",
    )


def _whole(text: str, units: dict[str, int], option: str, what: str, example: str) -> int:
    return round(read_amount(text, units, option=option, what=what, example=example))


def _check_bound(bound: int, option: str) -> None:
    if bound < 1:
        raise InputError("must be 1 or more", where=option)


def _size(measurement: Measurement) -> float:
    assert measurement.slim is not None  # noqa: S101
    return measurement.slim
