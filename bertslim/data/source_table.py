"""What a source holds, as it came, with the account of how it was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset


@dataclass(frozen=True)
class SourceTable:
    """The table of one source.

    Attributes:
        source: What the user gave.
        rows: Its rows, with the columns that they have.
        reading: How its files were read where that was not fixed by their kind, a clause each, such
            as "columns separated by ;" or "60 comment lines left out"; nothing where nothing had to
            be chosen.
        held_out: The rows that the source itself sets apart to be reported on, such as `test.csv`
            beside `train.csv`; None where it sets none apart.
    """

    source: str
    rows: Dataset
    reading: tuple[str, ...] = ()
    held_out: SourceTable | None = None

    @property
    def reported(self) -> SourceTable:
        """The rows to report on: those that are set apart, else all."""
        return self.held_out or self


def rows_in_memory(table: pa.Table) -> Dataset:
    """Make rows of a table that stays in memory as it is.

    The fingerprint names results in the cache of `datasets`, which is not used; to work it out
    would copy the table twice.
    """
    from datasets import Dataset
    from datasets.fingerprint import generate_random_fingerprint
    from datasets.table import InMemoryTable

    return Dataset(InMemoryTable(table), fingerprint=generate_random_fingerprint())
