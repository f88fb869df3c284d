"""What the command line has to know of a field of an options model, kept in the field's metadata.

An options model is a frozen dataclass that imports nothing heavy. Its defaults are the defaults of
the library and of the command line alike. `bertslim.cli.options` makes the options of a command
from its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass
from types import MappingProxyType
from typing import Any, Literal

from bertslim.errors import InputError

_KEY = "bertslim"
_ROLE = "bertslim role"

Reader = Callable[[Sequence[str], str], Any]
"""Makes the value of a field of the words behind an option and the name of the option."""


@dataclass(frozen=True)
class Option:
    """How a field is written on the command line.

    Attributes:
        names: The spellings, such as `--output` and `-o`; none for what stands without.
        help: A full sentence.
        metavar: What stands for the value in the help.
        shown: What the help shows as the default; True: the default of the field.
        low: The lowest number.
        high: The highest number.
        read: Makes the value of the words; None: the type of the field does.
        alone: The error where the group that the field belongs to is absent; None: it is ignored.
    """

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    shown: str | bool = True
    low: float | None = None
    high: float | None = None
    read: Reader | None = None
    alone: str | None = None


@dataclass(frozen=True)
class Role:
    """What a path means to the run.

    Attributes:
        kind: What is read, or what is written.
        name: What names it on the command line, such as `--data` or `MODEL`.
    """

    kind: Literal["input", "output"]
    name: str


@dataclass(frozen=True)
class Group:
    """A field that is an options model itself, whose fields are options of the command.

    Attributes:
        model: The options model.
        replaced: Options that read otherwise in this command, by the names of the fields.
        switch: The option that turns the group off; None: a group with a default is absent where
            none of its required fields is given.
    """

    model: type[Any]
    replaced: Mapping[str, Option]
    switch: Option | None


def option(
    *names: str,
    help: str,
    metavar: str | None = None,
    shown: str | bool = True,
    low: float | None = None,
    high: float | None = None,
    read: Reader | None = None,
    alone: str | None = None,
    role: Literal["input", "output"] | None = None,
) -> Mapping[str, Any]:
    """Return the metadata of a field that is an option; see `Option`, and `Role` for a path."""
    written = Option(names, help, metavar, shown, low, high, read, alone)
    return MappingProxyType({_KEY: written, **_role(role, names[0])})


def argument(
    metavar: str,
    *,
    help: str,
    role: Literal["input", "output"] | None = None,
) -> Mapping[str, Any]:
    """Return the metadata of a field that stands on the command line without a name."""
    written = Option((), help, metavar, shown=False)
    return MappingProxyType({_KEY: written, **_role(role, metavar.strip("[]."))})


def input_path(name: str) -> Mapping[str, Role]:
    """Return the metadata of a field whose path is read, and whose option is made elsewhere."""
    return MappingProxyType(_role("input", name))


def _role(kind: Literal["input", "output"] | None, name: str) -> dict[str, Role]:
    return {} if kind is None else {_ROLE: Role(kind, name)}


def group(
    model: type[Any],
    *,
    replaced: Mapping[str, Mapping[str, Option]] = MappingProxyType({}),
    switch: Mapping[str, Option] | None = None,
) -> Mapping[str, Group]:
    """Return the metadata of a field that is an options model itself; see `Group`."""
    options = {name: metadata[_KEY] for name, metadata in replaced.items()}
    return MappingProxyType({_KEY: Group(model, options, switch[_KEY] if switch else None)})


def written_as(field: Field[Any]) -> Option | Group | None:
    """Return how a field is written on the command line; None: it is not."""
    written: Option | Group | None = field.metadata.get(_KEY)
    return written


def role_of(field: Field[Any]) -> Role | None:
    """Return what the path of a field means to the run; None: it is no path."""
    role: Role | None = field.metadata.get(_ROLE)
    return role


def whole_numbers(values: Sequence[str], option: str) -> tuple[int, ...]:
    """Read `--batch 1 --batch 8` and `--batch 1,8` alike.

    Raises:
        InputError: One of them is not a whole number from 1 on.
    """
    words = [word.strip() for value in values for word in value.split(",")]
    for word in words:
        if not word.isdecimal() or int(word) < 1:
            raise InputError(
                f"{word!r} is not a whole number from 1 on", where=option, remedy="such as 1,8"
            )
    return tuple(dict.fromkeys(int(word) for word in words))


def names(values: Sequence[str], _option: str = "") -> tuple[str, ...]:
    """Read `--text-column a --text-column b` and `--text-column a,b` alike."""
    words = [word.strip() for value in values for word in value.split(",")]
    return tuple(dict.fromkeys(filter(None, words)))
