"""CoNLL column files, well-formed and not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bertslim.data.local_files import read_path
from bertslim.errors import DataError

TABS = "-DOCSTART-\t-X-\tO\n\nAda\tNNP\tB-PER\nsaw\tVBD\tO\n\n\nUlm\tNNP\tB-LOC\n"
SENTENCES = {
    "tokens": [["Ada", "saw"], ["Ulm"]],
    "tags": [["B-PER", "O"], ["B-LOC"]],
    "column_2": [["NNP", "VBD"], ["NNP"]],
}


def read(path: Path, text: str) -> dict[str, list[list[str]]]:
    path.write_text(text, encoding="utf-8")
    return read_path(str(path)).rows.to_dict()


@pytest.mark.parametrize("name", ["a.conll", "a.bio", "a.IOB"])
def test_the_word_stands_first_and_the_tag_last(tmp_path: Path, name: str) -> None:
    expected = SENTENCES
    assert read(tmp_path / name, TABS) == expected
    assert read(tmp_path / name, TABS.replace("\t", " ")) == expected
    assert read(tmp_path / name, TABS.replace("\n", "\r\n") + "\n \n") == expected
    assert read(tmp_path / name, "\ufeff" + TABS) == expected


def test_gzipped_files_and_directories(tmp_path: Path) -> None:
    (tmp_path / "a.conll.gz").write_bytes(gzip.compress(TABS.encode()))
    (tmp_path / "b.conll").write_text("Bonn\tNNP\tO\n")
    assert read_path(str(tmp_path)).rows.to_dict()["tokens"] == [["Ada", "saw"], ["Ulm"], ["Bonn"]]


def test_where_tabs_part_the_columns_blanks_are_part_of_words(tmp_path: Path) -> None:
    found = read(tmp_path / "a.conll", "New York\tB-LOC\n#\tO\n")
    assert found == {"tokens": [["New York", "#"]], "tags": [["B-LOC", "O"]]}


def test_words_alone_have_no_tags(tmp_path: Path) -> None:
    assert read(tmp_path / "a.conll", "Ada\nsaw\n\nUlm\n") == {"tokens": [["Ada", "saw"], ["Ulm"]]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ada\tB-PER\nsaw\n", "line 2 has 1 column separated by blanks, the first 2"),
        ("Ada B-PER\n\nin Ulm B-LOC\n", "line 3 has 3 columns separated by blanks, the first 2"),
        ("Ada\tB-PER\nsaw\t\n", "line 2 has no tag"),
    ],
)
def test_a_line_without_its_tag(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.conll"
    with pytest.raises(DataError) as caught:
        read(path, text)
    assert str(caught.value) == (
        f"{path}: {message}; give each word a line with its tag in the last column"
    )


@pytest.mark.parametrize("text", ["", "\n\n", "-DOCSTART- O\n\n"])
def test_no_sentence_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.conll"
    with pytest.raises(DataError, match="there are no rows in it"):
        read(path, text)


def test_other_encodings_and_unlabelled_files_among_labelled_ones(tmp_path: Path) -> None:
    latin = tmp_path / "latin.conll"
    latin.write_bytes("Köln\tO\n".encode("latin-1"))
    with pytest.raises(DataError, match="the text is not valid UTF-8; save it as UTF-8"):
        read_path(str(latin))
    latin.write_text("Ada\n")
    (tmp_path / "b.conll").write_text("Ada\tO\n")
    with pytest.raises(
        DataError, match=r"the columns \(tokens\) are not those of b.conll \(tokens, tags\)"
    ):
        read_path(str(tmp_path))


DOMAINS = "".join(
    f"# id {number:08x} domain=en\nAnna _ _ B-PER\nSmith _ _ I-PER\n{number} _ _ O\n\n"
    for number in range(3)
)
UNIVERSAL = """# sent_id = 1
# text = Vámonos al mar
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
2.1\tsí\tsí\tADV\t_\t_\t_\t_\t_\t_
3\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\tSpaceAfter=No

# sent_id = 2
1\tSí\tsí\tINTJ\t_\t_\t0\troot\t_\t_

"""
CONLL_2003 = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
# # B-NP O

Peter NNP B-NP B-PER
"""
GERM_EVAL = "#\thttp://a.b [2009-10-17]\n1\tIn\tO\tO\n2\tKöln\tB-LOC\tO\n\n#\tx\n1\tSo\tO\tO\n"


