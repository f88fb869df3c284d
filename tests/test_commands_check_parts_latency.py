"""What a record says of latency, and what is timed again by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bertslim.commands.check_parts import RecordedLatency
from bertslim.errors import InputError
from bertslim.measure.latency_process import Shape
from bertslim.records import Measurement
from support.example_records import bare_record
from support.latencies import latency


def recorded(*latencies: Measurement) -> RecordedLatency:
    return RecordedLatency(bare_record().model_copy(update={"measurements": latencies}))


def test_latencies_of_other_runtimes_are_no_baseline() -> None:
    own = latency(0.8)
    assert recorded(latency(0.5, runtime="onnxruntime"), own).baseline == (own,)


def test_threads_are_those_of_all_latencies_else_of_the_run() -> None:
    usual = recorded().record.environment.threads
    assert recorded(latency(0.8, threads=7), latency(0.8, batch=8, threads=7)).threads == 7
    assert recorded(latency(0.8, threads=7), latency(0.8, batch=8, threads=9)).threads == usual
    assert recorded().threads == usual


def test_shapes_are_those_recorded_unless_others_are_asked_for(
    make_checkpoint: Callable[..., Path],
) -> None:
    directory = make_checkpoint("bert", "SequenceClassification")
    found = recorded(latency(0.8, batch=1, length=16), latency(0.8, batch=4, length=8))

    assert found.shapes(directory, None, None) == (Shape(1, 16), Shape(4, 8))
    assert found.shapes(directory, (2,), None) == (Shape(2, 16), Shape(2, 8))
    assert found.shapes(directory, None, (5,)) == (Shape(1, 5), Shape(4, 5))
    assert recorded().shapes(directory, None, None) == (Shape(1, 40), Shape(8, 40))
    with pytest.raises(InputError, match="takes at most 40 tokens"):
        recorded(latency(0.8)).shapes(directory, None, None)


def test_shapes_without_a_usable_latency_are_lacking() -> None:
    found = recorded(latency(0.8, batch=1, length=16), latency(None, batch=2, length=16))
    shapes = [Shape(1, 16), Shape(2, 16), Shape(1, 8)]
    assert found.lacking(shapes) == [Shape(2, 16), Shape(1, 8)]
