"""What the command line has to know of a field of an options model, kept in the field's metadata.

An options model is a frozen dataclass that imports nothing heavy. Its defaults are the defaults of
the library and of the command line alike. `bertslim.cli.options` makes the options of a command
from its fields. From the library, strings stand for paths, data and several names, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, fields
from types import MappingProxyType
from typing import Any, Literal, get_origin

from bertslim.errors import InputError

_KEY = "bertslim"
_ROLE = "bertslim role"

Reader = Callable[[Sequence[str], str], Any]
"""Makes the value of a field of the words behind an option and the name of the option."""

Completer = Callable[[str], list[str]]
"""Returns the words that begin with a text, its parameter `incomplete`."""


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
        complete: Returns what the shell offers for the beginning of a word; None: names of files.
    """

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    shown: str | bool = True
    low: float | None = None
    high: float | None = None
    read: Reader | None = None
    alone: str | None = None
    complete: Completer | None = None


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


@dataclass(frozen=True)
class OptionsModel:
    """The base of all options models: values of other types are read where their sense is plain.

    A string is a path, the name of data or one of several, where such is meant; a path is a string
    where a name is; a list is a tuple.

    Raises:
        InputError: A value is of no use for its field, or out of its range.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            if not isinstance(field.type, str):  # such a type is known to type checkers alone
                where = f"{type(self).__name__}.{field.name}"
                value = _settled(field, getattr(self, field.name), where)
                object.__setattr__(self, field.name, value)


def _settled(field: Field[Any], value: Any, where: str) -> Any:
    """Return the value of a field in the field's type."""
    written = written_as(field)
    if isinstance(written, Group):
        return _grouped(written, field, value, where)
    value = _plain(value)
    if get_origin(field.type) is tuple and isinstance(value, str | int):
        value = _several(written, value, where)
    from bertslim.typed_values import typed_value

    value = typed_value(field.type, value, where)
    if isinstance(written, Option):
        _check_range(written, value, where)
    return value


def _grouped(group: Group, field: Field[Any], value: Any, where: str) -> Any:
    if isinstance(value, str | os.PathLike) and group.switch is None:
        return group.model(_plain(value))
    if isinstance(value, group.model) or (value is None and field.default is None):
        return value
    if value is None and group.switch is not None:
        return value
    named = group.model.__name__
    raise InputError(f"takes {named}, not {value!r}", where=where, remedy=f"make a {named}")


def _plain(value: Any) -> Any:
    """Return paths as strings, and lists as tuples; pydantic makes paths where paths are meant."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def _several(written: Option | Group | None, value: str | int, where: str) -> Any:
    """Read one value of a field that takes several, as on the command line."""
    if isinstance(written, Option) and written.read is not None:
        return written.read([str(value)], where)
    return (value,)


def _check_range(written: Option, value: Any, where: str) -> None:
    if not isinstance(value, int | float):
        return
    if written.low is not None and value < written.low:
        raise InputError(f"{value} is below {written.low}", where=where)
    if written.high is not None and value > written.high:
        raise InputError(f"{value} is above {written.high}", where=where)


def option(
    *names: str,
    help: str,
    metavar: str | None = None,
    shown: str | bool = True,
    low: float | None = None,
    high: float | None = None,
    read: Reader | None = None,
    alone: str | None = None,
    complete: Completer | None = None,
    role: Literal["input", "output"] | None = None,
) -> Mapping[str, Any]:
    """Return the metadata of a field that is an option; see `Option`, and `Role` for a path."""
    written = Option(names, help, metavar, shown, low, high, read, alone, complete)
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


def whole_numbers(values: Sequence[str], option: str, *, example: str = "1,8") -> tuple[int, ...]:
    """Read `--batch 1 --batch 8` and `--batch 1,8` alike.

    Args:
        values: What stands behind the option.
        option: Its name.
        example: What the message names where one of them is of no use.

    Raises:
        InputError: One of them is not a whole number from 1 on.
    """
    words = [word.strip() for value in values for word in value.split(",")]
    for word in words:
        if not word.isdecimal() or int(word) < 1:
            raise InputError(
                f"{word!r} is not a whole number from 1 on",
                where=option,
                remedy=f"such as {example}",
            )
    return tuple(dict.fromkeys(int(word) for word in words))


def names(values: Sequence[str], _option: str = "") -> tuple[str, ...]:
    """Read `--text-column a --text-column b` and `--text-column a,b` alike."""
    words = [word.strip() for value in values for word in value.split(",")]
    return tuple(dict.fromkeys(filter(None, words)))
