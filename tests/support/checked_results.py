"""Results for the tests of `bertslim check`: cut, not measured, with whatever record they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bertslim.commands.cut import cut
from bertslim.options.cut import CutOptions
from bertslim.progress import Progress
from bertslim.records import RECORD_FILE, Record, read_record

RECIPE = "version: 1\nname: drop\nsurgery:\n  - {op: drop_ffn, layers: odd}\n"


def cut_unmeasured(base: Path, folder: Path) -> Path:
    """Write what `bertslim cut --no-measure` would, with 3 threads, and say where."""
    recipe = folder / "drop.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    options = CutOptions(str(base), str(recipe), folder / "slim", measure=None, threads=3, seed=11)
    return cut(options, Progress(visible=False)).directory


def change_record(directory: Path, **changes: Any) -> Record:
    """Give the record of a result other content."""
    record = read_record(directory).model_copy(update=changes)
    (directory / RECORD_FILE).write_text(record.to_json(), encoding="utf-8")
    return record
