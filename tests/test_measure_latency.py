from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import psutil
import pytest

from bertslim.errors import BertslimError, InputError
from bertslim.measure import (
    contention,
    latency,
    latency_process,
    latency_samples,
    latency_worker,
)
from bertslim.measure.environment import default_threads
from bertslim.measure.input_limits import InputLimits
from bertslim.measure.latency import LatencyBench, measure_latency
from bertslim.measure.latency_process import WORKER_MODULE, Block, WarmUp, WorkerProcess
from bertslim.measure.latency_worker import Stopwatch, settle
from bertslim.measure.lengths import DATA, read_lengths
from bertslim.measure.runtimes import Runtime, TimedModel
from bertslim.measure.shapes import Shape, check_shapes
from bertslim.measure.text_sample import TextSample
from bertslim.progress import Progress
from support.tiny_onnx import write_tiny_onnx

SMALL, LARGE = Shape(1, 8), Shape(4, 32)


@pytest.fixture(scope="module")
def deep(make_checkpoint):
    """A model that takes several times as long as `shallow`, and much more memory."""
    return make_checkpoint(
        "bert", "", hidden_size=256, num_hidden_layers=12, intermediate_size=1024
    )


@pytest.fixture(scope="module")
def shallow(make_checkpoint):
    return make_checkpoint("bert", "", hidden_size=256, num_hidden_layers=2, intermediate_size=64)


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """A model whose process starts at once, for what is not about PyTorch."""
    path = write_tiny_onnx(tmp_path_factory.mktemp("light") / "model.onnx")
    return TimedModel(path, Runtime.ONNXRUNTIME)


@pytest.fixture
def quiet():
    return Progress(visible=False)


@pytest.fixture(scope="module")
def measured(deep, shallow):
    """Two runs of one bench: its figures after the first and after the second."""
    with LatencyBench(
        {"base": TimedModel(deep), "slim": TimedModel(shallow)},
        [SMALL, LARGE],
        threads=1,
        seed=3,
        progress=Progress(visible=False),
    ) as bench:
        bench.run(0.5)
        first = bench.compare("base", "slim")
        bench.run(0.5)
        return first, bench.compare("base", "slim")


def children():
    return psutil.Process().children(recursive=True)


def workers():
    return {child.pid for child in children() if WORKER_MODULE in command_of(child)}


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.ZombieProcess:  # it has ended, and is not yet waited for
        return []


def ends_within(seconds, pids):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(psutil.pid_exists(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


class DriftingWorker:
    """Stands in for a process, on a machine that slows down steadily from call to call."""

    clock = 0

    def __init__(self, model, threads, vocabulary, seed):
        self.ms = float(model.path.name)

    def wait_until_loaded(self):
        pass

    def peak_bytes(self, shape):
        return 1000

    def dtype(self):
        return "float32"

    def warm_up(self, shape, seconds):
        return WarmUp(calls=4, call_ms=self.ms)

    def block(self, shape, calls, *, first, patient):
        DriftingWorker.clock += 1
        return Block(np.full(calls, self.ms * (1 + DriftingWorker.clock)), disturbed=False)

    def close(self):
        pass


def stand_in_bench(worker, tmp_path, monkeypatch, quiet, threads=1):
    """A bench whose models take 10 and 5 ms a call, in the place of processes."""
    monkeypatch.setattr(latency, "WorkerProcess", worker)
    monkeypatch.setattr(latency, "read_limits", lambda _: InputLimits(100, 512))
    models = {"base": TimedModel(tmp_path / "10"), "slim": TimedModel(tmp_path / "5")}
    return LatencyBench(models, [SMALL], threads=threads, seed=0, progress=quiet)


def test_shape_reads_as_people_write_it():
    assert str(Shape(8, 128)) == "8x128"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (Shape(1, 513), "shape 1x513: the model takes at most 512 tokens; use a length up to 512"),
        (Shape(0, 8), "shape 0x8: batch and length must be 1 or more"),
        (Shape(1, 0), "shape 1x0: batch and length must be 1 or more"),
    ],
)
def test_shapes_that_the_model_cannot_take_are_refused(shape, message):
    check_shapes([Shape(64, 512)], max_positions=512)
    with pytest.raises(InputError) as caught:
        check_shapes([Shape(1, 8), shape], max_positions=512)
    assert str(caught.value) == message