@pytest.mark.parametrize(
    ("text", "tokens", "tags", "reading"),
    [
        (
            DOMAINS,
            [["Anna", "Smith", str(number)] for number in range(3)],
            [["B-PER", "I-PER", "O"]] * 3,
            (
                "words in column 1 and tags in column 4 of 4, separated by blanks",
                "3 comment lines left out",
            ),
        ),
        (
            UNIVERSAL,
            [["Vamos", "nos", "mar"], ["Sí"]],
            [["VERB", "PRON", "NOUN"], ["INTJ"]],
            (
                "words in column 2 and tags in column 4 of 10, separated by tabs",
                "3 comment lines left out",
                "2 multiword ranges and empty nodes left out",
            ),
        ),
        (
            CONLL_2003,
            [["EU", "rejects", "#"], ["Peter"]],
            [["B-ORG", "O", "O"], ["B-PER"]],
            (
                "words in column 1 and tags in column 4 of 4, separated by blanks",
                "1 -DOCSTART- line left out",
            ),
        ),
        (
            GERM_EVAL,
            [["In", "Köln"], ["So"]],
            [["O", "O"], ["O"]],
            (
                "words in column 2 and tags in column 4 of 4, separated by tabs",
                "2 comment lines left out",
            ),
        ),
        (
            "O\twhat\nB-ACTOR\ttom\nI-ACTOR\thanks\n",
            [["what", "tom", "hanks"]],
            [["O", "B-ACTOR", "I-ACTOR"]],
            ("words in column 2 and tags in column 1 of 2, separated by tabs",),
        ),
        (
            "#WorldCup O\nin O\n#Rio B-LOC\n# O\n",
            [["#WorldCup", "in", "#Rio", "#"]],
            [["O", "O", "B-LOC", "O"]],
            ("words in column 1 and tags in column 2 of 2, separated by blanks",),
        ),
        (
            "#begin document (a/b); part 000\nAda O\nsaw\tO\n\n#end document\n",
            [["Ada", "saw"]],
            [["O", "O"]],
            (
                "words in column 1 and tags in column 2 of 2, separated by blanks",
                "2 comment lines left out",
            ),
        ),
        (
            "Ada\tO\t\nUlm\tB-LOC\t\n",
            [["Ada", "Ulm"]],
            [["O", "B-LOC"]],
            ("words in column 1 and tags in column 2 of 3, separated by tabs",),
        ),
        (
            "Ada _ _\nsaw _ _\n\nher _ _\n",
            [["Ada", "saw"], ["her"]],
            None,
            ("words in column 1 and no tags of 3, separated by blanks",),
        ),
        (
            "# a comment\nAda\n#tag\n\nUlm\n",
            [["Ada", "#tag"], ["Ulm"]],
            None,
            ("words in column 1 and no tags of 1", "1 comment line left out"),
        ),
        ("a\xa0b O\n\u3000 O\n", [["a\xa0b", "\u3000"]], [["O", "O"]], None),
    ],
)
def test_words_tags_and_comments_are_told_apart(
    tmp_path: Path,
    text: str,
    tokens: list[list[str]],
    tags: list[list[str]] | None,
    reading: tuple[str, ...] | None,
) -> None:
    path = tmp_path / "a.conll"
    path.write_text(text, encoding="utf-8")
    table = read_path(str(path))
    found = table.rows.to_dict()
    assert found["tokens"] == tokens
    assert found.get("tags") == tags
    assert reading is None or table.reading == reading


def test_other_columns_can_be_named(tmp_path: Path) -> None:
    found = read(tmp_path / "a.conll", GERM_EVAL)
    assert found["column_3"] == [["O", "B-LOC"], ["O"]]
    found = read(tmp_path / "a.conll", UNIVERSAL)
    assert found["lemma"] == [["ir", "nosotros", "mar"], ["sí"]]
    assert "id" not in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Ada O\n# a comment inside\nsaw O\n",
            "line 2 begins with # within a sentence, and is no word with a tag of others; "
            "leave the line out, or put comments before the sentence",
        ),
        (
            "doc1 0 Ada NNP\ndoc1 1 saw VBD\ndoc1 2 her PRP\n",
            "column 1 is the same in each sentence, as in line 1: no words",
        ),
        ("O NNP Ada\nB-PER VBD saw\n", "column 1 looks like tags and the last, as in line 1"),
        (
            "".join(f"{'NV'[place % 2]} word{place}\n" for place in range(24)),
            "column 1 looks like tags and the last, as in line 1, like words",
        ),
        ("Ada\tO\n \tO\n", "line 2 has no word"),
        (
            "id text label\n1 Ada B-PER\n2 saw O\n",
            "line 1 ends in 'label', all others in tags such as O; leave out a line of names",
        ),
    ],
)
def test_what_cannot_be_told_apart_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.conll"
    with pytest.raises(DataError) as caught:
        read(path, text)
    assert str(caught.value).startswith(f"{path}: {message}")
