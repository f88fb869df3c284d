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
    """List what stayed in float32, what CPUs make of int8, and the notes."""
    floats = listed(list(export.in_float32))
    in_float32 = (f"In float32 are {floats}",) if floats else ()
    return (*in_float32, *cpu_lines(export), *export.notes)


def cpu_lines(export: ExportRecord) -> tuple[str, ...]:
    """Say for each kind of CPU whether it computes the int8 products of a file exactly."""
    products = export.int8_products
    if products is None:
        return ()
    exact = f"all {products.number} int8 products are exact"
    measured = "; the figures were measured on such a CPU"
    without = exact + ": it answers as the others do"
    if products.saturating:
        number = f"{products.saturating} of {products.number}"
        without = f"in {number} int8 products sums of two may saturate: it may answer otherwise"
    return (
        f"On a CPU with VNNI {exact}{measured if products.measured_with_vnni else ''}",
        f"On an x86 CPU without VNNI {without}"
        f"{measured if products.measured_with_vnni is False else ''}",
    )


def _row(export: ExportRecord) -> tuple[str, ...]:
    size = quantity(export.size, BYTES.notation(export.size))
    difference = f"{export.difference:.1e} of the largest value"
    return (export.file, export.format, export.precision, size, difference)
