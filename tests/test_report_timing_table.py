"""What `bertslim bench` says."""

from __future__ import annotations

from bertslim.records import BenchResult, Interval, TimeRatio, Timing
from bertslim.report.timing_table import bench_text, fastest_lines, slower_lines
from support.example_benches import SOME_MACHINE

HERE = SOME_MACHINE.model_copy(update={"versions": {"bertslim": "0.1.0", "torch": "2.13.0"}})


def beside(
    ratio: float, low: float, high: float, model: str = "base", runtime: str = "torch"
) -> TimeRatio:
    interval = Interval(of="ratio", low=low, high=high)
    return TimeRatio(model=model, runtime=runtime, ratio=ratio, interval=interval)


def timing(
    model: str,
    ms: float,
    to_first: TimeRatio | None = None,
    *,
    runtime: str = "torch",
    length: int = 128,
    to_base: TimeRatio | None = None,
    fastest: bool = False,
) -> Timing:
    return Timing(
        model=model,
        runtime=runtime,
        dtype="float32",
        batch=1,
        length=length,
        tokens=length,
        padding=0,
        median_ms=ms,
        p90_ms=ms * 1.1,
        p99_ms=ms * 1.2,
        texts_per_second=1000 / ms,
        calls=100,
        to_first=to_first,
        to_base=to_base,
        fastest=fastest,
    )


def result(*timings: Timing, notes: tuple[str, ...] = ()) -> BenchResult:
    return BenchResult(timings=timings, environment=HERE, launches=5, seed=0, notes=notes)


FASTER = beside(0.5, 0.49, 0.51)


def test_all_that_is_said() -> None:
    told = result(
        timing("base", 10.0),
        timing("slim", 5.0, FASTER, to_base=FASTER, fastest=True),
        notes=("something was left out",),
    )
    assert bench_text(told) == (
        "| model | runtime | dtype   | shape | median, ms |  p90 |  p99 | texts / s | time / first |  95 % interval |\n"
        "| ----- | ------- | ------- | ----- | ---------: | ---: | ---: | --------: | -----------: | -------------: |\n"
        "| base  | torch   | float32 | 1x128 |       10.0 | 11.0 | 12.0 |       100 |            – |              – |\n"
        "| slim  | torch   | float32 | 1x128 |       5.00 | 5.50 | 6.00 |       200 |        0.500 | 0.490 to 0.510 |\n"
        "Ratios are to the time of base in torch at the same shape.\n"
        "Fastest here at 1x128: slim in torch: 5.00 ms, 0.50 of the first's time.\n"
        "Note: something was left out.\n"
        "Measured on Some CPU with 2 threads, in 5 launches, seed 0: bertslim 0.1.0, torch 2.13.0."
    )


def test_a_model_alone_is_compared_with_nothing() -> None:
    text = bench_text(result(timing("base", 10.0, fastest=True)))
    assert "Fastest" not in text
    assert "Ratios" not in text


def test_what_is_fastest_at_every_shape_is_said_once() -> None:
    told = result(
        timing("base", 10.0, length=32),
        timing("slim", 5.0, FASTER, length=32, fastest=True),
        timing("base", 20.0),
        timing("slim", 9.0, beside(0.45, 0.44, 0.46), fastest=True),
    )
    assert list(fastest_lines(told)) == [
        "Fastest here at every shape: slim in torch: 5.00 ms, 0.50 of the first's time at 1x32, "
        "9.00 ms, 0.45 of the first's time at 1x128"
    ]


def test_what_differs_from_shape_to_shape_is_said_shape_by_shape() -> None:
    told = result(
        timing("base", 4.0, length=32, fastest=True),
        timing("slim", 5.0, beside(1.25, 1.2, 1.3), length=32),
        timing("base", 20.0),
        timing("slim", 9.0, beside(0.45, 0.44, 0.46), fastest=True),
    )
    assert list(fastest_lines(told)) == [
        "Fastest here at 1x32: base in torch: 4.00 ms",
        "Fastest here at 1x128: slim in torch: 9.00 ms, 0.45 of the first's time",
    ]


def test_what_may_be_as_fast_is_named() -> None:
    told = result(
        timing("base", 10.0, fastest=True),
        timing("slim", 9.9, beside(0.99, 0.97, 1.02), fastest=True),
    )
    (line,) = fastest_lines(told)
    assert "slim in torch (not surely faster than base in torch): 9.90 ms" in line


def test_a_model_that_is_slower_is_warned_of() -> None:
    slower = beside(1.2, 1.1, 1.3, runtime="torch-bf16")
    told = result(
        timing("base", 10.0, fastest=True),
        timing("slim", 5.0, FASTER, runtime="torch-bf16", to_base=slower),
    )
    (line,) = slower_lines(told)
    assert line == (
        "slim in torch-bf16 is slower than base in torch-bf16 at 1x128: it takes 1.20 (1.10 to "
        "1.30) of its time"
    )
    assert f"Warning: {line}.\n" in bench_text(told)


def test_a_model_that_may_be_slower_is_not() -> None:
    unsure = beside(1.05, 0.99, 1.1)
    told = result(timing("base", 10.0, fastest=True), timing("slim", 10.5, unsure, to_base=unsure))
    assert list(slower_lines(told)) == []


def test_an_interval_that_tells_nothing_is_not_written_out() -> None:
    wide = beside(1.0, 0.001, 1000)
    text = bench_text(result(timing("base", 10.0, fastest=True), timing("slim", 10.0, wide)))
    assert "| too wide |" in " ".join(text.split())
    assert "more --seconds or --launches narrow them" in text


def test_what_a_path_holds_does_not_steer_the_terminal() -> None:
    text = bench_text(result(timing("a\x1b[31m", 1.0), timing("b", 1.0, FASTER, fastest=True)))
    assert "\x1b" not in text
