"""The options of commands, made from the fields of options models, and those of all commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import typer

from bertslim.errors import InputError
from bertslim.option_fields import Group, Option, written_as

Model = TypeVar("Model")

ResultArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="DIR",
        help="A result of bertslim. By default the current directory if it is one, else the newest "
        "one directly under it.",
        show_default=False,
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON, nothing else.")]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show where an error comes from, as a traceback.")
]


@dataclass(frozen=True)
class Given(Generic[Model]):
    """The values on the command line for the fields of an options model.

    Attributes:
        model: The options model.
        values: The parsed values by the names of the fields, those of groups included.
    """

    model: type[Model]
    values: Mapping[str, Any]

    def make(self, **more: Any) -> Model:
        """Make the settings.

        Args:
            more: Fields that are not options by themselves.

        Raises:
            InputError: A value cannot be read, or an option is given without the one it needs.
        """
        return self.model(**(_settings(self.model, self.values) | more))

    def replace(self, **values: Any) -> Given[Model]:
        """Return the same with other values."""
        return Given(self.model, {**self.values, **values})


def takes_options(command: Callable[..., None]) -> Callable[..., None]:
    """Put the options of a model in place of each parameter that is annotated `Given[Model]`."""
    hints = get_type_hints(command, include_extras=True)
    models = {name: get_args(hint)[0] for name, hint in hints.items() if get_origin(hint) is Given}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in models:
            parameters += _parameters(models[name])
        else:
            parameters.append(_parameter(name, hints[name], parameter.default))

    @wraps(command)
    def with_options(**values: Any) -> None:
        for name, model in models.items():
            taken = [parameter.name for parameter in _parameters(model)]
            values[name] = Given(model, {option: values.pop(option) for option in taken})
        command(**values)

    with_options.__annotations__ = {
        parameter.name: parameter.annotation for parameter in parameters
    }
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return with_options


def _parameters(
    model: type[Any], replaced: Mapping[str, Option] | None = None, *, optional: bool = False
) -> Iterator[inspect.Parameter]:
    """Yield a parameter for each option among the fields of a model."""
    for field in fields(model):
        written = written_as(field)
        if isinstance(written, Option):
            written = (replaced or {}).get(field.name, written)
            yield _option_parameter(field, written, optional=optional)
        elif isinstance(written, Group):
            may_lack = field.default is None
            yield from _parameters(written.model, written.replaced, optional=may_lack)
            if written.switch is not None:
                switch = _typer_option(written.switch, written.switch.shown)
                yield _parameter(field.name, Annotated[bool, switch], True)


def _option_parameter(field: Field[Any], option: Option, *, optional: bool) -> inspect.Parameter:
    default = _default(field)
    kind, shown = field.type, option.shown
    if _is_many(field.type):
        item = str if option.read else get_args(field.type)[0]
        kind = list[item]  # type: ignore[valid-type]
        if default is not MISSING:
            if default:
                shown = ",".join(map(str, default))
            kind, default = kind | None, None
    elif option.read:
        kind, default = str | None, None
    elif optional and default is MISSING:
        kind, default = kind | None, None  # type: ignore[operator]
    empty = inspect.Parameter.empty
    return _parameter(
        field.name,
        Annotated[kind, _typer_option(option, shown)],
        empty if default is MISSING else default,
    )


def _typer_option(option: Option, shown: str | bool) -> Any:
    if not option.names:
        return typer.Argument(metavar=option.metavar, help=option.help, show_default=shown)
    return typer.Option(
        *option.names,
        help=option.help,
        metavar=option.metavar,
        show_default=shown,
        min=option.low,
        max=option.high,
        autocompletion=option.complete,
    )


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _is_many(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _settings(
    model: type[Any], values: Mapping[str, Any], replaced: Mapping[str, Option] | None = None
) -> dict[str, Any]:
    """Return what the fields of a model are set to; those left out keep their defaults."""
    settings: dict[str, Any] = {}
    for field in fields(model):
        written = written_as(field)
        if isinstance(written, Option):
            option = (replaced or {}).get(field.name, written)
            value = _value(field, option, values[field.name])
            if value is not MISSING:
                settings[field.name] = value
        elif isinstance(written, Group):
            settings[field.name] = _grouped(field, written, values)
    return settings


def _value(field: Field[Any], option: Option, value: Any) -> Any:
    if not _is_many(field.type):
        return option.read([value], option.names[0]) if option.read and value else value
    if not value:
        return MISSING
    return option.read(value, option.names[0]) if option.read else tuple(value)


def _grouped(field: Field[Any], group: Group, values: Mapping[str, Any]) -> Any:
    if group.switch is None:
        required = [member.name for member in fields(group.model) if _default(member) is MISSING]
        absent = any(values[name] is None for name in required)
    else:
        absent = not values[field.name]
    if not absent:
        return group.model(**_settings(group.model, values, group.replaced))
    for member in fields(group.model):
        written = group.replaced.get(member.name) or written_as(member)
        if isinstance(written, Option) and written.alone and values[member.name]:
            raise InputError(written.alone, where=written.names[0])
    return None
