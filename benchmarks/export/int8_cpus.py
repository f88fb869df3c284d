"""An int8 file on CPUs with and without VNNI: the same rows on this CPU, and as on a Haswell.

Haswell has AVX2 and no VNNI. For ONNX files it is emulated by QEMU's user mode (`apt-get install
qemu-user`), in which ONNX Runtime chooses the kernels that it has for such a CPU: slow, but right.
For OpenVINO's it is not: QEMU 7.2 computes them wrong. There oneDNN, which OpenVINO multiplies
with, is told to choose its kernels for AVX2, which run on this CPU.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, cast

import numpy as np
import torch
from torch import Tensor

from benchmarks.tools import ROOT, environment_line, write_between_marks
from bertslim.arrays import FloatArray
from bertslim.data.batches import batches
from bertslim.data.data_options import DataOptions
from bertslim.data.load import BATCH_SIZE, load_held_out, text_length
from bertslim.data.outputs import model_inputs
from bertslim.data.splits import Splits
from bertslim.measure.evaluation import evaluate
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.description import describe_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from bertslim.report.tables import Table

PAGE = ROOT / "docs" / "export.md"
HEADERS = ("model", "rows", "error with VNNI", "error without", "ratio", "score with",
           "score without")  # fmt: skip
RUN_ONNX = """
import sys, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.log_severity_level = 1, 4
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
names = [one.name for one in session.get_outputs()]
def answers_to(given):
    feed = {one.name: given[one.name] for one in session.get_inputs()}
    return dict(zip(names, session.run(names, feed)))
"""
RUN_IR = """
import sys, numpy, openvino
settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
model = openvino.Core().compile_model(sys.argv[1], "CPU", settings)
def answers_to(given):
    found = model({one.any_name: given[one.any_name] for one in model.inputs})
    return {one.any_name: found[one] for one in model.outputs}
"""
SERVE = """
for line in sys.stdin:
    numpy.savez(line.strip(), **answers_to(numpy.load(line.strip())))
    print(flush=True)
