"""The verdicts as a table."""

from __future__ import annotations

from bertslim.gate.verdict_table import verdict_table
from support.gate_verdicts import FAILED, OPEN, PASSED, UNANSWERED


def test_each_figure_is_written_in_its_unit() -> None:
    assert verdict_table([PASSED, FAILED, OPEN, UNANSWERED]).rows == (
        ("--max-params 20M", "parameters", "19,168,512", "19,168,512", "–", "20,000,000", "pass"),
        ("--max-regression 5%", "1x128", "0.700", "0.800", "0.780 to 0.820", "0.735", "fail"),
        (
            "--max-accuracy-drop 0.5", "macro f1", "–", "−0.10 points", "−1.20 to 1.00 points",
            "0.50 points", "inconclusive",
        ),
        ("--max-latency 12ms", "latency", "–", "–", "–", "12.00 ms", "inconclusive"),
    )  # fmt: skip


def test_columns_that_say_nothing_are_left_out() -> None:
    headers = verdict_table([PASSED]).headers
    assert headers == ("rule", "of", "record", "found", "at most", "verdict")
