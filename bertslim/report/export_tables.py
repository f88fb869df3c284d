"""The files that a model was exported to."""

from __future__ import annotations

from collections.abc import Sequence

from bertslim.records import ExportRecord
from bertslim.records.units import BYTES
from bertslim.report.numbers import quantity
from bertslim.report.tables import Table
from bertslim.wording import listed


def exports_table(exports: Sequence[ExportRecord]) -> Table:
    """List the files."""
    headers = ("file", "format", "precision", "size", "differs from PyTorch by at most")
    return Table("lllrr", headers, tuple(_row(export) for export in exports))


def export_line(export: ExportRecord) -> str:
    """Describe a file in one line."""
    _, kind, precision, size, difference = _row(export)
    return f"{kind} in {precision}, {size}, differs from PyTorch by at most {difference}"


def export_notes(export: ExportRecord) -> tuple[str, ...]:
    """List what stayed in float32, and the notes."""
    if not export.in_float32:
        return export.notes
    return (f"In float32 are {listed(list(export.in_float32))}", *export.notes)


def _row(export: ExportRecord) -> tuple[str, ...]:
    size = quantity(export.size, BYTES.notation(export.size))
    difference = f"{export.difference:.1e} of the largest value"
    return (export.file, export.format, export.precision, size, difference)
