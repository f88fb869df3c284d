"""Where a result comes from, as a reader sees it."""

from __future__ import annotations

import shlex

from bertslim.records import LabelCount, LabelSummary
from bertslim.report.origins import origins, written_command
from bertslim.report.render import render_report
from support.example_records import cut_record, full_record


def typed(shown: str) -> list[str]:
    """Read a command as a shell would."""
    fence, *lines, end = shown.splitlines()
    assert (fence, end) == ("```console", "```")
    return shlex.split("\n".join(lines).replace("\\\n", " "))


def test_a_command_can_be_typed_again_without_its_paths() -> None:
    command = ("bertslim", "cut", "/a b/model", "--data=/c/it's.csv", "--label-column", "a b")
    assert typed(written_command(command)) == [
        *("bertslim", "cut", "model", "--data=it's.csv", "--label-column", "a b"),
    ]


def test_how_data_and_labels_were_read_is_told() -> None:
    labels = LabelSummary(counts=(LabelCount(name="billing", count=300),), of=500)
    record = cut_record()
    data = record.data.model_copy(
        update={
            "reading": ("columns separated by semicolons",),
            "report_source": "/a b/dev.tsv",
            "report_reading": ("3 comment lines left out",),
            "label_rule": "2 classes, read as the model's names",
            "splits": tuple(
                split.model_copy(update={"labels": labels}) for split in record.data.splits
            ),
        }
    )
    rows = dict(origins(record.model_copy(update={"data": data})).rows)
    assert ", columns separated by semicolons, task text-classification" in rows["data"]
    assert rows["data of the report split"] == "dev.tsv, 3 comment lines left out"
    assert rows["labels"] == "2 classes, read as the model's names"
    assert rows["report split"] == "500 rows: billing 300 (60 %)"


def test_a_long_command_is_broken_before_options() -> None:
    command = ("bertslim", "cut", "m", *(word for n in range(30) for word in ("--length", str(n))))
    shown = written_command(command)
    assert typed(shown) == list(command)
    assert len(shown.splitlines()) > 4
    assert max(map(len, shown.splitlines())) <= 110


def test_words_are_shown_as_text() -> None:
    shown = written_command(("bertslim", "cut", "m", "--recipe", "```\n# x\u202e"))
    assert shown.splitlines()[0].startswith("````")
    assert "\u202e" not in shown


def test_a_library_call_has_no_command() -> None:
    assert written_command(()) is None
    assert "console" not in render_report(cut_record())
    assert "bertslim cut base --data=tickets.csv -o slim" in render_report(full_record())
