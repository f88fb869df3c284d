"""Errors of pydantic as problems of a recipe file, in its own terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bertslim.recipe.selector_text import SelectorError
from bertslim.recipe.source import Location, Problem
from bertslim.wording import did_you_mean, shown


def explain(
    error: ValidationError, recipe: type[BaseModel], operations: Mapping[str, type[BaseModel]]
) -> list[Problem]:
    """Turn the errors of a validation into problems at locations of the file.

    Args:
        error: What the validation raised.
        recipe: The model that was validated; its fields' descriptions state the valid values.
        operations: The models of the items of its `surgery`, by `op`.
    """
    return [
        problem
        for detail in error.errors(include_url=False)
        for problem in _problems(detail, recipe, operations)
    ]


def _problems(
    detail: ErrorDetails, recipe: type[BaseModel], operations: Mapping[str, type[BaseModel]]
) -> Iterator[Problem]:
    match detail["loc"]:
        case (_,) as location:
            yield from _of_key(detail, location, recipe, "a recipe")
        case "surgery", _:
            yield _of_operation(detail, operations)
        case "surgery", place, op, key, *_:
            location = ("surgery", place, key)
            yield from _of_key(detail, location, operations[str(op)], str(op))
        case (*sections, _) as location:
            model = recipe
            for name in sections:
                model = _section(model, str(name))
            yield from _of_key(detail, location, model, str(sections[-1]))


def _section(recipe: type[BaseModel], name: str) -> type[BaseModel]:
    """Return the model of a section, whose annotation is `Model` or `Model | None`."""
    annotation: Any = recipe.model_fields[name].annotation
    model: type[BaseModel] = (*get_args(annotation), annotation)[0]
    return model


def _of_operation(detail: ErrorDetails, operations: Mapping[str, type[BaseModel]]) -> Problem:
    location, written = detail["loc"], detail["input"]
    match detail["type"]:
        case "union_tag_not_found":
            return Problem(location, "missing key 'op'")
        case "union_tag_invalid":
            op = written["op"]
            near = did_you_mean(op, operations) or f"write one of {', '.join(operations)}"
            return Problem((*location, "op"), f"op: {shown(op)} is not an operation; {near}")
        case _:
            return Problem(
                location,
                f"surgery: {shown(written)} is not an operation; write such as 'op: drop_ffn' and, "
                "in the next line, 'layers: odd'",
            )


def _of_key(
    detail: ErrorDetails, location: Location, model: type[BaseModel], owner: str
) -> Iterator[Problem]:
    key, written = str(location[-1]), detail["input"]
    cause = detail.get("ctx", {}).get("error")
    match detail["type"]:
        case "missing":
            yield Problem(location[:-1], f"missing key '{key}' in {owner}")
        case "extra_forbidden":
            known = list(model.model_fields)
            near = did_you_mean(key, known) or f"its keys are {', '.join(known)}"
            yield Problem(location, f"unknown key {shown(key)} in {owner}; {near}", at_key=True)
        case "value_error" if isinstance(cause, SelectorError):
            if not cause.items:
                yield Problem(location, f"{key}: {cause}")
            for position, message in cause.items.items():
                yield Problem((*location, position), f"{key}: {message}")
        case "too_short" if written:
            pass  # pydantic's error for a list whose items are wrong
        case _:
            yield Problem(location, f"{key}: {_misfit(written, model.model_fields[key])}")


def _misfit(written: object, field: FieldInfo) -> str:
    words = [word for word in get_args(field.annotation) if isinstance(word, str)]
    if words:
        unlike = f"{shown(written)} is not one of {', '.join(words)}"
        near = did_you_mean(written, words)
        return f"{unlike}; {near}" if near else unlike
    return f"{shown(written)} does not fit; expected {field.description}"
