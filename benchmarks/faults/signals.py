"""Send signals to all commands at all moments, and count what should not be.

A third of the signals comes in the first 100 ms, counted from the first line of the program, for
before it a signal meets Python itself; a third in the last 100 ms, counted from when the output is
in place; and the rest at random moments between.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools import environment_line
from bertslim.file_names import RECORD_FILE
from bertslim.interrupts import INTERRUPTED, INTERRUPTION
from bertslim.output.file_list import read_file_list
from bertslim.records import read_record

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOMENTS = ("first", "last", "between")
EDGE_SECONDS = 0.1
PATIENCE_SECONDS = 300.0
SIGNAL_MASK = "SigCgt:"


@dataclass(frozen=True)
class Command:
    """A command to disturb.

    Attributes:
        name: What it is called in the table.
        words: Its command line; `{out}` is where its output goes.
        output: The output, in a folder of its own; None: it prints alone.
    """

    name: str
    words: str
    output: str | None = None


COMMANDS = (
    Command("recipes", "recipes list"),
    Command("inspect", "inspect {base}"),
    Command("cut", "cut {base} -r drop_odd --no-measure -o {out}", "out"),
    Command("cut, timed", "cut {base} -r drop_odd {data} {quick} -o {out}", "out"),
    Command("retrain", "retrain {slim} --teacher {base} {data} --steps 30 -o {out}", "out"),
    Command("analyze", "analyze {base} {data} --samples 30 -o {out}", "out"),
    Command("report", "report {slim} -o {out}", "out"),
    Command("export onnx", "export {slim} --onnx -o {out}", "model.onnx"),
    Command("export int8", "export {slim} --onnx --int8 {data} -o {out}", "model.onnx"),
    Command("export openvino", "export {slim} --openvino -o {out}", "model.xml"),
    Command("export torch", "export {slim} --torch -o {out}", "model.pt2"),
    Command("bench", "bench {base} {slim} --runtime torch {quick}"),
    Command("check", "check {slim} --max-bytes 1GB --junit {out}", "gate.xml"),
)


@dataclass(frozen=True)
class Ended:
    """How a disturbed run ended.

    Attributes:
        command: Its name.
        moment: When the signal came.
        number: The signal.
        code: The exit code.
        faults: What should not be, each in a few words.
    """

    command: str
    moment: str
    number: int
    code: int
    faults: tuple[str, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--signals", type=int, default=400, help="default: %(default)s")
    parser.add_argument("--moments", nargs="+", default=MOMENTS, choices=MOMENTS)
    parser.add_argument("--at-once", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    arguments = parser.parse_args()
    for number in SIGNALS:  # a background job ignores some, and so would its children
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as scratch:
        draw = random.Random(arguments.seed)  # noqa: S311
        disturber = Disturber(Path(scratch), draw)
        rounds = itertools.cycle(itertools.product(COMMANDS, arguments.moments, SIGNALS))
        plan = list(itertools.islice(rounds, arguments.signals))
        draw.shuffle(plan)
        with ThreadPoolExecutor(arguments.at_once) as pool:
            ended = list(pool.map(lambda one: show(disturber.disturb(*one)), plan))
    print_counts(ended)
    sys.exit(any(one.faults for one in ended))


def show(ended: Ended) -> Ended:
    """Print what is wrong at once, for it may take long until the table."""
    if ended.faults:
        print(ended, flush=True)
    return ended


class Disturber:
    """Runs commands on tiny models, and sends each a signal."""

    def __init__(self, scratch: Path, draw: random.Random) -> None:
        self._scratch = scratch
        self._draw = draw
        self._numbers = itertools.count()
        self._places = make_inputs(scratch)
        self._seconds = {command.name: self._undisturbed(command) for command in COMMANDS}

    def disturb(self, command: Command, moment: str, number: int) -> Ended:
        """Run a command, send it a signal and look at what it leaves."""
        folder, temporary = self._folders()
        process = self._start(command, folder, temporary)
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.append(process.stderr.read()))  # type: ignore[union-attr]
        reader.start()
        self._wait(command, moment, process, folder)
        ready = is_caught(process.pid, number)
        with suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            code = process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        reader.join()
        if not ready and process.returncode is not None:
            moment = "before the first line" if code != 0 else moment
        faults = list(left_behind(command, folder, temporary))
        if moment != "before the first line":
            faults += wrong_ending(code, "".join(said))
        return Ended(command.name, moment, number, code, tuple(faults))

    def _undisturbed(self, command: Command) -> float:
        folder, temporary = self._folders()
        begin = time.monotonic()
        process = self._start(command, folder, temporary)
        said = process.communicate()[1]
        if process.returncode or (faults := list(left_behind(command, folder, temporary))):
            raise SystemExit(f"{command.name}: {said} {faults if not process.returncode else ''}")
        return time.monotonic() - begin

    def _folders(self) -> tuple[Path, Path]:
        folder = self._scratch / f"run-{next(self._numbers)}"
        (folder / "there").mkdir(parents=True)
        (folder / "temporary").mkdir()
        return folder / "there", folder / "temporary"

    def _start(self, command: Command, folder: Path, temporary: Path) -> subprocess.Popen[str]:
        output = folder / (command.output or "none")
        words = command.words.format(**self._places, out=output).split()
        return subprocess.Popen(
            [sys.executable, "-m", "bertslim", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=os.environ | {"TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"},
        )

    def _wait(
        self, command: Command, moment: str, process: subprocess.Popen[str], folder: Path
    ) -> None:
        whole = self._seconds[command.name]
        if moment == "first":
            while not is_caught(process.pid, signal.SIGTERM) and process.poll() is None:
                time.sleep(0.001)
            wait_for(process, self._draw.uniform(0, EDGE_SECONDS))
        elif moment == "between" or command.output is None:
            earliest = EDGE_SECONDS if moment == "between" else max(0, whole - 2 * EDGE_SECONDS)
            wait_for(process, self._draw.uniform(earliest, whole))
        else:
            while not (folder / command.output).exists() and process.poll() is None:
                time.sleep(0.001)
            wait_for(process, self._draw.uniform(0, EDGE_SECONDS))


def wait_for(process: subprocess.Popen[str], seconds: float) -> None:
    """Wait, but not beyond the end of a process."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def is_caught(process: int, number: int) -> bool:
    """Whether a process has a handler for a signal, which Python has not when it starts."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    alarm = 1 << (signal.SIGALRM - 1)  # Python itself catches SIGINT, but not this one
    mask = next((int(line.split()[1], 16) for line in lines if line.startswith(SIGNAL_MASK)), 0)
    return bool(mask & alarm and mask & (1 << (number - 1)))


def wrong_ending(code: int, said: str) -> Iterator[str]:
    """Yield what is wrong with an exit code and the words on standard error."""
    if code not in (0, INTERRUPTED):
        yield f"exit code {code}"
    if "Traceback" in said or "Exception ignored" in said:
        yield f"a traceback: {said[-600:]}"
    lines = said.count(INTERRUPTION)
    if lines != (code == INTERRUPTED):
        yield f"{lines} lines on the interruption with exit code {code}: {said[-300:]}"


def left_behind(command: Command, folder: Path, temporary: Path) -> Iterator[str]:
    """Yield what a run has left that it should not, and what it has left half-made."""
    if names := sorted(path.name for path in temporary.iterdir()):
        yield f"in TMPDIR {names}"
    names = sorted(path.name for path in folder.iterdir())
    if command.output is None:
        if names:
            yield f"beside nothing {names}"
        return
    if hidden := [name for name in names if name.startswith(".out.") and "training" not in name]:
        yield f"beside the output {hidden}"
    target = folder / command.output
    if target.is_dir():
        listed = read_file_list(target)
        if listed is None or not all((target / name).exists() for name in listed.made):
            yield f"half-made {names}"
        elif (target / RECORD_FILE).exists():
            read_record(target)
    elif target.exists() and target.stat().st_size == 0:
        yield f"empty {names}"


def make_inputs(scratch: Path) -> dict[str, str]:
    """Make a tiny classifier with a tokenizer, texts with labels, and a result."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    torch.manual_seed(0)
    base, letters = scratch / "base", "abcdefghijklmnopqrstuvwxyz"
    config = BertConfig(
        vocab_size=99,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=40,
    )
    BertForSequenceClassification(config).save_pretrained(base)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [*special, *letters, *(f"##{letter}" for letter in letters)]
    (base / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizer(str(base / "vocab.txt")).save_pretrained(base)
    rows = [f"{letters[n % 26]} {letters[n * 7 % 26]} {n},LABEL_{n % 2}" for n in range(200)]
    data = scratch / "data.csv"
    data.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    slim = scratch / "slim"
    cut = ["cut", str(base), "-r", "drop_odd", "--no-measure", "--quiet", "-o", str(slim)]
    subprocess.run([sys.executable, "-m", "bertslim", *cut], check=True)
    return {
        "base": str(base),
        "slim": str(slim),
        "data": f"--data {data} --threads 1",
        "quick": "--seconds 0.1 --launches 1 --length 16",
    }


def print_counts(ended: Sequence[Ended]) -> None:
    """Print a table by the moment, and the faults."""
    print(f"{environment_line()}\n")
    print("| moment | signals | exit 130 | exit 0 | others | faults |\n|---|--:|--:|--:|--:|--:|")
    for moment in dict.fromkeys((*MOMENTS, *(one.moment for one in ended))):
        those = [one for one in ended if one.moment == moment]
        codes = Counter(one.code for one in those)
        others = len(those) - codes[INTERRUPTED] - codes[0]
        faulty = sum(bool(one.faults) for one in those)
        counts = (len(those), codes[INTERRUPTED], codes[0], others, faulty)
        print(f"| {moment} | {' | '.join(map(str, counts))} |")


if __name__ == "__main__":
    main()
