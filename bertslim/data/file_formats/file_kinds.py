"""The kinds of data files, by their extensions, and how a file of each kind becomes a table."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from bertslim.data.file_formats.conll import read_conll
from bertslim.data.file_formats.delimited_files import read_delimited
from bertslim.data.file_formats.json_files import read_json
from bertslim.data.file_formats.parquet_files import read_parquet
from bertslim.data.file_formats.text_files import read_text, text_lines
from bertslim.data.source_table import SourceTable

KINDS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".txt": "text",
    ".conll": "conll",
    ".conllu": "conll",
    ".bio": "conll",
    ".iob": "conll",
}


def kind_of(path: Path) -> str | None:
    """Return the kind of a file by its extension, in any case and also before `.gz`."""
    name = path.name.lower().removesuffix(".gz")
    return KINDS.get(Path(name).suffix)


def read_file(file: Path, named: Collection[str], *, where: str) -> SourceTable:
    """Read a file of one of the kinds.

    Args:
        file: The file.
        named: The columns that the user named.
        where: What to call it in messages.

    Raises:
        DataError: It is broken, or it cannot be told how to read it.
    """
    match kind_of(file):
        case "csv" | "tsv" as kind:
            return read_delimited(file, kind, named, where=where)
        case "json":
            return read_json(file, where=where)
        case "parquet":
            return read_parquet(file, where=where)
        case "conll":
            return read_conll(text_lines(file, where=where), where=where)
        case _:
            return read_text(file, where=where)
