"""Ways to find the id of a label among the classes of a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bertslim.data.data_options import LabelsAs
from bertslim.data.labels import Declared

_WHOLE = re.compile(r"(-?\d{1,18})(\.0+)?")
_GENERIC = re.compile(r"LABEL_(\d{1,18})", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"(?<=\w)[\s_-]+(?=\w)")  # not the sign of a number
_TRUTHS = {"false": 0, "true": 1}

Finder = Callable[[str], int | None]


@dataclass(frozen=True)
class Way:
    """One way to find the id of a label.

    Attributes:
        name: As `--labels-as` has it; None for classes that the data declare.
        account: What it is, for the account of the rule.
    """

    name: LabelsAs | None
    account: str

    def accepts(self, labels_as: LabelsAs | None) -> bool:
        """Whether it is a way that the user allows."""
        return labels_as is None or self.name in (None, labels_as)


_BY_NAME = Way("names", "{whose} names")
_BY_FOLDED_NAME = Way("names", "{whose} names, whatever their case and blanks")
_BY_ID = Way("ids", "ids, as {whose} classes are numbered")
_BY_DECLARED_NAME = Way(None, "the classes that the data declare, by name")
_BY_DECLARED_FOLDED_NAME = Way(
    None, "the classes that the data declare, by name, whatever their case and blanks"
)
_BY_DECLARED_NUMBER = Way(None, "the classes that the data declare, by number")


def ways_to_find(class_names: Declared, names: Sequence[str]) -> dict[Way, Finder]:
    """Ways to find a label's id, the surest first; they are not mixed, since ids might clash."""
    exact = _by_key(names, str)
    folded = _by_key(names, fold)

    def by_folded_name(word: str) -> int | None:
        return folded.get(fold(word))

    def by_id(word: str) -> int | None:
        number = whole_number(word)
        if number is None and len(names) == 2 and are_generic(names):
            number = _TRUTHS.get(word.lower())
        return number if number is not None and 0 <= number < len(names) else None

    if class_names is None:
        return {_BY_NAME: exact.get, _BY_FOLDED_NAME: by_folded_name, _BY_ID: by_id}
    return {
        _BY_DECLARED_NAME: exact.get,
        _BY_DECLARED_FOLDED_NAME: by_folded_name,
        _BY_DECLARED_NUMBER: _by_declared_number(class_names, names, by_folded_name) or by_id,
    }


def _by_declared_number(
    class_names: Sequence[str], names: Sequence[str], by_name: Finder
) -> Finder | None:
    """Take the declared classes for the model's in their order, unless a name says otherwise."""
    alike = all(by_name(word) in (None, number) for number, word in enumerate(class_names))
    numbers = {word: number for number, word in enumerate(class_names)}
    return numbers.get if alike and len(class_names) == len(names) else None


def _by_key(names: Sequence[str], key: Callable[[str], str]) -> dict[str, int]:
    """Return the id of each name; nothing where two names are the same."""
    ids = {key(name): number for number, name in enumerate(names)}
    return ids if len(ids) == len(names) else {}


def fold(name: str) -> str:
    """Return what is left of a name where case, blanks, dashes and underscores do not count."""
    return _BETWEEN_WORDS.sub(" ", name.strip()).casefold()


def whole_number(word: str) -> int | None:
    """Return the number that a word is, also as 2.0 or LABEL_2; None where it is none."""
    match = _WHOLE.fullmatch(word) or _GENERIC.fullmatch(word)
    return int(match[1]) if match else None


def are_generic(names: Sequence[str]) -> bool:
    """Whether a model's classes have no names of their own: LABEL_0, LABEL_1 …"""
    return all(map(_GENERIC.fullmatch, names))
