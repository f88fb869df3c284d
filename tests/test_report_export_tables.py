"""What is said of an exported file."""

from __future__ import annotations

import pytest

from bertslim.records import ExportRecord, Int8Products
from bertslim.report.export_tables import cpu_lines, export_notes


def exported(products: Int8Products | None) -> ExportRecord:
    return ExportRecord(
        file="model_int8.onnx",
        format="ONNX",
        precision="int8",
        size=1,
        difference=0.01,
        in_float32=("layer 0 output.dense",),
        int8_products=products,
        notes=("a note",),
    )


def test_each_kind_of_cpu_has_its_line() -> None:
    record = exported(Int8Products(number=27, saturating=0, measured_with_vnni=True))
    assert export_notes(record) == (
        "In float32 are layer 0 output.dense",
        "On a CPU with VNNI all 27 int8 products are exact; the figures were measured on such a "
        "CPU",
        "On an x86 CPU without VNNI all 27 int8 products are exact: it answers as the others do",
        "a note",
    )


@pytest.mark.parametrize("measured", [False, None])
def test_products_that_may_saturate_are_named(measured: bool | None) -> None:
    products = Int8Products(number=27, saturating=2, measured_with_vnni=measured)
    plain, older = cpu_lines(exported(products))
    assert plain == "On a CPU with VNNI all 27 int8 products are exact"
    assert older.startswith(
        "On an x86 CPU without VNNI in 2 of 27 int8 products sums of two may saturate: it may "
        "answer otherwise"
    )
    assert older.endswith("on such a CPU") == (measured is False)


def test_of_other_files_nothing_is_said() -> None:
    assert cpu_lines(exported(None)) == ()
