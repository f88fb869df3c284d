"""Where a result comes from: models, data, machine and steps, each with its hash or version."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from bertslim.printable import printable
from bertslim.records import DataRecord, ModelRecord, Record
from bertslim.records.sources import shown_source
from bertslim.report.escape import fenced
from bertslim.report.numbers import fixed, significant
from bertslim.report.tables import Table

Row = tuple[str, str]

_LONGEST_LINE = 96


def origins(record: Record) -> Table:
    """List the models, the data and the machine."""
    begun = record.training.start_model if record.training else None
    rows = (
        *_model("base", record.base),
        *(_model("start of the training", begun) if begun else ()),
        *_model("result", record.slim),
        *(_data(record.data) if record.data else ()),
        *_run(record),
        *_machine(record),
    )
    return Table("ll", ("what", "value"), rows)


def versions(record: Record) -> str:
    """List the versions that the figures were measured with."""
    pairs = record.environment.versions.items()
    return ", ".join(f"{name} {version}" for name, version in sorted(pairs))


def written_command(command: Sequence[str]) -> str | None:
    """Write a command line as it can be typed; of local paths the last component alone.

    A line ends before an option where it would be too long.
    """
    lines: list[str] = []
    for word in command:
        shown = shlex.quote(printable(_without_path(word)))
        fits = lines and len(lines[-1]) + len(shown) < _LONGEST_LINE
        if lines and (fits or not word.startswith("-")):
            lines[-1] += f" {shown}"
        else:
            lines.append(f"    {shown}" if lines else shown)
    return fenced(" \\\n".join(lines), "console") if lines else None


def _without_path(word: str) -> str:
    option, equals, value = word.partition("=")
    if equals and option.startswith("-"):
        return f"{option}={shown_source(value)}"
    return shown_source(word)


def step_times(record: Record) -> Table | None:
    """List the seconds that each step took."""
    if not record.steps:
        return None
    rows = [(step.name, significant(step.seconds)) for step in record.steps]
    total = significant(sum(step.seconds for step in record.steps))
    return Table("lr", ("step", "seconds"), (*rows, ("total", total)))


def _model(role: str, model: ModelRecord) -> Iterator[Row]:
    layers = "1 layer" if model.layers == 1 else f"{model.layers} layers"
    yield role, f"{shown_source(model.source)}: {model.architecture}, {layers}"
    if model.commit is not None:
        yield f"{role}, commit", model.commit
    yield f"{role}, sha256", model.sha256


def _data(data: DataRecord) -> Iterator[Row]:
    yield "data", data.summary
    if data.report_source is not None:
        reading = "".join(f", {clause}" for clause in data.report_reading)
        yield "data of the report split", f"{shown_source(data.report_source)}{reading}"
    if data.label_rule is not None:
        yield "labels", data.label_rule
    yield "data, sha256", data.sha256
    for split in data.splits:
        labels = f": {split.labels.in_words()}" if split.labels else ""
        yield f"{split.name} split", f"{fixed(split.rows)} rows{labels}"
        yield f"{split.name} split, sha256", split.sha256


def _run(record: Record) -> Iterator[Row]:
    yield "made by", f"bertslim {record.bertslim}, {record.kind}"
    yield "made at", record.created
    yield "seed", str(record.seed)
    if record.environment.git:
        yield "git revision", record.environment.git


def _machine(record: Record) -> Iterator[Row]:
    machine = record.environment
    yield "CPU", f"{machine.cpu}, {machine.cores} cores, {machine.threads} threads used"
    if machine.gpu is not None:
        yield "GPU", machine.gpu
        yield "surveyed, repaired and scored on", record.device
    yield "memory", f"{fixed(machine.memory_bytes / 2**30, 1)} GiB"
    yield "system", f"{machine.os}, Python {machine.python}"
