from __future__ import annotations

from markdown_it import MarkdownIt

from bertslim.report.tables import Table


def test_a_table_is_padded_so_that_it_reads_as_plain_text():
    table = Table("lr", ("figure", "slim"), (("parameters", "1,234"), ("macro F1", "")))
    assert table.markdown() == (
        "| figure     |  slim |\n"
        "| ---------- | ----: |\n"
        "| parameters | 1,234 |\n"
        "| macro F1   |     – |"
    )


def test_wide_characters_take_two_columns():
    lines = Table("ll", ("名", "x"), (("模型", "y"), ("abcd", "z"))).markdown().splitlines()
    assert lines == ["| 名   | x   |", "| ---- | --- |", "| 模型 | y   |", "| abcd | z   |"]


def test_cells_cannot_break_out():
    table = Table("ll", ("a", "b"), (("x | y\n| z | w |", "<b>`c`"),))
    tokens = MarkdownIt("commonmark").enable("table").parse(table.markdown())
    cells = [token.content for token in tokens if token.type == "inline"]
    assert cells == ["a", "b", "x | y | z | w |", "&lt;b>\\`c\\`"]


def test_columns_that_say_nothing_are_left_out():
    table = Table("lrl", ("a", "b", "c"), (("1", "–", ""), ("2", "", "3")))
    assert table.without_empty_columns() == Table("ll", ("a", "c"), (("1", ""), ("2", "3")))
