from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from bertslim.data.data_source import load_data
from bertslim.data.pydocs import PACKAGES, read_pydocs
from bertslim.data.splits import split
from bertslim.errors import DataError


def write(root: Path, package: str, **modules: str) -> None:
    (root / package).mkdir(parents=True, exist_ok=True)
    for name, source in modules.items():
        (root / package / f"{name}.py").write_text(source, encoding="utf-8")


def test_it_holds_thousands_of_texts_in_ten_classes() -> None:
    start = time.perf_counter()
    texts, labels = read_pydocs()
    seconds = time.perf_counter() - start
    assert len(texts) >= 3000
    assert len(texts) == len(set(texts)) == len(labels)
    assert set(labels) == set(range(len(PACKAGES)))
    assert min(Counter(labels).values()) >= 100
    assert all(len(text.split()) >= 4 and ">>>" not in text for text in texts)
    assert seconds < 10  # about 0.7 when nothing else runs


def test_two_loadings_agree() -> None:
    first, second = load_data("builtin:pydocs"), load_data("builtin:pydocs")
    assert first.rows.sha256 == second.rows.sha256
    assert first.label_names == PACKAGES
    assert first.rows.table.column_names == ["text", "label"]


def test_every_class_is_in_every_split() -> None:
    splits = split(load_data("builtin:pydocs"))
    for part in (splits.fit, splits.select, splits.report):
        assert set(part.table["label"][:]) == set(range(len(PACKAGES)))
    assert splits.notes == ()


def test_no_package_is_imported() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "wsgiref"]:
        del sys.modules[name]
    read_pydocs()
    assert "wsgiref" not in sys.modules


def test_paragraphs_become_texts_and_shared_ones_go(tmp_path: Path) -> None:
    for package in PACKAGES:
        write(tmp_path, package, filler=f'"""The {package} package has this."""')
    write(
        tmp_path,
        "email",
        a='"""Parse a message\n    from bytes.\n\n    >>> parse(b"") is not None\n\n    Too short."""',
        b='class A:\n    """Said in two packages alike."""\n    def f(self): "Parse a message from bytes."',
    )
    write(tmp_path, "http", a='async def f(): "Said in two packages alike."')
    write(tmp_path / "http", "tests", a='"""A test is no documentation."""')

    texts, labels = read_pydocs(tmp_path)

    found = dict(zip(texts, labels, strict=True))
    assert found == {
        **{f"The {package} package has this.": n for n, package in enumerate(PACKAGES)},
        "Parse a message from bytes.": PACKAGES.index("email"),
    }
    assert labels == sorted(labels)


def test_a_python_without_its_source_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_pydocs(tmp_path)
    assert str(caught.value) == (
        "builtin:pydocs: this Python came without the source of its package asyncio; "
        "use a Python with the full standard library, or give --data a file"
    )
