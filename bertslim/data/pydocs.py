"""The built-in demonstration data: docstrings of Python's standard library, by package.

A text is one paragraph of a docstring, its label the top-level package that it stands in. Source
files are parsed, never imported. Other versions of Python give other texts.
"""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from bertslim.errors import DataError

NAME = "builtin:pydocs"
PACKAGES = (
    "asyncio",
    "email",
    "http",
    "importlib",
    "logging",
    "multiprocessing",
    "unittest",
    "urllib",
    "wsgiref",
    "xml",
)
_SHORTEST = 4  # words

_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def read_pydocs(stdlib: Path | None = None) -> tuple[list[str], list[int]]:
    """Collect the paragraphs and, for each, the number of its package in `PACKAGES`.

    The order is that of the packages, files and lines. A paragraph that several packages share has
    no clear label and is left out; of repeated ones the first is kept.

    Args:
        stdlib: Where the standard library lies; by default that of the running Python.

    Raises:
        DataError: This Python came without the source of a package.
    """
    root = stdlib or Path(sysconfig.get_path("stdlib"))
    labels: dict[str, int] = {}
    shared: set[str] = set()
    for label, package in enumerate(PACKAGES):
        for text in _paragraphs_of_package(root / package):
            if labels.setdefault(text, label) != label:
                shared.add(text)
    texts = [text for text in labels if text not in shared]
    return texts, [labels[text] for text in texts]


def _paragraphs_of_package(package: Path) -> Iterator[str]:
    files = [
        file
        for file in sorted(package.rglob("*.py"))
        if not {"test", "tests"} & set(file.relative_to(package).parts)
    ]
    if not files:
        raise DataError(
            f"this Python came without the source of its package {package.name}",
            where=NAME,
            remedy="use a Python with the full standard library, or give --data a file",
        )
    for file in files:
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, _Documented):
                yield from _paragraphs(ast.get_docstring(node) or "")


def _paragraphs(docstring: str) -> Iterator[str]:
    for paragraph in docstring.split("\n\n"):
        words = paragraph.split()
        if len(words) >= _SHORTEST and ">>>" not in words:
            yield " ".join(words)
