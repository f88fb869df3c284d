"""Local files and directories -> one table with the columns that they have."""

from __future__ import annotations

import gzip
import json
import tempfile
import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO, cast

import pandas as pd
from datasets import Dataset, Features, Value, concatenate_datasets, load_dataset

from bertslim.data.conll import read_conll
from bertslim.data.source_table import SourceTable
from bertslim.data.squad import read_squad
from bertslim.errors import DataError
from bertslim.printable import one_line
from bertslim.quiet import quiet_datasets
from bertslim.wording import did_you_mean, listed

KINDS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".txt": "text",
    ".conll": "conll",
    ".bio": "conll",
    ".iob": "conll",
}

# "NA" is a text, an empty cell is "", and a row that is too long is an error: pandas would take its
# first field for an index and shift the others.
_CSV = {"keep_default_na": False, "na_filter": False, "index_col": False}
_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "csv": ("csv", _CSV),
    "tsv": ("csv", {**_CSV, "sep": "\t", "quoting": 3}),  # 3: quotes mean nothing
    "json": ("json", {}),
    "parquet": ("parquet", {}),
    "text": ("text", {"encoding": "utf-8-sig"}),
}
# Messages of the readers for a file without rows, beside a bare StopIteration.
_MESSAGES_FOR_EMPTY = (
    "No columns to parse",
    "corresponds to no data",
    "at least one example",
    "BatchSize must be greater than 0",
)


def kind_of(path: Path) -> str | None:
    """Return the kind of a file by its extension, in any case and also before `.gz`."""
    name = path.name.lower().removesuffix(".gz")
    return KINDS.get(Path(name).suffix)


def is_path(source: str) -> bool:
    """Whether a source is meant as a path, be it there or not, and not as a name on the Hub."""
    path = Path(source).expanduser()
    return (
        path.exists()
        or kind_of(path) is not None
        or source.startswith(("/", ".", "~"))
        or source.endswith("/")
        or "\\" in source
        or len(path.parts) > 2
        or (len(path.parts) == 2 and Path(path.parts[0]).is_dir())
    )


