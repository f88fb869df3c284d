"""Searches made up for the tests of their pages."""

from __future__ import annotations

from typing import Any

from bertslim.records import (
    Drop,
    Frontier,
    FrontierPoint,
    Interval,
    LatencyCheck,
    LatencyTable,
    LevelTime,
    SearchTarget,
    Solved,
)
from support.example_records import cut_record, plan

BASE_MS = 16.0


def point(share: float, *, solved: bool = True) -> FrontierPoint:
    """A point of that share of the base's time."""
    drop = Drop(metric="accuracy", base=0.712, slim=0.708, rows=500, bound=0.009)
    interval = Interval(of="ratio", low=share - 0.01, high=share + 0.01)
    made = Solved(
        damage=0.01 / share,
        drop=drop,
        bytes=76_687_000,
        ms=share * BASE_MS,
        ratio=share,
        median_ratio=share,
        interval=interval,
    )
    return FrontierPoint(
        name=f"{share:.2f}x",
        recipe={},
        plan=plan(even=False),
        predicted_ms=share * BASE_MS,
        damage=0.012 / share,
        texts=256,
        solved=made if solved else None,
    )


def frontier(**changes: Any) -> Frontier:
    """A search without a target."""
    record = cut_record()
    assert record.data is not None
    levels = (
        LevelTime(block="attention", kind="kept", size=12, ms=0.9, top_ms=0.9),
        LevelTime(block="ffn", kind="kept", size=1536, ms=1.6, top_ms=1.6),
        LevelTime(block="ffn", kind="linear", size=0, ms=0.2, top_ms=0.2),
    )
    found = Frontier(
        bertslim="0.1.0",
        created="2026-05-04T12:34:56+00:00",
        command=("bertslim", "search", "base"),
        seed=0,
        base=record.base,
        base_parameters=22_713_216,
        base_bytes=90_868_376,
        data=record.data,
        environment=record.environment,
        table=LatencyTable(
            runtime="onnxruntime-int8",
            batch=1,
            length=128,
            threads=2,
            one_token_on_top=False,
            fixed_ms=1.0,
            rest_ms=0.1,
            levels=levels,
            checks=(LatencyCheck(summed_ms=16.2, measured_ms=BASE_MS),),
            mean_error=0.01,
            largest_error=0.02,
        ),
        target=SearchTarget(),
        measure="KL in nats",
        samples=1024,
        evaluations=300,
        points=(point(0.4), point(0.5), point(0.6, solved=False), point(0.8)),
        outcome="frontier",
        chosen=None,
        message="4 points found",
        notes=("only 38 texts to report on",),
    )
    return found.model_copy(update=changes)


def chosen_frontier() -> Frontier:
    """A search that found what it was asked for."""
    return frontier(
        target=SearchTarget(drop=1.0),
        outcome="chosen",
        chosen="0.50x",
        message="0.50x is within a drop of 1 points: 8 ms a call, 0.50 of the base's",
    )
