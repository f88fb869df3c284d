"""Which figure of the record one of this run is compared with."""

from __future__ import annotations

from typing import Any

import pytest

from bertslim.gate.baseline import find_baseline, machine_differences
from bertslim.records import Measurement
from support.gate_verdicts import MACHINE
from support.latencies import latency


def test_the_baseline_is_of_the_same_runtime_batch_and_length() -> None:
    same = latency(0.5, batch=8, length=32)
    others = [
        latency(0.1, batch=8, length=128),
        latency(0.2, batch=1, length=32),
        latency(0.3, batch=8, length=32, runtime="onnxruntime"),
    ]

    assert find_baseline(latency(0.6, batch=8, length=32), [*others, same]) is same


def test_times_on_a_gpu_are_no_baseline_for_those_on_the_cpu() -> None:
    older, now = latency(0.5), latency(0.5)
    on_cpu, on_gpu = (
        now.model_copy(update={"context": {**now.context, "device": device}})
        for device in ("cpu", "cuda")
    )
    assert find_baseline(on_cpu, [on_gpu, older]) is older, "older records name no device"
    assert find_baseline(on_gpu, [on_cpu, older]) is None


@pytest.mark.parametrize(
    "unusable", [latency(None), latency(0.0), latency(0.5, 0.0, 0.6), latency(0.5, 0.6, 0.4)]
)
def test_figures_that_cannot_be_are_no_baseline(unusable: Measurement) -> None:
    assert find_baseline(latency(0.5), [unusable]) is None


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