"""


@dataclass(frozen=True)
class Cpu:
    """What a process takes its CPU for.

    Attributes:
        emulator: What it runs in; none: on this CPU.
        variables: Of its environment.
    """

    emulator: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """Files of one runtime.

    Attributes:
        code: Defines `answers_to` for the file that the first argument names.
        haswell: What makes the runtime work as without VNNI.
        marks: Where the table stands on the page.
    """

    code: str
    haswell: Cpu
    marks: tuple[str, str]


KINDS = {
    ".onnx": Kind(
        RUN_ONNX,
        Cpu(emulator=("qemu-x86_64", "-cpu", "Haswell")),
        ("<!-- int8 on two CPUs -->", "<!-- end of int8 on two CPUs -->"),
    ),
    ".xml": Kind(
        RUN_IR,
        Cpu(variables={"ONEDNN_MAX_CPU_ISA": "AVX2"}),
        ("<!-- OpenVINO on two CPUs -->", "<!-- end of OpenVINO on two CPUs -->"),
    ),
}


class FileOnCpu:
    """A file in its runtime in a process of its own, which remembers what it answered.

    Args:
        path: The file.
        cpu: What the process takes its CPU for.
        folder: Where calls and answers are kept.
    """

    def __init__(self, path: Path, cpu: Cpu, folder: Path) -> None:
        self._path = path
        self._process = subprocess.Popen(
            [*cpu.emulator, sys.executable, "-c", KINDS[path.suffix].code + SERVE, str(path)],
            env=os.environ | cpu.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._file = folder / "call.npz"
        self._known: dict[bytes, SimpleNamespace] = {}

    def __call__(self, **tensors: Tensor) -> SimpleNamespace:
        """Take int64 tensors by name; the outputs are attributes."""
        arrays = {"token_type_ids": torch.zeros_like(tensors["input_ids"]), **tensors}
        key = arrays["input_ids"].numpy().tobytes()
        if key not in self._known:
            given: dict[str, Any] = {name: tensor.numpy() for name, tensor in arrays.items()}
            np.savez(self._file, **given)
            requests, replies = self._process.stdin, self._process.stdout
            cast("IO[str]", requests).write(f"{self._file}\n")
            cast("IO[str]", requests).flush()
            if not cast("IO[str]", replies).readline():
                raise SystemExit(f"{self._path} was not run: status {self._process.wait()}")
            with np.load(self._file) as answers:
                tensors_by_name = {name: torch.tensor(answers[name]) for name in answers.files}
            self._known[key] = SimpleNamespace(**tensors_by_name)
        return self._known[key]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


@dataclass(frozen=True)
class OnOneCpu:
    """The answers of a file on one CPU.

    Attributes:
        rows: How many there were.
        error: The root of the mean squared difference from PyTorch in float32.
        score: The main metric on the rows; NaN where there are no labels.
    """

    rows: int
    error: float
    score: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--case", action="append", nargs=4, required=True,
        metavar=("NAME", "DIR", "FILE", "DATA"),
        help="name of the model, its checkpoint, its int8 file and labelled rows; all files are "
        "ONNX, or all are OpenVINO's .xml")  # fmt: skip
    add("--rows", type=int, default=60, help="how many rows")
    add("--write", action="store_true", help=f"write the table into {PAGE.name}")
    given = parser.parse_args()
    suffixes = {Path(file).suffix for _, _, file, _ in given.case}
    if len(suffixes) > 1 or not suffixes <= KINDS.keys():
        parser.error(f"name files of one kind: {', '.join(KINDS)}")
    rows = [
        row_of(name, *compared(Path(directory), Path(file), data, given.rows))
        for name, directory, file, data in given.case
    ]
    page = f"{Table('lrrrrrr', HEADERS, tuple(rows)).markdown()}\n\n{environment_line()}."
    print(page)
    if given.write:
        write_between_marks(PAGE, page, KINDS[suffixes.pop()].marks)


def compared(directory: Path, file: Path, data: str, rows: int) -> tuple[OnOneCpu, OnOneCpu]:
    """Compare a file with its checkpoint on this CPU, and as without VNNI."""
    torch.set_num_threads(1)
    described = describe_checkpoint(directory)
    head = describe_head(directory, described.config, described.facts)
    splits = load_held_out(DataOptions(data), head, Progress(visible=False))
    few = replace(splits, report=splits.report.select(range(min(rows, len(splits.report)))))
    checkpoint = load_checkpoint(directory)
    cpus = Cpu(), KINDS[file.suffix].haswell
    here, there = (on_cpu(checkpoint, file, few, cpu) for cpu in cpus)
    return here, there


def on_cpu(checkpoint: Checkpoint, file: Path, splits: Splits, cpu: Cpu) -> OnOneCpu:
    """Run a file and compare it with PyTorch."""
    tokenizer = load_tokenizer(checkpoint.directory)
    quiet = Progress(visible=False)
    with running(file, cpu) as model:
        errors = list(squared_errors(checkpoint, model, splits))
        figures = evaluate(checkpoint, model, splits, tokenizer, seed=0, progress=quiet)
    scores = [one.slim for one in figures.measurements if one.name.startswith("accuracy.")]
    score = scores[0] if scores and scores[0] is not None else np.nan
    return OnOneCpu(
        len(splits.report), float(np.sqrt(np.mean(np.concatenate(errors)))), float(score)
    )


@contextmanager
def running(file: Path, cpu: Cpu) -> Iterator[FileOnCpu]:
    with tempfile.TemporaryDirectory() as folder:
        model = FileOnCpu(file, cpu, Path(folder))
        try:
            yield model
        finally:
            model.close()


@torch.inference_mode()
def squared_errors(
    checkpoint: Checkpoint, model: FileOnCpu, splits: Splits
) -> Iterator[FloatArray]:
    """Yield the squared differences of the logits, or of the embeddings of a bare encoder."""
    tokenizer, rows = load_tokenizer(checkpoint.directory), splits.report
    length = text_length(checkpoint.facts, tokenizer, rows.task)
    for batch in batches(rows, tokenizer, batch_size=BATCH_SIZE, max_length=length):
        inputs = model_inputs(batch, checkpoint.facts.head)
        answers = checkpoint.model(**inputs), model(**inputs)
        if checkpoint.facts.head:
            expected, found = (answer.logits for answer in answers)
        else:
            mask = batch.inputs["attention_mask"]
            expected, found = (
                checkpoint.embedder(answer.last_hidden_state, mask) for answer in answers
            )
        yield (expected - found).double().square().flatten().numpy()


def row_of(name: str, here: OnOneCpu, there: OnOneCpu) -> tuple[str, ...]:
    return (
        name, str(here.rows),
        f"{here.error:.4f}", f"{there.error:.4f}", f"{there.error / here.error:.2f}",
        f"{100 * here.score:.2f}", f"{100 * there.score:.2f}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
