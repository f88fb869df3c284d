"""The record of one run, `bertslim.json`, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from bertslim.errors import InputError
from bertslim.file_names import ANALYSIS_FILE, RECORD_FILE
from bertslim.records.analysis import Analysis
from bertslim.records.changes import ExportRecord, Repair, Training
from bertslim.records.disagreements import Disagreements
from bertslim.records.frontier import Budget
from bertslim.records.frozen import Frozen
from bertslim.records.measurements import Measurement
from bertslim.records.plans import Plan
from bertslim.records.provenance import DataRecord, Environment, ModelRecord, Step

SCHEMA = 2


class Record(Frozen):
    """The account of one run, `bertslim.json`.

    Attributes:
        kind: Which command made the result.
        base: The model that went in.
        slim: The model that came out.
        command: The command line, word by word; empty where the library was called.
        device: Where models were surveyed, repaired and scored, "cpu" or "cuda"; times and the
            training name their own.
        recipe: The resolved recipe, for a cut.
        budget: The limits that a search was given; None where there were none.
        training: How it was trained, if it was.
        exports: Files for other runtimes, added later.
        disagreements: Held-out texts that base and slim model answer differently; None where texts
            are not kept.
        analysis: An analysis of its layers, added later.
    """

    schema_version: int = Field(default=SCHEMA, alias="schema")
    bertslim: str
    created: str
    kind: Literal["cut", "retrain"]
    command: tuple[str, ...] = ()
    device: str = "cpu"
    seed: int
    base: ModelRecord
    slim: ModelRecord
    recipe: dict[str, Any] | None = None
    plan: Plan | None = None
    budget: Budget | None = None
    data: DataRecord | None = None
    environment: Environment
    steps: tuple[Step, ...] = ()
    repairs: tuple[Repair, ...] = ()
    training: Training | None = None
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()
    exports: tuple[ExportRecord, ...] = ()
    disagreements: Disagreements | None = None
    analysis: Analysis | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_older_schema(cls, raw: Any) -> Any:
        return _from_schema_1(raw) if isinstance(raw, dict) and raw.get("schema") == 1 else raw

    def in_short(self) -> dict[str, Any]:
        """Return what went in, what came out, and how much is recorded."""
        return {
            "kind": self.kind,
            "base": self.base.source,
            "slim": self.slim.source,
            "measurements": len(self.measurements),
        }

    def to_json(self) -> str:
        """Serialise with stable order and two spaces, ending in a line break."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"

    @property
    def sources(self) -> list[str]:
        """The models and data that it names."""
        data = (self.data.source, self.data.report_source) if self.data else ()
        return [self.base.source, self.slim.source, *filter(None, data)]

    def find(self, name: str) -> Sequence[Measurement]:
        """Return the measurements of that name, in the order in which they were made."""
        return [measurement for measurement in self.measurements if measurement.name == name]


def read_record(directory: Path) -> Record:
    """Read the record of a result directory.

    Raises:
        InputError: The file is missing, is not a record, or was written by a later bertslim.
    """
    path = directory / RECORD_FILE
    remedy = "name a directory that `bertslim cut` or `bertslim retrain` wrote"
    text = _read(path, "no bertslim record here", remedy)
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        raise InputError(_why_unreadable(text, error), where=str(path)) from error


def read_analysis(directory: Path) -> Analysis:
    """Read the result of `bertslim analyze` from a directory.

    Raises:
        InputError: The file is missing, or is not an analysis.
    """
    path = directory / ANALYSIS_FILE
    text = _read(path, "no analysis here", "name a directory that `bertslim analyze` wrote")
    try:
        return Analysis.model_validate_json(text)
    except ValidationError as error:
        raise InputError(_why_unreadable(text, error), where=str(path)) from error


def _read(path: Path, missing: str, remedy: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(missing, where=str(path), remedy=remedy) from error
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8 text; write the result again", where=str(path)) from error


def _from_schema_1(raw: dict[str, Any]) -> dict[str, Any]:
    """Bring a record of bertslim 0.1.0 into the form of today.

    It knew one column of texts and one of labels, and no task.
    """
    data = raw.get("data")
    if isinstance(data, dict) and "text_column" in data:
        data = dict(data)
        label = data.pop("label_column", None)
        data["text_columns"] = (data.pop("text_column"),)
        data["label_columns"] = () if label is None else (label,)
    return raw | {"schema": SCHEMA, "data": data}


def _why_unreadable(text: str, error: ValidationError) -> str:
    import json

    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return "not valid JSON; write the result again"
    if isinstance(raw, dict) and isinstance(raw.get("schema"), int) and raw["schema"] > SCHEMA:
        return (
            f"written by bertslim {raw.get('bertslim')} with record schema {raw['schema']}, "
            f"this version reads up to {SCHEMA}; update bertslim"
        )
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"not a bertslim record: {place}: {first['msg']}"
