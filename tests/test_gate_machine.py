"""What of a machine keeps times from being compared."""

from __future__ import annotations

from typing import Any

import pytest
from gate_verdicts import MACHINE

from bertslim.gate.machine import machine_differences


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cpu": "New CPU"}, ("the record was measured on Test CPU, this is New CPU",)),
        ({"cores": 8}, ("the record was measured on 4 cores, this has 8",)),
        ({"threads": 2}, ("the record was measured with 4 threads, this with 2",)),
        ({"versions": {}, "git": "abc", "memory_bytes": 1, "os": "Other"}, ()),
    ],
)
def test_what_differs_is_told(change: dict[str, Any], told: tuple[str, ...]) -> None:
    assert machine_differences(MACHINE, MACHINE.model_copy(update=change)) == told