def test_lengths_read_as_people_write_them():
    assert read_lengths(["32,data", "32", "64"], "--length") == (32, DATA, 64)
    assert str(Shape(8, DATA)) == "8xdata"
    with pytest.raises(InputError, match="--length: 'date' is not a whole number from 1 on"):
        read_lengths(["date"], "--length")


def test_measures_every_figure_of_every_shape(measured):
    figures = measured[0].measurements
    assert [
        (figure.name, figure.context["batch"], figure.context["length"]) for figure in figures
    ] == [
        *[(name, 1, 8) for name in ("latency", "latency.p90", "latency.p99")],
        *[(name, 4, 32) for name in ("latency", "latency.p90", "latency.p99")],
        ("memory.peak", 4, 32),
    ]
    for figure in figures:
        assert figure.context["runtime"] == "torch"
        assert figure.context["dtype"] == "float32"
        assert figure.context["threads"] == 1
        if figure.name == "latency":
            assert figure.interval.low <= figure.ratio <= figure.interval.high
        else:
            assert figure.ratio == pytest.approx(figure.slim / figure.base, rel=1e-12)
    for median, p90, p99 in (figures[:3], figures[3:6]):
        assert {median.unit, p90.unit, p99.unit} == {"ms"}
        assert 0 < median.base <= p90.base <= p99.base
        assert 0 < median.slim <= p90.slim <= p99.slim
        assert median.context["rounds"] >= 10
        assert median.context["runs"] % median.context["rounds"] == 0
        assert median.context["warmup"] >= 2


def test_a_model_with_fewer_layers_is_faster_beyond_doubt(measured):
    for figure in measured[0].measurements:
        if figure.name == "latency":
            assert figure.interval.of == "ratio"
            assert figure.interval.low <= figure.ratio <= figure.interval.high < 0.8


def test_peak_memory_is_about_that_of_the_weights(measured):
    peak = measured[0].measurements[-1]
    weights = 4 * 12 * (4 * 256 * 256 + 2 * 256 * 1024)
    assert peak.unit == "bytes"
    assert weights < peak.base < weights + 100e6
    assert peak.slim < peak.base - weights / 2


def test_a_second_run_adds_to_the_first(measured):
    for first, both in zip(*(result.measurements for result in measured), strict=True):
        assert first.context.get("warmup") == both.context.get("warmup")
        if first.name != "memory.peak":
            assert both.context["rounds"] > first.context["rounds"]


def test_measures_one_model_alone_and_leaves_no_process_behind(shallow, quiet):
    before = children()
    with LatencyBench(
        {"slim": TimedModel(shallow)}, [SMALL], threads=1, seed=0, progress=quiet
    ) as bench:
        assert len(children()) == len(before) + 1
        bench.run(0.1)
    assert children() == before
    figures = bench.compare(None, "slim").measurements
    assert [figure.name for figure in figures][::3] == ["latency", "memory.peak"]
    for figure in figures:
        assert figure.slim > 0
        assert (figure.base, figure.ratio, figure.interval) == (None, None, None)


def test_steady_drift_of_the_machine_cancels(tmp_path, quiet, monkeypatch):
    with stand_in_bench(DriftingWorker, tmp_path, monkeypatch, quiet) as bench:
        bench.run(0.0)
        median = bench.compare("base", "slim").measurements[0]
    assert median.context["rounds"] == 10
    assert median.context["runs"] == 10 * math.ceil(latency.BLOCK_MS / 10), "of the slower one"
    assert median.ratio == pytest.approx(0.5, rel=0.003)


