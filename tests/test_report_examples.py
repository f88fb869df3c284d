"""What holds for the report of each example of a record."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from bertslim.report.escape import display_width
from bertslim.report.render import render_model_card, render_report
from support.example_records import EXAMPLES


@pytest.fixture(params=EXAMPLES)
def rendered(request: pytest.FixtureRequest) -> str:
    record = EXAMPLES[request.param]()
    return render_report(record) + render_model_card(record)


def test_no_local_path_is_told(rendered):
    for part in ("someone", "secret project", "/srv", "/mnt", "customers", "/etc/bertslim"):
        assert part not in rendered


def test_the_bars_of_each_table_stand_below_each_other(rendered):
    tables = re.findall(r"(?:^\|.*\|\n)+", rendered, re.MULTILINE)
    assert tables
    for table in tables:
        bars = {
            tuple(
                display_width(line[:place])
                for place, character in enumerate(line)
                if character == "|" and line[place - 1] != "\\"
            )
            for line in table.splitlines()
        }
        assert len(bars) == 1


def test_lines_fit_a_wide_terminal(rendered):
    lines = (line for line in rendered.splitlines() if not line.startswith("> "))
    assert max(map(display_width, lines)) <= 120


def test_nothing_is_written_as_python_writes_it(rendered):
    assert not re.search(r"\b(None|nan|inf|True,|False)\b", rendered)


def test_there_is_one_minus_sign(rendered):
    assert not re.search(r"[ (|]-\d", rendered)


def test_rendering_imports_no_heavy_library():
    code = (
        "import sys, bertslim.report.render, bertslim.report.plan_tables;"
        "print({'torch', 'transformers', 'datasets', 'numpy'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"
