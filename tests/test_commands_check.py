"""`bertslim check`, with latencies from a script and, once, from the real models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import pytest

from bertslim.cli import run
from bertslim.commands import check
from bertslim.commands.check import FEWEST_LAUNCHES, LAUNCH_SECONDS, LEVEL
from bertslim.measure.environment import describe_environment
from bertslim.measure.latency import LatencyResult
from bertslim.measure.runtimes import TimedModel
from bertslim.measure.shapes import Shape
from bertslim.records import RECORD_FILE, Interval, Measurement, read_record
from support.checked_results import change_record, cut_unmeasured

Looks = list[tuple[float, float, float]]


def latency(shape: Shape, ratio: float, low: float, high: float) -> Measurement:
    return Measurement(
        name="latency",
        unit="ms",
        base=10.0,
        slim=10.0 * ratio,
        ratio=ratio,
        interval=Interval(of="ratio", low=low, high=high),
        context={
            "runtime": "torch",
            "batch": shape.batch,
            "length": shape.length,
            "threads": 3,
        },
    )


@dataclass
class ScriptedBench:
    """Stands for LatencyBench: the n-th look at a shape finds the n-th figures of the script.

    The first look comes after FEWEST_LAUNCHES.
    """

    script: Mapping[Shape, Looks]
    clock: float = 0.0
    seconds: list[float] = field(default_factory=list)
    launches: int = 1
    models: Mapping[str, TimedModel] = field(default_factory=dict)
    shapes: Sequence[Shape] = ()
    threads: int = 0
    seed: int = -1
    disturbed: tuple[str, ...] = ()
    doubts: Mapping[Shape, str] = field(default_factory=dict)
    start_up: float = 0.0

    @property
    def shape_count(self) -> int:
        return len(self.shapes)

    def __call__(
        self, models: Mapping[str, TimedModel], shapes: Sequence[Shape], **options: Any
    ) -> ScriptedBench:
        self.models, self.shapes = models, shapes
        self.threads, self.seed = options["threads"], options["seed"]
        return self

    def __enter__(self) -> ScriptedBench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def run(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.clock += seconds * len(self.shapes)

    def launch_error(self, base: str, slim: str) -> float:
        return 0.0

    def restart(self) -> None:
        self.launches += 1
        self.clock += self.start_up

    def disturbance(self) -> tuple[str, ...]:
        return self.disturbed

    def compare(self, base: str | None, slim: str, *, level: float) -> LatencyResult:
        assert level == LEVEL
        look = max(0, len(self.seconds) - FEWEST_LAUNCHES)
        default = [(0.8, 0.79, 0.81)]
        found = {shape: self.script.get(shape, default) for shape in self.shapes}
        figures = [
            latency(shape, *looks[min(look, len(looks) - 1)])
            for shape, looks in found.items()
            if shape not in self.doubts
        ]
        peak = Measurement(name="memory.peak", unit="bytes")
        return LatencyResult((*figures, peak), self.doubts)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedBench]:
    """Return a function that puts a script in the place of the bench, and its clock in time's."""

    def put(looks: Mapping[Shape, Looks] | None = None) -> ScriptedBench:
        bench = ScriptedBench(looks or {})
        monkeypatch.setattr("bertslim.commands.check.LatencyBench", bench)
        clock = SimpleNamespace(monotonic=lambda: bench.clock)
        monkeypatch.setattr("bertslim.commands.check.time", clock)
        return bench

    return put


