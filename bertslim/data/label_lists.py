"""Several labels a row -> a list of them, however a table or a text holds them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bertslim.data.file_formats.list_cells import parse_list
from bertslim.data.labels import REMEDY, RawLabels
from bertslim.errors import DataError

_YES_OR_NO = {"0": 0, "1": 1, "0.": 0, "1.": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
_LIST = "list"
_WHOLE = "whole"
_SEPARATORS = {"|": r"\|", ";": ";", ",": ",", "blank": r"\s"}
_IN_LIST = re.compile(r"""['"]([^'"]*)['"]|([^\s,;]+)""")


def holds_sets(values: Sequence[object]) -> bool:
    """Whether labels are lists, or texts written as lists or vectors or parted by a bar."""
    if any(isinstance(value, list) for value in values):
        return True
    texts = [value.strip() for value in values if isinstance(value, str) and value.strip()]
    if not texts:
        return False
    if any("|" in text for text in texts) or all(map(_is_bracketed, texts)):
        return True
    lists = [re.split(r"[,;\s]+", text) for text in texts]
    return all(is_vector(members, len(lists[0])) for members in lists)


def forms_of(sources: Sequence[RawLabels], names: Sequence[str] | None) -> list[str | None]:
    """Return how texts may hold several labels, the likeliest first; None where none are texts."""
    texts = [
        value.strip()
        for labels in sources
        for value in labels.values
        if isinstance(value, str) and value.strip()
    ]
    if not texts:
        return [None]
    if all(map(_is_bracketed, texts)):
        return [_LIST]
    found: list[str | None] = [
        form
        for form, separator in _SEPARATORS.items()
        if any(re.search(separator, text) for text in texts)
    ]
    if "|" in found:
        return ["|"]
    # A class may have a comma or a blank in its name, so that the whole text is tried first.
    return found if names is None and holds_sets(texts) else [_WHOLE, *found]


def lists_of(labels: RawLabels, form: str | None) -> list[list[Any]]:
    """Return the labels of each row as a list.

    Args:
        labels: What the table holds.
        form: How its texts hold several labels, one of `forms_of`.

    Raises:
        DataError: A value cannot be labels.
    """
    return [
        _members(value, form, row, labels.source)
        for value, row in zip(labels.values, labels.rows, strict=True)
    ]


def _members(value: object, form: str | None, row: int, source: str) -> list[Any]:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return [value]
    if isinstance(value, str):
        members = _parted(value.strip(), form)
        if members is not None:
            return members
    raise DataError(f"row {row}: {value!r} cannot be labels", where=source, remedy=REMEDY)


def _parted(text: str, form: str | None) -> list[Any] | None:
    if not text:
        return []
    if form == _LIST:
        return _in_brackets(text)
    if form in (None, _WHOLE):
        return [text]
    return [part for part in re.split(rf"\s*{_SEPARATORS[form]}\s*", text) if part]


def _is_bracketed(text: str) -> bool:
    return text[:1] + text[-1:] in ("[]", "()")


def _in_brackets(text: str) -> list[Any] | None:
    """Read a list as JSON or Python write it, or as numpy does."""
    if not _is_bracketed(text):
        return None
    inside = text[1:-1]
    listed = parse_list(f"[{inside}]")
    if listed is not None:
        return listed
    return [quoted or bare for quoted, bare in _IN_LIST.findall(inside)]


def written(form: str | None) -> str:
    """Describe the form, as a clause behind the account of a rule."""
    if form in (None, _WHOLE):
        return ""
    return ", written as lists" if form == _LIST else f", parted by {form}"


def is_vector(members: Sequence[Any], length: int) -> bool:
    """Whether a list holds a 0 or 1 for each class."""
    return length > 1 and len(members) == length and all(_word(m) in _YES_OR_NO for m in members)


def repeats_a_number(members: Sequence[Any]) -> bool:
    """Whether a number occurs twice, which ids in a list do not."""
    numbers = Counter(_word(member) for member in members if not isinstance(member, bool))
    return any(times > 1 and word in _YES_OR_NO for word, times in numbers.items())


def yes_or_no(value: object) -> int | None:
    """Return 0 or 1 for a value that means one of them; None for any other."""
    return _YES_OR_NO.get(_word(value))


def _word(value: object) -> str:
    return str(value).strip().lower()
