"""Every error that bertslim raises on purpose, and the exit code that each one ends in.

    BertslimError             1    something failed
    ├── InputError            2    what was asked for cannot be done as asked
    │   ├── RecipeError       2    a recipe is malformed, or does not fit the model
    │   ├── ModelError        2    a checkpoint is missing, damaged or of a family not supported
    │   ├── DataError         2    a data set is missing, empty or lacks a column
    │   │   └── UnfitForm     2    a row of a table has not the fields of its header
    │   └── OutputError       2    the output exists already, or cannot be written
    ├── RegressionFound       3    `bertslim check` found the model worse than its rule allows
    ├── Infeasible            3    `bertslim search` found nothing within its target
    ├── CannotTell            4    `bertslim check` or `bertslim search` could not decide
    └── Defect               70    bertslim itself is wrong

An interrupted run ends in 130. Each error is one line: where, what, and the remedy. Errors of
libraries become one of these where they arise, or in `library_errors`.
"""

from __future__ import annotations

from bertslim.printable import one_line, shortened, shortened_within

_LONGEST_PLACE = 300  # characters; what is quoted in a message comes from files of any size
_LONGEST_PART = 800
_MOST_PROBLEMS = 100


class BertslimError(Exception):
    """The root of the tree.

    Args:
        what: What is wrong, in one clause.
        where: The file, option or name that it is wrong in.
        remedy: What the reader can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        place = f"{shortened_within(one_line(where), _LONGEST_PLACE)}: " if where else ""
        advice = f"; {shortened(one_line(remedy), _LONGEST_PART)}" if remedy else ""
        super().__init__(one_line(f"{place}{shortened(one_line(what), _LONGEST_PART)}{advice}"))


class InputError(BertslimError):
    """What was asked for cannot be done as asked."""

    exit_code = 2


class RecipeError(InputError):
    """A recipe is malformed, or does not fit the model: one line a problem, all of them."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = [
            shortened(one_line(problem), _LONGEST_PART) for problem in problems[:_MOST_PROBLEMS]
        ]
        if (more := len(problems) - _MOST_PROBLEMS) > 0:
            self.problems.append(f"and {more:,} more of the like")
        super().__init__(self.problems[0])

    def __str__(self) -> str:
        return "\n".join(self.problems)


class ModelError(InputError):
    """A checkpoint is missing, damaged or of a family not supported."""


class DataError(InputError):
    """A data set is missing, empty or lacks a column."""


class UnfitForm(DataError):
    """A row has not the fields of the header, or a quote is out of place."""


class OutputError(InputError):
    """The output exists already, or cannot be written."""


class RegressionFound(BertslimError):
    """The model is worse than a rule of the gate allows."""

    exit_code = 3


class Infeasible(BertslimError):
    """Nothing that can be made of the model is within the target."""

    exit_code = 3


class CannotTell(BertslimError):
    """The gate could not decide, or the rows are too few to tell."""

    exit_code = 4


class Defect(BertslimError):
    """Bertslim itself is wrong: no input should end in it."""

    exit_code = 70  # EX_SOFTWARE of sysexits.h
