"""The layer selector language: which layers of a model an operation of a recipe means.

    selector = term {"except" term}
    term     = "odd" | "even" | "all"
             | ("first" | "last" | "middle" | "least_important") count
             | "every" number | number "-" number | number | "[" selector {"," selector} "]"
    count    = number | "half"

Layers are numbered from 0 at the bottom; a single negative number counts from the top.
`parse` checks the words, `Selector.resolve` the fit to a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from bertslim.recipe.selectors import (
    AnyOf,
    Count,
    Every,
    Except,
    LeastImportant,
    Pattern,
    Range,
    Selector,
    SelectorError,
    Single,
    Span,
)
from bertslim.wording import nearest, shown

__all__ = ["FORMS", "Selector", "SelectorError", "parse"]

FORMS = (
    "odd",
    "even",
    "all",
    "first N",
    "last N",
    "middle N",
    "every N",
    "least_important N",
    "A-B",
    "-1",
    "[1, 3, 5]",
    "X except Y",
)
"""Every form of the language, as messages and the guide write it."""

LONGEST_TEXT = 4000
DEEPEST_LIST = 8


def parse(selector: object) -> Selector:
    """Read a selector: text, a layer number, or a list of these.

    Raises:
        SelectorError: It is none; the message names the nearest valid words.
    """
    if isinstance(selector, list | tuple):
        return _parse_list(selector)
    return _parse_item(selector, depth=0)


def _parse_list(items: Sequence[object]) -> Selector:
    if not items:
        raise SelectorError("an empty list selects no layer")
    parts, faults = [], {}
    for position, item in enumerate(items):
        try:
            parts.append(_parse_item(item, depth=1))
        except SelectorError as error:
            faults[position] = str(error)
    if faults:
        raise SelectorError("; ".join(faults.values()), faults)
    return _any_of(parts)


def _parse_item(item: object, depth: int) -> Selector:
    if isinstance(item, Selector):
        return item
    if isinstance(item, int) and not isinstance(item, bool):
        return Single(item)
    if not isinstance(item, str) or len(item) > LONGEST_TEXT:
        raise SelectorError(f"{shown(item)} is no layer selector; {_ADVICE}")
    try:
        return _read(item, depth)
    except _UnreadableError as error:
        near = _suggest(str(error))
        advice = f"did you mean {near!r}?" if near else _ADVICE
        raise SelectorError(f"{shown(str(error))} is no layer selector; {advice}") from None


class _UnreadableError(Exception):
    """A term that has no meaning in the language."""


def _read(text: str, depth: int) -> Selector:
    terms = [" ".join(term.split()) for term in _split(text, r"\bexcept\b")]
    kept, *removed = [_read_term(term, depth) for term in terms]
    return Except(kept, tuple(removed)) if removed else kept


def _read_term(term: str, depth: int) -> Selector:
    if term.startswith("[") and term.endswith("]") and depth < DEEPEST_LIST:
        return _any_of([_read(item, depth + 1) for item in _split(term[1:-1], ",")])
    for shape, make in _SHAPES:
        if match := re.fullmatch(shape, term):
            return make(*match.groups())
    raise _UnreadableError(term)


def _split(text: str, separator: str) -> list[str]:
    """Split text at the separators that stand outside brackets."""
    parts, start, depth = [], 0, 0
    for match in re.finditer(rf"\[|\]|{separator}", text):
        depth += {"[": 1, "]": -1}.get(match[0], 0)
        if depth == 0 and match[0] not in "[]":
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _any_of(parts: Iterable[Selector]) -> AnyOf:
    """Make a union without unions in it, so that equal choices are written alike."""
    return AnyOf(
        tuple(
            inner
            for part in parts
            for inner in (part.parts if isinstance(part, AnyOf) else (part,))
        )
    )


def _read_span(where: str, count: str) -> Selector:
    number = _read_count(f"{where} {count}", count)
    if where == "least_important":
        return LeastImportant(number)
    return Span(where, number)  # type: ignore[arg-type]


def _read_every(step: str) -> Selector:
    if int(step) < 1:
        raise SelectorError(f"'every {step}' has no meaning: the step must be 1 or more")
    return Every(int(step))


def _read_range(low: str, high: str) -> Selector:
    if int(low) > int(high):
        raise SelectorError(f"'{low}-{high}' runs backwards; did you mean '{high}-{low}'?")
    return Range(int(low), int(high))


def _read_count(text: str, count: str) -> Count:
    if count == "half":
        return "half"
    if int(count) < 1:
        raise SelectorError(f"'{text}' selects no layer")
    return int(count)


_SHAPES: tuple[tuple[str, Callable[..., Selector]], ...] = (
    ("(odd|even|all)", Pattern),
    ("(first|last|middle|least_important) (half|[0-9]+)", _read_span),
    ("every ([0-9]+)", _read_every),
    ("([0-9]+) ?- ?([0-9]+)", _read_range),
    ("(-?[0-9]+)", lambda number: Single(int(number))),
)
_WORDS = (
    *("odd", "even", "all", "first", "last", "middle", "least_important", "every"),
    *("half", "except"),
)
_SYNONYMS = {"top": "last", "upper": "last", "bottom": "first", "lower": "first"}
_ADVICE = "write one of " + ", ".join(f"'{form}'" for form in FORMS)


def _suggest(term: str) -> str | None:
    """Return the nearest text that can be read: with spaces and words mended, or as a list."""
    spaced = re.sub("(?<=[a-z])(?=[0-9])", " ", term.replace("least important", "least_important"))
    mended = re.sub("[A-Za-z_]+", lambda word: _mend(word[0]), spaced)
    return next((text for text in (mended, f"[{mended}]") if _readable(text)), None)


def _mend(word: str) -> str:
    return _SYNONYMS.get(word.lower()) or nearest(word, _WORDS) or word


def _readable(text: str) -> bool:
    try:
        _read(text, depth=0)
    except (_UnreadableError, SelectorError):
        return False
    return True
