"""`bertslim bench`, with times from a script and, once, from real models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from bertslim.cli import run
from bertslim.commands import bench as pipeline
from bertslim.commands import bench_models, bench_timing
from bertslim.errors import InputError
from bertslim.measure.latency import LatencyBench
from bertslim.measure.runtimes import Runtime
from bertslim.measure.shapes import Shape
from bertslim.records import BenchResult
from support.scripted_bench import ScriptedBench
from support.tiny_onnx import write_tiny_onnx

QUICK = ["--seconds", "0.1", "--launches", "1", "--batch", "1", "--length", "8", "--threads", "1"]


@pytest.fixture
def models(make_checkpoint: Callable[..., Path], tmp_path: Path) -> dict[str, str]:
    shutil.copytree(make_checkpoint("bert"), tmp_path / "base")
    shutil.copytree(make_checkpoint("bert", num_hidden_layers=1), tmp_path / "slim")
    write_tiny_onnx(tmp_path / "slim" / "model.onnx")
    return {name: str(tmp_path / name) for name in ("base", "slim", "slim/model.onnx")}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedBench]:
    """Return a function that puts a script in the place of the bench."""

    def put(times: Mapping[tuple[str, str], float]) -> ScriptedBench:
        scripted = ScriptedBench(times)
        monkeypatch.setattr(bench_timing, "LatencyBench", scripted)
        monkeypatch.setattr(pipeline, "_try", lambda *_: None)
        monkeypatch.setattr(bench_models, "cpu_multiplies_bfloat16", lambda: False)
        return scripted

    return put


def bench_json(capfd: pytest.CaptureFixture[str], *arguments: str) -> BenchResult:
    assert run(["bench", *arguments, "--json"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    return BenchResult.model_validate_json(out)


def test_models_are_timed_in_turns_and_compared(
    models: dict[str, str],
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    scripted = script({("base", "torch"): 1.0, ("slim", "torch"): 0.5})

    found = bench_json(
        capfd, models["base"], models["slim"], "--length", "8,16", "--launches", "4",
        "--seconds", "6", "--threads", "3", "--seed", "7",
    )  # fmt: skip

    assert scripted.shapes == tuple(Shape(batch, length) for length in (8, 16) for batch in (1, 8))
    assert scripted.seconds == [3.0] * 4, "6 s for each of two models over four launches"
    assert scripted.restarts == 3
    assert (scripted.options["threads"], scripted.options["seed"]) == (3, 7)
    assert (found.environment.threads, found.launches, found.seed) == (3, 4, 7)
    assert {"bertslim", "torch", "transformers"} == set(found.environment.versions)
    assert [timing.length for timing in found.timings] == [8] * 4 + [16] * 4
    base, slim = found.timings[:2]
    assert (base.texts_per_second, base.tokens, base.padding) == (125, 8, 0)
    assert (base.median_ms, base.p90_ms, base.p99_ms) == pytest.approx((8.0, 8.8, 9.6))
    assert (base.to_first, base.to_base, base.fastest) == (None, None, False)
    assert slim.to_first == slim.to_base
    assert slim.to_first is not None
    assert (slim.to_first.ratio, slim.to_first.model) == (0.5, models["base"])
    assert slim.fastest


def test_each_runtime_is_compared_with_the_base_in_the_same(
    models: dict[str, str],
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    script({
        ("base", "torch"): 1.0, ("base", "torch-bf16"): 0.4, ("slim", "torch"): 0.7,
        ("slim", "torch-bf16"): 0.5, ("model.onnx", "onnxruntime"): 1.5,
    })  # fmt: skip
    runtimes = ["--runtime", "torch,torch-bf16", "--runtime", "onnxruntime"]

    found = bench_json(capfd, *models.values(), *runtimes, *QUICK)

    bases = [timing.to_base and timing.to_base.runtime for timing in found.timings]
    assert bases == [None, None, "torch", "torch-bf16", "torch"]
    assert run(["bench", *models.values(), *runtimes, *QUICK]) == 0
    out = capfd.readouterr().out
    warnings = [line for line in out.splitlines() if line.startswith("Warning")]
    assert len(warnings) == 2
    assert f"{models['slim']} in torch-bf16 is slower than {models['base']} in torch-bf16" in out
    assert f"model.onnx in onnxruntime is slower than {models['base']} in torch at" in out
    assert f"Fastest here at 1x8: {models['base']} in torch-bf16: 3.20 ms, 0.40 of" in out


def test_what_cannot_be_told_apart_from_the_quickest_is_fastest_too(
    models: dict[str, str],
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    script({("base", "torch"): 1.0, ("slim", "torch"): 0.99})
    found = bench_json(capfd, models["base"], models["slim"], *QUICK)
    assert [timing.fastest for timing in found.timings] == [True, True]


def test_lengths_are_those_that_all_models_can_take(
    models: dict[str, str],
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    scripted = script({("base", "torch"): 1.0, ("model.onnx", "onnxruntime"): 1.0})
    given = [models["base"], models["slim/model.onnx"], "--runtime", "torch,onnxruntime"]
    bench_json(capfd, *given, "--batch", "1")
    assert scripted.shapes == (Shape(1, 40),)
    assert run(["bench", *given, "--length", "41"]) == 2
    assert capfd.readouterr().err == (
        "bertslim: shape 1x41: the model takes at most 40 tokens; use a length up to 40\n"
    )


def test_what_openvino_cannot_read_is_left_out_unless_asked_for(
    models: dict[str, str],
    script: Callable[..., ScriptedBench],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object) -> None:
        raise InputError("OpenVINO cannot load it (no rule for QAttention)")

    scripted = script({("model.onnx", "onnxruntime"): 1.0, ("model.onnx", "openvino"): 1.0})
    monkeypatch.setattr(pipeline, "_try", refuse)
    monkeypatch.setattr(Runtime, "installed", True)
    name = models["slim/model.onnx"]
    found = bench_json(capfd, name, *QUICK)
    assert [timing.runtime for timing in found.timings] == ["onnxruntime"]
    assert found.notes == (
        f"{name} is left out of OpenVINO: OpenVINO cannot load it (no rule for QAttention)",
    )
    bench_json(capfd, name, "--runtime", "openvino", *QUICK)
    assert [model.runtime for model in scripted.models.values()] == [Runtime.OPENVINO]


def test_a_busy_machine_is_noted(
    models: dict[str, str],
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    script({("base", "torch"): 1.0}).disturbed = ("the machine is busy",)
    assert bench_json(capfd, models["base"], *QUICK).notes == ("the machine is busy",)


def test_openvino_that_is_not_installed_is_noted_where_it_would_be_timed(
    models: dict[str, str],
    script: Callable[..., ScriptedBench],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    script({("model.onnx", "onnxruntime"): 1.0, ("base", "torch"): 1.0})
    runtimes = "bertslim.measure.runtimes"
    monkeypatch.setattr(f"{runtimes}.is_installed", lambda package: package != "openvino")
    found = bench_json(capfd, models["slim/model.onnx"], *QUICK)
    assert found.notes == (
        "OpenVINO is left out: it is not installed (pip install 'bertslim[openvino]')",
    )
    assert bench_json(capfd, models["base"], *QUICK).notes == ()
    name = models["slim/model.onnx"]
    assert bench_json(capfd, name, "--runtime", "onnxruntime", *QUICK).notes == ()
    assert run(["bench", name, "--runtime", "openvino"]) == 2
    assert capfd.readouterr().err == (
        "bertslim: openvino: the package openvino is not installed; "
        "pip install 'bertslim[openvino]'\n"
    )


def test_real_models_are_measured(
    models: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    before = psutil.Process().children(recursive=True)
    given = [models["base"], models["slim/model.onnx"], "--runtime", "torch,onnxruntime"]
    assert run(["bench", *given, *QUICK]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    rows = [line.split("|")[2:5] for line in out.splitlines() if line.startswith("|")][2:]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["torch", "float32", "1x8"],
        ["onnxruntime", "float32", "1x8"],
    ]
    assert "Fastest here at 1x8: " in out
    assert psutil.Process().children(recursive=True) == before


def test_texts_of_data_are_timed_beside_a_fixed_shape(
    make_checkpoint: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(make_checkpoint("bert", tokenizer=True), tmp_path / "base")
    given = [str(write_tiny_onnx(tmp_path / "base" / name)) for name in ("a.onnx", "b.onnx")]
    data = tmp_path / "texts.csv"
    data.write_text("text\n" + "\n".join("good film " * n for n in range(1, 21)) + "\n")
    quick = ["--seconds", "0.1", "--launches", "1", "--threads", "1"]
    options = ["--runtime", "onnxruntime", "--data", str(data), "--batch", "2", *quick]

    found = bench_json(capfd, *given, *options, "--length", "8,data")

    assert [(one.batch, one.length) for one in found.timings] == [(2, 8)] * 2 + [(2, "data")] * 2
    fixed, _, drawn, _ = found.timings
    assert (fixed.tokens, fixed.padding, drawn.tokens) == (8, 0, 22.9)
    assert 0 < drawn.padding < 0.5
    assert drawn.texts_per_second > 0
    assert found.texts is not None
    assert (found.texts.source, found.texts.texts) == (str(data), 20)
    assert (found.texts.tokens, found.texts.longest) == (22.9, 40), "cut where the model ends"
    assert run(["bench", *given, *options, "--length", "data"]) == 0
    out = capfd.readouterr().out
    assert "| 2xdata |" in out
    assert (
        "Length data: 20 texts drawn from texts.csv, 22.9 tokens on average, 40 at most; padding "
        f"is {100 * drawn.padding:.0f} % at batch 2 of the positions; ratios are of the time for "
        "the same texts." in out
    )


def test_texts_are_not_compiled_for(
    models: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    runtimes = ["--runtime", "torch-compile", "--data", "builtin:pydocs", "--length", "data"]
    assert run(["bench", models["base"], *runtimes]) == 2
    assert capfd.readouterr().err == (
        "bertslim: torch-compile: is compiled for each shape, and texts have many; leave it out, "
        "or leave out --length data\n"
    )


def test_where_no_time_can_be_told_it_says_so(
    models: dict[str, str],
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    bench = script({("base", "torch"): 1.0})
    bench.doubts = {Shape(1, 8): "cannot tell on this busy machine: for a reason"}
    assert run(["bench", models["base"], *QUICK]) == 4
    said = "latency at 1x8: cannot tell on this busy machine: for a reason; allow more --seconds"
    assert said in capfd.readouterr().err
    shapes = [*QUICK[:-4], "--length", "4,8", "--threads", "1", "--json"]
    assert run(["bench", models["base"], *shapes]) == 0
    result = BenchResult.model_validate_json(capfd.readouterr().out)
    assert {one.length for one in result.timings} == {4}
    assert "latency at 1x8: cannot tell on this busy machine: for a reason" in result.notes


def test_quiet_prints_nothing(
    models: dict[str, str],
    script: Callable[..., ScriptedBench],
    capfd: pytest.CaptureFixture[str],
) -> None:
    script({("base", "torch"): 1.0})
    assert run(["bench", models["base"], "--quiet", *QUICK]) == 0
    assert capfd.readouterr() == ("", "")


def test_an_interrupt_ends_all_processes(
    models: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupt(self: LatencyBench, seconds: float) -> None:
        raise KeyboardInterrupt

    before = psutil.Process().children(recursive=True)
    monkeypatch.setattr(LatencyBench, "run", interrupt)
    assert run(["bench", models["slim/model.onnx"], "--runtime", "onnxruntime", *QUICK]) == 130
    assert capfd.readouterr() == ("", "bertslim: interrupted; nothing half-made is left\n")
    assert psutil.Process().children(recursive=True) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'MODEL'"),
        (["m", "--runtime", "tourch"], "--runtime: 'tourch' is no runtime; did you mean 'torch'?"),
        (["m", "--runtime", "x"], "--runtime: 'x' is no runtime; known are torch, torch-bf16, "),
        (["gone.onnx"], "gone.onnx: no such file; check the path"),
        (["m", "--length", "data"], "--length data: needs --data beside it"),
        (["m", "--data", "x.csv"], "--data: is of no use here; add --length data"),
        (["m", "--batch", "0"], "--batch: '0' is not a whole number from 1 on"),
        (["m", "--launches", "0"], "Invalid value for '--launches'"),
    ],
)
def test_wrong_usage_is_one_line(
    capfd: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(["bench", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


def test_a_damaged_file_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.onnx"
    path.write_text(json.dumps({"not": "ONNX"}))
    assert run(["bench", str(path)]) == 2
    assert capfd.readouterr().err == (
        f"bertslim: {path}: is not an ONNX file, or is damaged; write it again with "
        "`bertslim export --onnx`\n"
    )


def test_pytorch_alone_runs_on_a_gpu_and_it_is_said(
    models: dict[str, str],
    script: Callable[..., ScriptedBench],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    scripted = script({("base", "torch"): 1.0, ("model.onnx", "onnxruntime"): 1.5})
    monkeypatch.setattr("bertslim.measure.gpu.has_cuda", lambda: True)
    name_of = {"cpu": None, "cuda": "Some GPU"}
    monkeypatch.setattr(pipeline, "gpu_name", lambda device: name_of[device])
    given = [models["base"], models["slim/model.onnx"], "--runtime", "torch,onnxruntime", *QUICK]
    found = bench_json(capfd, *given)
    assert [one.device for one in found.timings] == ["cpu", "cpu"]
    assert found.environment.gpu is None
    found = bench_json(capfd, *given, "--device", "cuda")
    assert [one.device for one in found.timings] == ["cuda", "cpu"]
    assert [model.device for model in scripted.models.values()] == ["cuda", "cpu"]
    assert found.environment.gpu == "Some GPU"
    assert run(["bench", *given, "--device", "cuda"]) == 0
    out = capfd.readouterr().out
    assert "| torch on cuda |" in out
    assert "base in torch on cuda" in out
    assert " and Some GPU with 1 thread" in out
