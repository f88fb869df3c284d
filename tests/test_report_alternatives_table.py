"""What `bertslim bench --alternatives` says."""

from __future__ import annotations

from bertslim.records import Alternatives, BenchResult, ServedModel
from bertslim.report.alternatives_table import alternatives_text, best_lines
from support.example_benches import DATA, MODELS, SOME_MACHINE, served, timed

WHOLE = served("whole", 0.9)
INT8 = served("whole", 0.899, runtime="onnxruntime", dtype="int8")
SLIM = served("slim", 0.895, runtime="onnxruntime", dtype="int8")
SMALL = served("small (mini)", 0.85, runtime="onnxruntime", dtype="int8")


def result(*ratios: tuple[ServedModel, float | None]) -> BenchResult:
    told = Alternatives(
        data=DATA, scored=900, models=MODELS, served=tuple(one for one, _ in ratios)
    )
    timings = tuple(timed(one, ratio) for one, ratio in ratios if ratio is not None)
    return BenchResult(
        timings=timings,
        alternatives=told,
        environment=SOME_MACHINE,
        launches=5,
        seed=0,
        notes=("something was left out",),
    )


def test_all_that_is_said() -> None:
    told = result((WHOLE, 1.0), (INT8, 0.5), (SLIM, 0.25), (SMALL, None))
    assert told.alternatives is not None
    assert alternatives_text(told, told.alternatives) == (
        "| model        | runtime     | in      |   MB | 1x128, ms | times as fast (95 %) | accuracy |      change |                95 % |\n"
        "| ------------ | ----------- | ------- | ---: | --------: | -------------------: | -------: | ----------: | ------------------: |\n"
        "| whole        | torch       | float32 | 90.0 |      10.0 |                 1.00 |   90.0 % |           – |      88.0 to 92.0 % |\n"
        "| whole        | onnxruntime | int8    | 90.0 |      5.00 |  2.00 (1.60 to 2.50) |   89.9 % | −0.1 points | −2.1 to +1.9 points |\n"
        "| slim         | onnxruntime | int8    | 90.0 |      2.50 |  4.00 (3.20 to 5.00) |   89.5 % | −0.5 points | −2.5 to +1.5 points |\n"
        "| small (mini) | onnxruntime | int8    | 90.0 |         – |                    – |   85.0 % | −5.0 points | −7.0 to −3.0 points |\n"
        "Times, scores and intervals are beside whole in torch; scored on 900 held-out rows of reviews.csv, the same for all.\n"
        "At 1x128, by the figures as they are, nothing is faster and better than: whole in torch (float32), whole in onnxruntime (int8), slim in onnxruntime (int8).\n"
        "whole: my-classifier, as it is.\n"
        "slim: slim, cut by the recipe r.\n"
        "Note: times leave out the tokenizer, which every model needs.\n"
        "Note: something was left out.\n"
        "Measured on Some CPU with 2 threads, in 5 launches, seed 0: bertslim 0.1.0."
    )


def test_what_another_beats_in_both_is_not_among_the_best() -> None:
    told = result((WHOLE, 1.0), (INT8, 0.25), (SLIM, 0.5), (SMALL, 0.1))
    assert told.alternatives is not None
    (line,) = best_lines(told, told.alternatives)
    named = line.partition(": ")[2]
    assert named == (
        "whole in torch (float32), whole in onnxruntime (int8), small (mini) in onnxruntime (int8)"
    )


def test_what_is_equal_in_both_is_named_twice() -> None:
    told = result((WHOLE, 1.0), (served("one", 0.9), 1.0))
    assert told.alternatives is not None
    (line,) = best_lines(told, told.alternatives)
    assert line.endswith("whole in torch (float32), one in torch (float32)")