def test_names_both_dtypes_where_they_differ(tmp_path, quiet, monkeypatch):
    class HalfWorker(DriftingWorker):
        def dtype(self):
            return "float32" if self.ms == 10 else "bfloat16"

    with stand_in_bench(HalfWorker, tmp_path, monkeypatch, quiet) as bench:
        bench.run(0.0)
        figures = bench.compare("base", "slim").measurements
    assert {figure.context["dtype"] for figure in figures} == {"float32 / bfloat16"}


TEXT_MS = (1.0, 30.0, 2.0)  # of three batches: ratios of medians would mistake them


class ReadingWorker(DriftingWorker):
    """On texts, of which one batch takes much longer than the others."""

    def warm_up(self, shape, seconds):
        return WarmUp(calls=3, call_ms=sum(TEXT_MS) / 3 * self.ms)

    def block(self, shape, calls, *, first, patient):
        times = [self.ms * TEXT_MS[number % 3] for number in range(first, first + calls)]
        return Block(np.array(times), disturbed=False)


@pytest.fixture
def texts(tmp_path):
    """A file of seven texts, so that there are three batches of two."""
    ids = tuple(np.full(length, 50) for length in (3, 5, 9, 2, 4, 4, 8))
    sample = TextSample("texts.csv", ids, tuple(map(np.zeros_like, ids)), padding_id=0)
    sample.write(tmp_path / "texts.npz")
    return tmp_path / "texts.npz"


def test_all_models_are_timed_on_the_same_texts_and_compared_by_their_sum(
    tmp_path, texts, quiet, monkeypatch
):
    monkeypatch.setattr(latency, "WorkerProcess", ReadingWorker)
    monkeypatch.setattr(latency, "read_limits", lambda _: InputLimits(100, 512))
    models = {
        name: TimedModel(tmp_path / ms, texts=texts) for name, ms in (("base", "2"), ("slim", "1"))
    }
    shape = Shape(2, DATA)
    with LatencyBench(models, [shape], threads=1, seed=0, progress=quiet) as bench:
        bench.run(0.0)
        median, p90, _, peak = bench.compare("base", "slim").measurements
        fastest = bench.fastest_ms("slim", shape)
        speed = bench.texts_per_second("slim", shape)
        error = bench.launch_error("base", "slim")
    calls = math.ceil(latency.BLOCK_MS / 16.5)  # of a model between the two
    assert median.context["runs"] == 10 * calls
    assert median.ratio == pytest.approx(0.5, rel=1e-12)
    assert error == pytest.approx(0, abs=1e-12)
    times = [TEXT_MS[number % 3] for number in range(10 * calls)]
    assert (median.slim, p90.slim) == (np.median(times), np.quantile(times, 0.9))
    assert fastest == pytest.approx(11), "the mean over batches"
    assert speed == pytest.approx(2000 / np.mean(times))
    told = {key: median.context[key] for key in ("length", "dataset", "texts", "tokens", "padding")}
    assert told == {
        "length": "data",
        "dataset": "texts.csv",
        "texts": 7,
        "tokens": 5,
        "padding": pytest.approx(1 - (3 + 5 + 9 + 2 + 4 + 4) / (2 * 5 + 2 * 9 + 2 * 4)),
    }
    assert peak.context["length"] == "data"


def test_a_process_reads_each_batch_in_turn(texts, light, monkeypatch):
    read = []

    class Recorder:
        dtype = "float32"

        def prepare(self, arrays):
            return lambda: read.append(arrays["attention_mask"].sum(axis=1).tolist())

    monkeypatch.setattr(latency_worker, "load_engine", lambda *_: Recorder())
    model = TimedModel(light.path, light.runtime, texts)
    watch = Stopwatch(model, threads=1, vocabulary=99, seed=0)
    shape, in_turn = Shape(2, DATA), [[3, 5], [9, 2], [4, 4]]
    assert watch.warm_up(shape, seconds=3.0)["calls"] == 3
    assert read == [in_turn[0], *in_turn]
    read.clear()
    watch.block(shape, calls=5, first=7, patient=False)
    assert read[-5:] == [in_turn[number % 3] for number in range(7, 12)]
    read.clear()
    watch.peak(shape)
    assert read == [[9, 2]] * 2, "the batch with the most positions"


