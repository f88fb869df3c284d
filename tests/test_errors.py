from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertslim import errors
from bertslim.errors import BertslimError, RecipeError

DRAWN = re.compile(r"^ {4}(?P<lead>[│├└─ ]*)(?P<name>\w+) +(?P<code>\d+) ", re.MULTILINE)

Tree = list[tuple[int, str, int]]


def drawn_tree() -> Tree:
    """Depth, name and exit code of each class that the docstring draws."""
    return [
        (len(found["lead"]) // 4, found["name"], int(found["code"]))
        for found in DRAWN.finditer(errors.__doc__)
    ]


def real_tree(root: type[BertslimError] = BertslimError, depth: int = 0) -> Iterator[tuple]:
    yield depth, root.__name__, root.exit_code
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from real_tree(child, depth + 1)


def tree_classes(root: type[BertslimError] = BertslimError) -> Iterator[type[BertslimError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree_classes(child)


def test_the_tree_in_the_docstring_is_the_real_one():
    assert drawn_tree() == list(real_tree())


def test_no_other_module_adds_to_the_tree():
    assert {error.__module__ for error in tree_classes()} == {errors.__name__}


@pytest.mark.parametrize("error", [error for error in tree_classes() if error is not RecipeError])
@given(what=st.text(), where=st.none() | st.text(), remedy=st.none() | st.text())
def test_an_error_is_one_line(error, what, where, remedy):
    assert len(str(error(what, where=where, remedy=remedy)).splitlines()) <= 1


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_recipe_error_is_a_line_a_problem(problems):
    error = RecipeError(problems[:100])
    assert len(str(error).split("\n")) == len(problems[:100])
    assert all(len(problem.splitlines()) <= 1 for problem in error.problems)


def test_an_error_says_where_what_and_the_remedy():
    error = errors.DataError("has no rows", where="a.csv", remedy="give it some")
    assert str(error) == "a.csv: has no rows; give it some"
    assert str(BertslimError("broke")) == "broke"


def test_a_message_is_cut_but_keeps_its_remedy():
    error = errors.DataError("y" * 12_800, where="/x" * 5000, remedy="give it some")
    assert len(str(error)) < 1200
    assert str(error).endswith("…; give it some")
    many = errors.RecipeError([f"line {number}" for number in range(102)])
    assert str(many).splitlines()[-2:] == ["line 99", "and 2 more of the like"]