@pytest.fixture(scope="module")
def unmeasured(
    make_checkpoint: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A result that `bertslim cut --no-measure` wrote."""
    base = make_checkpoint("bert", "SequenceClassification")
    return cut_unmeasured(base, tmp_path_factory.mktemp("results"))


@pytest.fixture
def result(unmeasured: Path, tmp_path: Path) -> Path:
    """A result whose record holds two latencies, of 3 threads, measured on this machine."""
    directory = tmp_path / "slim"
    shutil.copytree(unmeasured, directory)
    latencies = (
        latency(Shape(1, 16), 0.80, 0.796, 0.804),
        latency(Shape(4, 8), 0.70, 0.697, 0.703),
    )
    change_record(directory, measurements=latencies)
    return directory


def test_shapes_threads_seed_and_base_are_those_of_the_record(
    result: Path, script: Callable[..., ScriptedBench], make_checkpoint: Callable[..., Path]
) -> None:
    bench = script({Shape(4, 8): [(0.7, 0.69, 0.71)]})

    assert run(["check", str(result), "--quiet"]) == 0

    assert bench.shapes == (Shape(1, 16), Shape(4, 8))
    assert (bench.threads, bench.seed) == (3, 11)
    base = make_checkpoint("bert", "SequenceClassification").resolve()
    assert bench.models == {"base": TimedModel(base), "slim": TimedModel(result)}


def test_a_model_as_fast_as_its_record_passes(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    script({Shape(1, 16): [(0.81, 0.80, 0.82)], Shape(4, 8): [(0.7, 0.69, 0.71)]})

    assert run(["check", str(result)]) == 0

    out, err = capfd.readouterr()
    assert err == ""
    header, _, first, second, seconds = out.splitlines()
    assert header.split("|")[1:-1] == [
        " rule                 ",
        " of   ",
        " record ",
        " found ",
        "       interval ",
        " at most ",
        " verdict ",
    ]
    cells = [cell.strip() for cell in first.split("|")[1:-1]]
    assert cells == [
        "--max-regression 10%", "1x16", "0.800", "0.810", "0.799 to 0.821", "0.880", "pass",
    ]  # fmt: skip
    assert "4x8" in second
    assert seconds == "Measured for 9 s."


def test_a_slower_model_is_a_regression(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    script({Shape(4, 8): [(0.80, 0.79, 0.81)]})

    assert run(["check", str(result)]) == 3

    out, err = capfd.readouterr()
    assert "fail" in out
    assert err.startswith("bertslim: at 4x8 the slim model takes 0.800 of the base's time")
    assert err.count("\n") == 1


def test_it_is_measured_until_the_interval_decides(
    result: Path, script: Callable[..., ScriptedBench]
) -> None:
    """Every look is at one more launch, after the first three."""
    wide, narrower, narrow = (0.8, 0.6, 1.1), (0.8, 0.75, 0.9), (0.8, 0.79, 0.81)
    bench = script({Shape(1, 16): [wide, narrower, narrow], Shape(4, 8): [(0.7, 0.69, 0.71)]})

    assert run(["check", str(result), "--quiet"]) == 0

    assert bench.seconds == [LAUNCH_SECONDS] * 5
    assert bench.launches == 5


def test_one_failed_rule_ends_the_measurement_though_another_is_undecided(
    result: Path, script: Callable[..., ScriptedBench]
) -> None:
    bench = script({Shape(1, 16): [(0.8, 0.5, 1.5)], Shape(4, 8): [(0.9, 0.89, 0.91)]})

    assert run(["check", str(result), "--quiet"]) == 3

    assert bench.seconds == [LAUNCH_SECONDS] * FEWEST_LAUNCHES


def test_when_time_is_up_it_cannot_tell(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    bench = script({Shape(1, 16): [(0.8, 0.5, 1.5)]})

    assert run(["check", str(result), "--minutes", "0.5", "--max-latency-ratio", "0.9"]) == 4

    assert sum(bench.seconds) * len(bench.shapes) == pytest.approx(30)
    out, err = capfd.readouterr()
    assert "inconclusive" in out
    assert err.startswith("bertslim: inconclusive: at 1x16 ")
    assert err.endswith("; allow more --minutes\n")


def test_on_a_machine_that_is_too_busy_it_cannot_tell_and_says_so(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    bench = script()
    bench.doubts = {Shape(4, 8): "cannot tell on this busy machine: for a reason"}
    assert run(["check", str(result), "--minutes", "0.5", "--max-latency-ratio", "0.9"]) == 4
    out, err = capfd.readouterr()
    assert "| pass" in out
    assert "at 4x8 cannot tell on this busy machine: for a reason; allow more --minutes" in err
    assert run(["check", str(result), "--minutes", "0.5", "--max-latency-ratio", "0.5"]) == 3


def test_it_ends_in_three_times_the_minutes_though_there_were_too_few_launches(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    bench = script()
    bench.start_up = 15.0
    assert run(["check", str(result), "--minutes", "0.1", "--max-latency-ratio", "0.9"]) == 4
    assert bench.clock <= 3 * 6 + bench.start_up
    assert bench.seconds[0] == pytest.approx(6 / FEWEST_LAUNCHES / 2)
    said = f"cannot tell: there was time for {bench.launches} of {FEWEST_LAUNCHES} launches"
    assert said in capfd.readouterr().err


def test_an_unsure_record_is_blamed_for_what_it_leaves_open(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    change_record(result, measurements=(latency(Shape(1, 16), 0.8, 0.6, 1.0),))
    script({Shape(1, 16): [(0.8, 0.799, 0.801)]})

    assert run(["check", str(result), "--minutes", "0.1", "--quiet"]) == 4

    assert "the record itself is not sure enough" in capfd.readouterr().err


def test_without_a_latency_in_the_record_there_is_no_baseline(
    unmeasured: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    bench = script()

    assert run(["check", str(unmeasured)]) == 4

    out, err = capfd.readouterr()
    assert out.count("inconclusive") == 2
    assert err == (
        "bertslim: inconclusive: --max-regression 10%: no baseline, the record holds no latency at "
        "1x40; `bertslim cut` without --no-measure makes one, or give --max-latency-ratio\n"
    )
    assert bench.seconds == [], "nothing is measured in vain"


def test_a_bound_needs_no_baseline(
    unmeasured: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    bench = script()

    assert run(["check", str(unmeasured), "--max-latency-ratio", "0.9"]) == 0

    assert bench.shapes == (Shape(1, 40), Shape(8, 40)), "the model takes 40 tokens at most"
    assert "record" not in capfd.readouterr().out


def test_other_shapes_can_be_asked_for(result: Path, script: Callable[..., ScriptedBench]) -> None:
    bench = script()
    bound = ["--max-latency-ratio", "0.9", "--quiet"]

    assert run(["check", str(result), *bound, "--batch", "2,3", "--length", "5"]) == 0
    assert bench.shapes == (Shape(2, 5), Shape(3, 5))
    bench = script()
    assert run(["check", str(result), *bound, "--batch", "2"]) == 0
    assert bench.shapes == (Shape(2, 16), Shape(2, 8)), "the lengths are those of the record"


def test_a_shape_that_the_record_lacks_has_no_baseline(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    script()

    assert run(["check", str(result), "--batch", "4", "--length", "16"]) == 4

    assert "no latency at 4x16" in capfd.readouterr().err


def test_a_shape_that_the_model_cannot_take_is_refused(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    script()

    assert run(["check", str(result), "--length", "41", "--max-latency-ratio", "1"]) == 2

    assert "takes at most 40 tokens" in capfd.readouterr().err


def test_a_base_that_was_moved_is_asked_for(
    result: Path,
    script: Callable[..., ScriptedBench],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    record = read_record(result)
    gone = record.base.model_copy(update={"source": str(tmp_path / "gone")})
    change_record(result, base=gone)
    bench = script({Shape(4, 8): [(0.7, 0.69, 0.71)]})

    assert run(["check", str(result)]) == 2
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert err.endswith("is not available (no such directory); name it with --base\n")

    shutil.copytree(record.base.source, tmp_path / "moved")
    assert run(["check", str(result), "--base", str(tmp_path / "moved")]) == 0
    assert bench.models["base"] == TimedModel(tmp_path / "moved")
    assert "Note" not in capfd.readouterr().out, "the weights are those of the record"


def test_what_differs_from_the_record_is_noted(
    result: Path,
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    here = describe_environment(3)
    change_record(result, environment=here.model_copy(update={"cpu": "An Old CPU"}))
    script({Shape(4, 8): [(0.7, 0.69, 0.71)]})

    assert run(["check", str(result), "--threads", "2"]) == 0

    out = capfd.readouterr().out
    assert f"Note: the record was measured on An Old CPU, this is {here.cpu}." in out
    assert "Note: the record was measured with 3 threads, this with 2." in out


def test_another_base_is_noted(
    result: Path,
    script: Callable[..., ScriptedBench],
    make_checkpoint: Callable[..., Path],
    capfd: pytest.CaptureFixture[str],
) -> None:
    script({Shape(4, 8): [(0.7, 0.69, 0.71)]})
    other = make_checkpoint("bert", "TokenClassification")

    assert run(["check", str(result), "--base", str(other)]) == 0

    assert "is not the base of the record: its weights differ." in capfd.readouterr().out


def test_a_busy_machine_is_noted(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    script({}).disturbed = ("the machine is busy",)

    run(["check", str(result), "--json"])

    assert json.loads(capfd.readouterr().out)["notes"] == ["the machine is busy"]


def test_json_tells_the_outcome_also_of_a_failure(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    script({Shape(4, 8): [(0.80, 0.79, 0.81)]})

    assert run(["check", str(result), "--json"]) == 3

    told = json.loads(capfd.readouterr().out)
    assert told["outcome"] == "fail"
    assert [verdict["outcome"] for verdict in told["verdicts"]] == ["pass", "fail"]
    assert told["verdicts"][1]["bound"] == pytest.approx(0.77)
    assert [one["context"]["batch"] for one in told["measurements"]] == [1, 4]
    assert told["notes"] == []
    assert told["seconds"] == 9.0


def test_without_a_directory_the_newest_result_is_checked(
    result: Path,
    script: Callable[..., ScriptedBench],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    script({Shape(4, 8): [(0.7, 0.69, 0.71)]})
    monkeypatch.chdir(result.parent)

    assert run(["check"]) == 0

    assert capfd.readouterr().err == "bertslim: this is slim\n"


def test_quiet_prints_nothing(
    result: Path,
    script: Callable[..., ScriptedBench],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    script({Shape(4, 8): [(0.7, 0.69, 0.71)]})
    monkeypatch.chdir(result.parent)

    assert run(["check", "--quiet"]) == 0

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-regression", "much"], "--max-regression: 'much' is not a percentage; such as 5%"),
        (["--max-regression", "-3%"], "--max-regression: must be 0% or more"),
        (["--max-latency-ratio", "0"], "--max-latency-ratio: must be a number above 0"),
        (
            ["--max-latency-ratio", "lots"],
            "--max-latency-ratio: 'lots' is not a ratio; such as 0.8",
        ),
        (["--max-latency", "soon"], "--max-latency: 'soon' is not a time; such as 12ms"),
    ],
)
def test_rules_that_make_no_sense_are_refused(
    result: Path, arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(result), *arguments]) == 2

    assert capfd.readouterr().err == f"bertslim: {message}\n"


@pytest.mark.parametrize("margin", ["12", "12%", " 12 % "])
def test_a_margin_is_written_with_or_without_its_sign(
    result: Path,
    margin: str,
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    script({Shape(4, 8): [(0.75, 0.74, 0.76)]})

    assert run(["check", str(result), "--max-regression", margin]) == 0

    assert "--max-regression 12%" in capfd.readouterr().out


@pytest.fixture
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start real models twice, and time them for a moment, whether or not their rounds agree."""
    monkeypatch.setattr(check, "FEWEST_LAUNCHES", 2)
    monkeypatch.setattr(check, "ROUNDS_A_LAUNCH", 5)
    monkeypatch.setattr(check, "LAUNCH_SECONDS", 0.2)
    monkeypatch.setattr(check, "LONGEST_LAUNCH_SECONDS", 0.2)


@pytest.mark.usefixtures("briefly")
def test_the_real_models_are_measured(unmeasured: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The bound is one that no machine misses."""
    shape = ["--batch", "1", "--length", "4", "--threads", "1", "--json"]

    assert run(["check", str(unmeasured), "--max-latency-ratio", "1000", *shape]) == 0

    told = json.loads(capfd.readouterr().out)
    (verdict,) = told["verdicts"]
    assert 0 < verdict["interval"]["low"] <= verdict["found"] <= verdict["interval"]["high"] < 1000
    assert told["measurements"][0]["context"]["rounds"] >= 10
    assert told["measurements"][0]["base"] > 0


@pytest.mark.usefixtures("briefly")
def test_a_model_that_was_cut_in_all_ways_is_measured(
    unmeasured: Path,
    cut_all_ways: Callable[..., Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Its vocabulary is smaller than the base's, so each model has tokens of its own."""
    shutil.copytree(cut_all_ways(), tmp_path / "slim")
    shutil.copy(unmeasured / RECORD_FILE, tmp_path / "slim")
    shape = ["--batch", "1", "--length", "4", "--threads", "1", "--json"]

    assert run(["check", str(tmp_path / "slim"), "--max-latency-ratio", "1000", *shape]) == 0

    assert json.loads(capfd.readouterr().out)["measurements"][0]["slim"] > 0


def test_a_rule_without_a_baseline_does_not_keep_the_others_from_being_judged(
    unmeasured: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    bench = script()
    rules = ["--max-latency-ratio", "0.5", "--max-regression", "5%"]

    assert run(["check", str(unmeasured), *rules]) == 3

    assert bench.seconds == [LAUNCH_SECONDS] * 3, (
        "what is open for good does not prolong the measurement"
    )
    out, err = capfd.readouterr()
    assert out.count("| fail") == 2
    assert out.count("| inconclusive") == 2
    assert "no baseline" not in err


def test_a_time_is_judged_on_the_machine_of_the_record(
    result: Path, script: Callable[..., ScriptedBench], capfd: pytest.CaptureFixture[str]
) -> None:
    script({Shape(4, 8): [(0.7, 0.69, 0.71)]})

    assert run(["check", str(result), "--max-latency", "8.5ms"]) == 0
    assert "| 8.00 ms | 8.00 ms | 7.90 to 8.10 ms | 8.50 ms | pass" in flat(capfd)

    assert run(["check", str(result), "--max-latency", "7.5ms"]) == 3
    assert capfd.readouterr().err == (
        "bertslim: at 1x16 the slim model takes 8.00 ms (95 % interval 7.90 to 8.10), "
        "--max-latency 7.5ms allows 7.50\n"
    )


def flat(capfd: pytest.CaptureFixture[str]) -> str:
    """What was printed, without the blanks that make columns even."""
    return " ".join(capfd.readouterr().out.split())


@pytest.mark.parametrize("elsewhere", [{"cpu": "An Old CPU"}, {"cores": 999}, {"threads": 4}])
def test_on_another_machine_a_time_says_nothing_but_a_ratio_does(
    result: Path,
    elsewhere: dict[str, Any],
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    change_record(result, environment=describe_environment(3).model_copy(update=elsewhere))
    bench = script()
    time, ratio = ["--max-latency", "1ms"], ["--max-latency-ratio", "0.9"]

    assert run(["check", str(result), *time]) == 4
    assert bench.seconds == [], "nothing is measured in vain"
    assert "another machine, the record was measured" in capfd.readouterr().err

    assert run(["check", str(result), *time, *ratio]) == 4
    assert bench.seconds == [LAUNCH_SECONDS] * FEWEST_LAUNCHES
    assert capfd.readouterr().out.count("| pass") == 2

    assert run(["check", str(result), *time, "--max-latency-ratio", "0.5"]) == 3


@pytest.mark.parametrize(
    ("counts_as", "code", "told"),
    [("pass", 0, ""), ("fail", 3, "bertslim: inconclusive: at 1x16 the slim model takes 0.800")],
)
def test_a_pipeline_can_have_one_answer(
    result: Path,
    counts_as: str,
    code: int,
    told: str,
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    script({Shape(1, 16): [(0.8, 0.5, 1.5)]})
    rule = ["--max-latency-ratio", "0.9", "--minutes", "0.1"]

    assert run(["check", str(result), *rule, "--inconclusive", counts_as]) == code

    out, err = capfd.readouterr()
    assert "| inconclusive |" in out
    assert f"Note: what is inconclusive counts as a {counts_as}, as asked." in out
    assert err.startswith(told)
    assert bool(err) == bool(told)


def test_changed_weights_are_noted(
    result: Path,
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    record = read_record(result)
    change_record(result, slim=record.slim.model_copy(update={"sha256": "0" * 64}))
    script({Shape(4, 8): [(0.7, 0.69, 0.71)]})

    assert run(["check", str(result)]) == 0

    assert "Note: the weights are not those of the record." in capfd.readouterr().out
