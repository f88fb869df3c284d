"""Write the files beside the weights: record, recipe, report and model card."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bertslim.errors import InputError
from bertslim.file_names import (
    CARD_FILE,
    PAGE_FILE,
    RECIPE_FILE,
    RECORD_FILE,
    REPORT_FILE,
)
from bertslim.model.checkpoint_files import find_weights, has_weights
from bertslim.model.description import describe_checkpoint
from bertslim.model.model_source import ModelSource
from bertslim.model.sentence_transformers_class import sentence_transformers_class
from bertslim.output.file import updated_file
from bertslim.output.locks import locked
from bertslim.records import Analysis, ExportRecord, ModelRecord, Record, read_record
from bertslim.report.page import render_page
from bertslim.report.render import render_model_card, render_report


def now() -> str:
    """Return the time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def record_of(source: ModelSource) -> ModelRecord:
    """Identify a checkpoint that was found."""
    record = model_record(source.given, source.directory)
    return record.model_copy(update={"commit": source.commit})


def model_record(source: str, directory: Path) -> ModelRecord:
    """Identify a checkpoint: its classes, and the hash of its weights.

    Args:
        source: Its name.
        directory: Where it lies.
    """
    described = describe_checkpoint(directory)
    config, facts = described.config, described.facts
    return ModelRecord(
        source=source,
        model_type=config["model_type"],
        architecture=(config.get("architectures") or [facts.architecture])[0],
        layers=len(facts.layers),
        sha256=described.weights.sha256(),
    )


def publish(record: Record, directory: Path, *, base: Path, recipe: str | None = None) -> None:
    """Write the account of a run into its output.

    Args:
        record: The account.
        directory: The output, with the weights in it.
        base: The base's directory, for the licence and language in its model card.
        recipe: The resolved recipe as YAML, for a cut.
    """
    own = base / CARD_FILE
    base_card = own.read_text(encoding="utf-8", errors="replace") if own.is_file() else None
    _write(directory / RECORD_FILE, record.to_json())
    _write(directory / REPORT_FILE, render_report(record))
    _write(directory / PAGE_FILE, render_page(record))
    head = describe_checkpoint(directory).facts.head
    card = render_model_card(
        record, base_card, sentence_transformers=sentence_transformers_class(directory, head)
    )
    _write(directory / CARD_FILE, card)
    if recipe is not None:
        _write(directory / RECIPE_FILE, recipe)


def is_of_other_weights(directory: Path) -> bool:
    """Whether a directory holds a record, and weights that the record does not describe."""
    if not (directory / RECORD_FILE).is_file() or not has_weights(directory):
        return False
    return find_weights(directory).sha256() != read_record(directory).slim.sha256


def add_export(export: ExportRecord, directory: Path) -> None:
    """Add an exported file to the record and report of a result; do nothing without a record."""
    if not (directory / RECORD_FILE).is_file():
        return
    with locked(directory):
        record = read_record(directory)
        others = (other for other in record.exports if other.file != export.file)
        _update(record.model_copy(update={"exports": (*others, export)}), directory)


def add_analysis(analysis: Analysis, directory: Path) -> bool:
    """Add an analysis of a result and its base to the record and report of the result.

    Returns:
        Whether the directory holds the result of these two models.
    """
    if analysis.slim is None or not (directory / RECORD_FILE).is_file():
        return False
    with locked(directory):
        record = read_record(directory)
        recorded = record.base.sha256, record.slim.sha256
        if (analysis.base.sha256, analysis.slim.sha256) != recorded:
            return False
        _update(record.model_copy(update={"analysis": analysis}), directory)
    return True


def _update(record: Record, directory: Path) -> None:
    """Replace a result's record and report."""
    files = {
        RECORD_FILE: record.to_json(),
        REPORT_FILE: render_report(record),
        PAGE_FILE: render_page(record),
    }
    for name, text in files.items():
        with updated_file(directory / name) as new:
            _write(new, text)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def find_result(directory: Path | None) -> Path:
    """Return the directory, or the one meant: this one if it is a result, else the newest under it.

    Raises:
        InputError: There is no such directory, or no result here.
    """
    if directory is not None:
        if not directory.is_dir():
            raise InputError("no such directory", where=str(directory), remedy="check the path")
        return directory
    here = Path()
    if (here / RECORD_FILE).is_file():
        return here
    records = [path for path in here.glob(f"*/{RECORD_FILE}") if path.is_file()]
    if not records:
        raise InputError(
            "no result of bertslim in this directory or directly under it",
            remedy="name its directory, or run `bertslim cut` first",
        )
    return max(records, key=lambda path: path.stat().st_mtime_ns).parent
