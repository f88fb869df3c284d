"""Hypothesis strategies that damage a valid input: a tree of JSON, a text, or bytes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

Tree = Any
Act = Literal["replace", "remove", "scale", "repeat", "add", "start anew"]
TextAct = Literal["cut short", "insert", "remove", "exchange"]

_ACTS: list[Act] = [
    *("replace", "replace", "replace", "replace", "replace", "remove", "remove", "scale", "scale"),
    *("repeat", "add", "add", "replace", "replace", "remove", "scale", "repeat", "start anew"),
]
_TEXT_ACTS: list[TextAct] = ["cut short", "insert", "insert", "remove", "exchange"]
_FACTORS = [0.5, 2, -1, 1000, 1e-9]

HOSTILE_TEXTS = [
    *("", " ", "x", "0", "-1", "1e9", "nan", "None", "null", "true", "a" * 3000, "=1+1", "@x"),
    *("\x00", "\x1b[31m", "\x07", "\u202e", "a\n::error::b", "../../x", "/etc/passwd", "😀"),
    *("\udcff", "\ufeff", "[PAD]", "torch.float32", "odd", "cpu", "%s%n", "{x}", "NaN"),
]
HOSTILE_NUMBERS: list[float] = [
    *(0, 1, -1, 2, 3, -3, 7, 10**9, 2**31, 2**63, 10**30, -(10**30), 10**400),
    *(0.5, -0.5, 1e-320, 1e30, 1e308, -1e308, float("inf"), float("-inf"), float("nan")),
]
HOSTILE_TREES: list[Tree] = [
    *(None, True, False, [], {}, [[]], [None], {"": ""}, {"x": None}, ["x"], [1, "a"], {"0": 1}),
]

LEAVES: list[Tree] = [*HOSTILE_NUMBERS, *HOSTILE_TEXTS, *HOSTILE_TREES]

# few draws, from flat lists: to draw a case must cost less than to run it
places = st.integers(0, 1 << 16)
leaves = st.sampled_from(LEAVES)


def parents(tree: Tree) -> Iterator[tuple[Any, Any]]:
    """Yield each container of a tree with each of its keys."""
    if isinstance(tree, dict | list):
        keys = list(tree) if isinstance(tree, dict) else range(len(tree))
        for key in keys:
            yield tree, key
            yield from parents(tree[key])


@dataclass(frozen=True)
class TreeChange:
    """One change of a tree.

    Attributes:
        act: What is done.
        place: Where, as a number modulo the number of places.
        value: What is put there, or beside it.
        name: Under which key, where one is added.
    """

    act: Act
    place: int
    value: Tree
    name: str

    def apply(self, tree: Tree) -> Tree:
        """Change a tree, and return it."""
        if self.act == "start anew":
            return copy.deepcopy(self.value)
        if found := list(parents(tree)):
            self._change(*found[self.place % len(found)])
        return tree

    def _change(self, parent: Any, key: Any) -> None:
        old, value = parent[key], copy.deepcopy(self.value)
        if self.act == "replace":
            parent[key] = value
        elif self.act == "remove":
            del parent[key]
        elif self.act == "scale" and isinstance(old, int | float):
            with suppress(OverflowError, ValueError):  # too large to be a float, or none at all
                parent[key] = type(old)(old * _FACTORS[self.place % len(_FACTORS)])
        elif self.act == "repeat" and isinstance(parent, list):
            parent.append(copy.deepcopy(old))
        elif self.act == "repeat" and isinstance(old, list):
            parent[key] = old * 2
        elif self.act == "add" and isinstance(parent, dict):
            parent[self.name] = value


def damaged_trees(*trees: Tree, names: list[str] | None = None) -> st.SearchStrategy[Tree]:
    """Return a strategy for damaged copies of trees.

    Args:
        trees: Any of them is damaged.
        names: Keys that are added at times.
    """
    change = st.builds(
        TreeChange, st.sampled_from(_ACTS), places, leaves, st.sampled_from(names or HOSTILE_TEXTS)
    )

    def apply(tree: Tree, *changes: TreeChange) -> Tree:
        damaged = copy.deepcopy(tree)
        for change in changes:
            damaged = change.apply(damaged)
        return damaged

    of_trees = st.sampled_from(trees)
    return st.builds(apply, of_trees, change) | st.builds(apply, of_trees, change, change)


def as_json(tree: Tree) -> bytes:
    """Write a tree as Python does, with NaN, Infinity and halves of surrogate pairs."""
    return json.dumps(tree).encode()


@dataclass(frozen=True)
class TextChange:
    """One change of a text.

    Attributes:
        act: What is done.
        place: Where, as a number modulo the length.
        piece: What is put there.
        old: What it is exchanged for, all over the text.
    """

    act: TextAct
    place: int
    piece: str
    old: str

    def apply(self, text: str) -> str:
        """Return the changed text."""
        at = self.place % (len(text) + 1)
        match self.act:
            case "cut short":
                return text[:at]
            case "insert":
                return text[:at] + self.piece + text[at:]
            case "remove":
                return text[:at] + text[at + len(self.piece) + 1 :]
            case "exchange":
                return text.replace(self.old, self.piece)


_SIGNS = ["\n", "\n\n", "\r\n", "\r", "\t", ",", ";", '"', "'", "{", "}", "[", "]", ":", "#", "|"]
_OLD = ["\n", "\t", ",", '"', " ", "text", "label", "0", "1", ":"]


def damaged_texts(*texts: str) -> st.SearchStrategy[str]:
    """Return a strategy for damaged copies of texts."""
    pieces = st.sampled_from([*_SIGNS, *_SIGNS, *HOSTILE_TEXTS, "9" * 30, "\u2028"])
    change = st.builds(
        TextChange, st.sampled_from(_TEXT_ACTS), places, pieces, st.sampled_from(_OLD)
    )

    def apply(text: str, *changes: TextChange) -> str:
        for change in changes:
            text = change.apply(text)
        return text

    of_texts = st.sampled_from(texts)
    return st.builds(apply, of_texts, change) | st.builds(apply, of_texts, change, change)


def encoded(text: str) -> bytes:
    """Encode a text, halves of surrogate pairs as the bytes that they stand for."""
    return text.encode("utf-8", "surrogatepass")


def damaged_bytes(content: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy for damaged copies of a file: cut short, with a byte or a piece changed."""

    def apply(place: int, piece: bytes, kind: int) -> bytes:
        at = place % (len(content) + 1)
        if kind == 0:
            return content[:at]
        if kind == 1:
            return content[:at] + piece + content[at:]
        return content[:at] + piece + content[at + len(piece) :]

    return st.builds(apply, places, st.binary(min_size=1, max_size=9), st.integers(0, 2))
