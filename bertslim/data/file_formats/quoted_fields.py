"""Whether quotes enclose the fields of a file or are part of its texts, where both would fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_ENCLOSED = re.compile(r'"(?:[^"]|"")*"')


def are_enclosed(rows: Iterable[Sequence[str]]) -> bool | None:
    """Tell whether quotes enclose fields; None where no field begins and ends with one.

    They do where no other field holds a quote, and one of those enclosed holds a doubled quote or
    all of a column are enclosed: so `csv` and pandas write. In the files of GLUE, which know no
    quoting, a text in quotes stands among others without.

    Args:
        rows: Rows without the header, of which quotes are part of the fields.
    """
    any_enclosed = any_doubled = any_loose = False
    open_columns: set[int] = set()
    columns = 0
    for row in rows:
        columns = len(row)
        for column, field in enumerate(row):
            enclosed = '"' in field and _ENCLOSED.fullmatch(field) is not None
            any_enclosed |= enclosed
            any_doubled |= enclosed and '""' in field[1:-1]
            any_loose |= not enclosed and '"' in field
            if not enclosed:
                open_columns.add(column)
    if not any_enclosed:
        return None
    return not any_loose and (any_doubled or len(open_columns) < columns)