@pytest.fixture
def told_of_disturbance(monkeypatch):
    monkeypatch.setattr(latency, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(latency_samples, "NOW_AND_THEN", 0.05)


class DisturbedWorker(DriftingWorker):
    """On a machine where another program takes the cores now and then."""

    asked = 0
    every = 3

    def block(self, shape, calls, *, first, patient):
        DisturbedWorker.asked += 1
        disturbed = DisturbedWorker.asked % self.every == 0
        if disturbed and patient:
            return Block(np.empty(0), disturbed=True)
        return Block(np.full(calls, self.ms * (20 if disturbed else 1)), disturbed=disturbed)


@pytest.mark.usefixtures("told_of_disturbance")
def test_blocks_are_timed_again_where_another_program_took_the_cores(tmp_path, quiet, monkeypatch):
    monkeypatch.setattr(DisturbedWorker, "asked", 0)
    with stand_in_bench(DisturbedWorker, tmp_path, monkeypatch, quiet) as bench:
        bench.run(0.0)
        median, _, p99, _ = bench.compare("base", "slim").measurements
    assert DisturbedWorker.asked == 29, "20 that count, 9 timed again"
    assert (median.base, median.slim, median.ratio) == (10, 5, pytest.approx(0.5))
    assert (p99.base, p99.slim) == (10, 5)
    assert median.context["rounds"] == 10
    assert median.context["blocks_timed_again"] == 9
    assert median.context["blocks_disturbed"] == 0
    assert bench.disturbance() == (
        "the machine is busy, so models had to wait for cores: of 29 blocks of calls 9 were "
        "timed again, and 0 count although they are slower for it",
    )


@pytest.mark.usefixtures("told_of_disturbance")
def test_on_a_machine_that_stays_busy_disturbed_blocks_count(tmp_path, quiet, monkeypatch):
    monkeypatch.setattr(DisturbedWorker, "every", 1)
    with stand_in_bench(DisturbedWorker, tmp_path, monkeypatch, quiet) as bench:
        bench.run(0.0)
        median = bench.compare("base", "slim").measurements[0]
    assert (median.base, median.slim) == (200, 100)
    assert median.context["blocks_disturbed"] == 20
    assert median.context["blocks_timed_again"] > 0
    assert "and 20 count although they are slower for it" in bench.disturbance()[0]


@pytest.mark.usefixtures("told_of_disturbance")
def test_nothing_is_timed_again_where_threads_have_to_share_cores(tmp_path, quiet, monkeypatch):
    monkeypatch.setattr(DisturbedWorker, "every", 1)
    many = default_threads() + 1
    with stand_in_bench(DisturbedWorker, tmp_path, monkeypatch, quiet, threads=many) as bench:
        bench.run(0.0)
        context = bench.compare("base", "slim").measurements[0].context
    assert (context["blocks_disturbed"], context["blocks_timed_again"]) == (20, 0)


@pytest.mark.usefixtures("told_of_disturbance")
def test_a_quiet_machine_is_not_worth_a_word(tmp_path, quiet, monkeypatch):
    monkeypatch.setattr(DisturbedWorker, "asked", 0)
    monkeypatch.setattr(DisturbedWorker, "every", 21)
    with stand_in_bench(DisturbedWorker, tmp_path, monkeypatch, quiet) as bench:
        bench.run(0.0)
        bench.run(0.0)
        context = bench.compare("base", "slim").measurements[0].context
    assert bench.disturbance() == ()
    assert "blocks_timed_again" not in context
    assert "blocks_disturbed" not in context


@pytest.fixture
def doubtful(told_of_disturbance, monkeypatch):
    monkeypatch.setattr(latency_samples, "MOSTLY", 0.8)
    monkeypatch.setattr(latency_samples, "FEWEST_ROUNDS", 5)
    monkeypatch.setattr(latency, "LEAST_SECONDS", 0.0)


@pytest.mark.usefixtures("doubtful")
def test_no_figure_is_made_where_other_programs_have_the_cores(tmp_path, quiet, monkeypatch):
    monkeypatch.setattr(DisturbedWorker, "every", 1)
    with stand_in_bench(DisturbedWorker, tmp_path, monkeypatch, quiet) as bench:
        bench.run(1e-3)
        result = bench.compare("base", "slim")
    assert [one.name for one in result.measurements] == ["memory.peak"]
    assert result.notes == (
        "latency at 1x8: cannot tell on this busy machine: other programs had the cores in 2 of 2 "
        "blocks of calls",
    )


class SlowingClock:
    """Stands for time: each look at it comes four seconds after the one before."""

    now = 0.0

    @classmethod
    def monotonic(cls):
        cls.now += 4.0
        return cls.now


@pytest.mark.usefixtures("doubtful")
def test_it_ends_in_three_times_the_seconds_whatever_a_round_takes(tmp_path, quiet, monkeypatch):
    monkeypatch.setattr(latency, "time", SlowingClock)
    with stand_in_bench(DriftingWorker, tmp_path, monkeypatch, quiet) as bench:
        start = SlowingClock.now
        bench.run(20.0)
        took = SlowingClock.now - start
        result = bench.compare("base", "slim")
    assert took <= 3 * 20.0 + 16, "a round more at the most"
    assert "cannot tell: there was time for" in result.notes[0]


@pytest.mark.usefixtures("doubtful")
def test_medians_that_contradict_the_rounds_are_no_figures(tmp_path, quiet, monkeypatch):
    bench = stand_in_bench(DriftingWorker, tmp_path, monkeypatch, quiet)
    samples = bench._samples[SMALL]
    slow, fast = 100.0, 1.0  # the first model has one block more among the slow ones
    base = [slow] * 6 + [fast] * 5
    slim = [0.5 * slow] * 5 + [0.5 * fast] * 6
    samples.blocks = {
        name: list(np.array(ms)[:, None]) for name, ms in (("base", base), ("slim", slim))
    }
    samples.disturbed = 3
    doubt = bench.doubt(SMALL, "base", "slim")
    assert doubt is not None
    assert doubt.startswith("cannot tell on this busy machine: the medians have a ratio of 0.0")
    samples.disturbed = 0
    assert bench.doubt(SMALL, "base", "slim") is None, "it is not the machine"


@pytest.fixture
def stopwatch(shallow):
    return Stopwatch(TimedModel(shallow), threads=1, vocabulary=99, seed=0)


def test_a_block_is_broken_off_by_a_wait_for_cores_if_the_caller_is_patient(stopwatch, monkeypatch):
    start = time.perf_counter()
    monkeypatch.setattr(contention, "waited_ms", lambda: 500 * (time.perf_counter() - start))
    told = stopwatch.block(SMALL, calls=3, first=0, patient=True)
    assert told == {"ms": [], "disturbed": True}
    told = stopwatch.block(SMALL, calls=3, first=0, patient=False)
    assert told["disturbed"]
    assert len(told["ms"]) == 3


def test_a_wait_of_less_than_a_tenth_does_not_disturb(stopwatch, monkeypatch):
    start = time.perf_counter()
    monkeypatch.setattr(contention, "waited_ms", lambda: 50 * (time.perf_counter() - start))
    told = stopwatch.block(SMALL, calls=3, first=0, patient=True)
    assert not told["disturbed"]
    assert len(told["ms"]) == 3


def test_a_bad_model_is_one_line_and_ends_both_processes(shallow, tmp_path, quiet):
    before = children()
    with pytest.raises(BertslimError) as caught:
        measure_latency(shallow, tmp_path, [SMALL], threads=1, seconds=0.1, seed=0, progress=quiet)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert children() == before


def test_a_failing_call_is_one_line(shallow, quiet):
    bench = LatencyBench(
        {"slim": TimedModel(shallow)}, [Shape(1, 4000)], threads=1, seed=0, progress=quiet
    )
    with pytest.raises(BertslimError, match=r"^\S*bert-encoder\S*: \w+Error: .*[^\n]$") as caught:
        bench.__enter__()
    assert "in time" in str(caught.value.__cause__), "what --debug shows"


def test_the_error_of_a_killed_process_is_one_line(light, quiet):
    before = children()
    with LatencyBench({"slim": light}, [SMALL], threads=1, seed=0, progress=quiet) as bench:
        (worker,) = [child for child in children() if child not in before]
        worker.kill()
        with pytest.raises(BertslimError, match="ended by SIGKILL; if memory ran out, use a smal"):
            bench.run(0.1)
    assert children() == before


def start_parent(path, body):
    """Start a process, in a group of its own, that holds an open bench; return it and its child."""
    script = f"""
        import signal, sys, time
        from pathlib import Path
        from bertslim.measure.latency import LatencyBench
        from bertslim.measure.shapes import Shape
        from bertslim.measure.runtimes import Runtime, TimedModel
        from bertslim.progress import Progress
        import psutil
        signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
        models = {{"slim": TimedModel(Path({str(path)!r}), Runtime.ONNXRUNTIME)}}
        bench = LatencyBench(
            models, [Shape(1, 8)], threads=1, seed=0, progress=Progress(visible=False)
        )
        {body}
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    return parent, int(parent.stdout.readline())


HOLD = """
        with bench:
            print(psutil.Process().children()[0].pid, flush=True)
            bench.run(60)
"""


def test_an_interrupt_of_the_whole_group_ends_quietly(light):
    parent, worker = start_parent(light.path, HOLD)
    os.killpg(parent.pid, signal.SIGINT)
    _, said = parent.communicate(timeout=20)
    assert said.count("Traceback") == 1, "the parent's own, which the command line catches"
    assert said.strip().endswith("KeyboardInterrupt")
    assert not psutil.pid_exists(worker)


def test_the_worker_ends_when_its_parent_is_killed(light):
    parent, worker = start_parent(light.path, HOLD)
    parent.kill()
    parent.communicate(timeout=20)
    assert ends_within(10, [worker])


def test_what_a_process_started_ends_with_it(tmp_path, monkeypatch):
    body = """
        import subprocess, sys
        child = subprocess.Popen(["sleep", "60"])
        print(child.pid, file=open(sys.argv[1], "w"), flush=True)
        print("{}", flush=True)
        sys.stdin.read()
    """
    (tmp_path / "starts_a_child.py").write_text(textwrap.dedent(body))
    monkeypatch.setattr(latency_process, "WORKER_MODULE", "starts_a_child")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    worker = WorkerProcess(TimedModel(tmp_path / "pid"), threads=1, vocabulary=99, seed=0)
    worker.wait_until_loaded()
    child = int((tmp_path / "pid").read_text())
    assert psutil.pid_exists(child)
    worker.close()
    assert ends_within(10, [child])


def test_what_libraries_print_does_not_mix_with_replies():
    code = """
        import os
        from bertslim.measure.latency_worker import take_standard_output
        replies = take_standard_output()
        print("a library says hello")
        os.system("echo and so does a program")
        replies.write("reply\\n")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "reply\n"
    assert "hello" in done.stderr
    assert "so does a program" in done.stderr


def test_settle_waits_for_threads_that_spin():
    end = time.perf_counter() + 0.2

    def spin():
        while time.perf_counter() < end:
            pass

    spinner = threading.Thread(target=spin)
    spinner.start()
    settle()
    assert time.perf_counter() >= end
    spinner.join()
    start = time.perf_counter()
    settle()
    assert time.perf_counter() - start < 0.15


def test_each_launch_has_processes_of_its_own(light, quiet):
    models = {"base": light, "slim": light}
    with LatencyBench(models, [SMALL], threads=1, seed=0, progress=quiet, min_rounds=2) as bench:
        bench.run(0.0)
        first = workers()
        bench.restart()
        bench.run(0.0)
        second = workers()
        context = bench.compare("base", "slim").measurements[0].context
    assert len(first) == len(second) == 2
    assert not first & second
    assert context["launches"] == 2
    assert context["rounds"] >= 4