def read_path(source: str) -> SourceTable:
    """Read a file, or all data files of a directory, in the order of their names.

    Raises:
        DataError: Nothing is there, it is of no known kind, is broken or has no rows.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        files = _files_of_directory(path, source)
    elif path.exists():
        files = [path]
    else:
        neighbours = (entry.name for entry in path.parent.glob("*"))
        raise DataError(
            "no such file or directory", where=source, remedy=did_you_mean(path.name, neighbours)
        )
    kind = kind_of(files[0])
    if kind is None:
        raise DataError(
            "not a kind of file that can be read",
            where=source,
            remedy=f"give one of {', '.join(KINDS)}, or a directory of such files",
        )
    table = _read_own(files, kind, source)
    if table is None:
        table = _read_files(files, kind, source)
    if len(table) == 0:
        raise _no_rows(source)
    return SourceTable(source, table)


def _files_of_directory(path: Path, source: str) -> list[Path]:
    if (path / "state.json").exists() or (path / "dataset_dict.json").exists():
        raise DataError(
            "written by save_to_disk of datasets, which is not read here",
            where=source,
            remedy="write it with to_parquet",
        )
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    files = [entry for entry in entries if entry.is_file() and kind_of(entry)]
    kinds = sorted({str(kind_of(file)) for file in files})
    if not files:
        raise DataError(
            f"no data file directly in this directory; looked for {', '.join(KINDS)}", where=source
        )
    if len(kinds) > 1:
        raise DataError(
            f"this directory mixes data files of several kinds: {', '.join(kinds)}",
            where=source,
            remedy="name one file, or leave files of one kind",
        )
    return files


def _read_own(files: Sequence[Path], kind: str, source: str) -> Dataset | None:
    """Read the forms that `datasets` does not know: CoNLL columns, and SQuAD among JSON."""
    if kind not in ("conll", "json"):
        return None
    tables: list[Dataset] = []
    for file in files:
        where = str(file) if len(files) > 1 else source
        try:
            with _open_text(file) as text:
                table = (read_conll if kind == "conll" else read_squad)(text, source=where)
        except (OSError, EOFError, UnicodeDecodeError) as error:
            if kind == "json":
                return None  # the reader of other JSON reports why
            raise _why_unreadable(error, files, kind, source) from error
        if table is None:
            return None
        tables.append(table)
    if any(table.features != tables[0].features for table in tables):
        raise DataError("some of the files have labels, others have none", where=source)
    return concatenate_datasets(tables) if sum(map(len, tables)) else tables[0]


def _read_files(files: Sequence[Path], kind: str, source: str) -> Dataset:
    builder, options = _OPTIONS[kind]
    try:
        # A cache of its own: an edited file must never be answered from an older reading of it.
        with quiet_datasets(), tempfile.TemporaryDirectory(prefix="bertslim-data-") as cache:
            if builder == "csv":
                warnings.simplefilter("error", pd.errors.ParserWarning)
                options = {**options, "features": _all_strings(files, options)}
            table = load_dataset(
                builder,
                data_files=_plainly_named(files, Path(cache)),
                split="train",
                cache_dir=cache,
                keep_in_memory=True,
                **options,
            )
            table.data.table.validate(full=True)  # some readers let invalid UTF-8 through
    except DataError:
        raise
    except Exception as error:
        raise _why_unreadable(error, files, kind, source) from error
    return table


def _plainly_named(files: Sequence[Path], directory: Path) -> list[str]:
    """Link to the files by names that cannot be taken for a pattern, as `a[1].csv` would be."""
    links = [directory / f"{number:05}{file.suffix}" for number, file in enumerate(files)]
    for link, file in zip(links, files, strict=True):
        link.symlink_to(file.resolve())
    return [str(link) for link in links]


def _all_strings(files: Sequence[Path], options: dict[str, Any]) -> Features:
    """Read every column as strings: guessed types would turn "007" into 7, chunk by chunk."""
    headers = [list(pd.read_csv(file, nrows=0, **options).columns) for file in files]
    for file, header in zip(files, headers, strict=True):
        if header != headers[0]:
            raise DataError(
                f"the columns ({listed(header)}) are not those of {files[0].name} "
                f"({listed(headers[0])})",
                where=str(file),
            )
    return Features({name: Value("string") for name in headers[0]})


def _why_unreadable(error: Exception, files: Sequence[Path], kind: str, source: str) -> DataError:
    cause = error.__cause__ or error
    reason = one_line(str(cause))
    if isinstance(cause, StopIteration) or any(words in reason for words in _MESSAGES_FOR_EMPTY):
        return _no_rows(source)
    if isinstance(cause, UnicodeDecodeError) or "Invalid UTF8" in reason:
        return DataError("the text is not valid UTF-8", where=source, remedy="save it as UTF-8")
    if "Length of header" in reason:
        return DataError("the rows have more fields than the header names", where=source)
    if kind == "json":
        reason = _where_json_breaks(files) or reason
    reason = textwrap.shorten(reason or type(cause).__name__, 200)
    return DataError(f"cannot be read as {kind}: {reason}", where=source)


def _where_json_breaks(files: Sequence[Path]) -> str | None:
    """Find the first line that is not JSON, which the reader's own message does not name."""
    for file in files:
        number = 0
        try:
            with _open_text(file) as lines:
                for number, line in enumerate(lines, start=1):
                    if number == 1 and line.startswith("["):
                        json.loads(line + lines.read())
                        break
                    if line.strip() and not isinstance(json.loads(line.rstrip()), dict):
                        return f"line {number} is not a JSON object"
        except json.JSONDecodeError as error:
            line_number = max(number, error.lineno)
            return f"line {line_number} is not valid JSON ({error.msg} at column {error.colno})"
        except (OSError, EOFError, UnicodeDecodeError):
            return None
    return None


def _open_text(file: Path) -> TextIO:
    if file.name.lower().endswith(".gz"):
        return cast(TextIO, gzip.open(file, "rt", encoding="utf-8-sig"))
    return file.open(encoding="utf-8-sig")


def _no_rows(source: str) -> DataError:
    return DataError("there are no rows in it", where=source)
