"""Where tensors are worked out: on the CPU, or on a GPU by CUDA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DeviceChoice = Literal["auto", "cpu", "cuda"]
"""What `--device` takes."""

Device = Literal["cpu", "cuda"]
"""Where something is; as PyTorch calls it."""


@dataclass(frozen=True)
class Devices:
    """The devices of a run.

    Attributes:
        work: Where a model is surveyed, repaired, analyzed, trained and scored.
        timing: Where it is timed: on a GPU only where that is asked for by name.
    """

    work: Device = "cpu"
    timing: Device = "cpu"
