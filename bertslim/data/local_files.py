"""Local files and directories -> one table with the columns that they have.

Reading writes nothing, neither to a cache nor to a temporary directory.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from bertslim.data.beir import is_beir, read_beir
from bertslim.data.data_directory import choose_files
from bertslim.data.file_formats.file_kinds import KINDS, kind_of, read_file
from bertslim.data.source_table import SourceTable
from bertslim.data.table_union import unite
from bertslim.errors import DataError
from bertslim.named_paths import exists, expanded
from bertslim.wording import did_you_mean, listed


def is_path(source: str) -> bool:
    """Whether a source is meant as a path, be it there or not, and not as a name on the Hub."""
    path = expanded(source)
    return source != "" and (
        exists(path)
        or kind_of(path) is not None
        or source.startswith(("/", ".", "~"))
        or source.endswith("/")
        or "\\" in source
        or len(path.parts) > 2
        or (len(path.parts) == 2 and exists(Path(path.parts[0])))
    )


def read_path(source: str, named: Collection[str] = ()) -> SourceTable:
    """Read a file, or the data files of a directory.

    Args:
        source: The path.
        named: The columns that the user named: a first line that holds one is a header.

    Raises:
        DataError: Nothing is there, it is of no known kind, is broken or has no rows.
    """
    path = expanded(source)
    if not exists(path):
        neighbours = (entry.name for entry in path.parent.glob("*")) if exists(path.parent) else ()
        raise DataError(
            "no such file or directory", where=source, remedy=did_you_mean(path.name, neighbours)
        )
    if is_beir(path):
        return read_beir(path, source)
    if path.is_dir():
        return _read_directory(path, source, named)
    if kind_of(path) is None:
        raise DataError(
            "not a kind of file that can be read",
            where=source,
            remedy=f"give one of {', '.join(KINDS)}, or a directory of such files",
        )
    if not path.is_file():
        raise DataError(
            "not a regular file, which can be read more than once",
            where=source,
            remedy="write the data to a file",
        )
    return _read_files([path], source, named)


def _read_directory(path: Path, source: str, named: Collection[str]) -> SourceTable:
    files = _data_files(path, source)
    chosen = choose_files(files, source)
    table = _read_files(chosen.read, source, named)
    reading = [f"files: {_names(chosen.read)}"]
    held_out, used = None, set(chosen.read)
    for split in chosen.held_out:
        found = _read_files(split, str(path / _names(split)), named)
        missing = sorted(set(table.rows.column_names) - set(found.rows.column_names))
        if missing:  # as in the test files of competitions, whose labels are kept secret
            reading.append(f"no column {' or '.join(missing)} in {_names(split)}")
            continue
        held_out, used = found, used | set(split)
        reading.append(f"set apart: {_names(split)}")
        break
    unused = [file for file in files if file not in used]
    reading += [f"not used: {_names(unused)}"] if unused else []
    return replace(table, reading=(*reading, *table.reading), held_out=held_out)


def _names(files: Sequence[Path]) -> str:
    return listed([file.name for file in files])


def _data_files(path: Path, source: str) -> list[Path]:
    if (path / "state.json").exists() or (path / "dataset_dict.json").exists():
        raise DataError(
            "written by save_to_disk of datasets, which is not read here",
            where=source,
            remedy="write it with to_parquet",
        )
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    files = [entry for entry in entries if entry.is_file() and kind_of(entry)]
    for file in files:
        if file.with_name(f"{file.name}.gz") in files:
            raise DataError(
                f"{file.name} is there twice, also as {file.name}.gz",
                where=source,
                remedy="leave one of the two",
            )
    if not files:
        raise DataError(
            f"no data file directly in this directory; looked for {', '.join(KINDS)}", where=source
        )
    return files


def _read_files(files: Sequence[Path], source: str, named: Collection[str]) -> SourceTable:
    kinds = sorted({str(kind_of(file)) for file in files})
    if len(kinds) > 1:
        raise DataError(
            f"this directory mixes data files of several kinds: {', '.join(kinds)}",
            where=source,
            remedy="name one file, or leave files of one kind",
        )
    tables = [
        read_file(file, named, where=str(file) if len(files) > 1 else source) for file in files
    ]
    table = tables[0] if len(tables) == 1 else unite(tables, source)
    if len(table.rows) == 0:
        raise DataError("there are no rows in it", where=source)
    return table
