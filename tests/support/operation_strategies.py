"""Hypothesis strategies for the operations of a recipe, made from the JSON schema of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st
from pydantic import ValidationError

from bertslim.recipe.operations import BaseOperation

Strategy = st.SearchStrategy[Any]

LARGEST = 10_000


def operations_as_dicts(
    operations: Iterable[type[BaseOperation]], parameters: Mapping[str, Strategy]
) -> Strategy:
    """Return a strategy for valid operations, as a recipe file has them.

    Args:
        operations: Which.
        parameters: What some parameters are taken from, by name; the others take any value that
            the schema allows, or are left out where they may be.
    """
    return st.one_of([_as_dict(operation, parameters) for operation in operations])


def _as_dict(operation: type[BaseOperation], parameters: Mapping[str, Strategy]) -> Strategy:
    schema = operation.model_json_schema()
    values = {
        name: parameters[name] if name in parameters else _value(field)
        for name, field in schema["properties"].items()
    }
    required = {name: values[name] for name in schema["required"]}
    optional = {name: value for name, value in values.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional).filter(
        lambda step: _is_valid(operation, step)
    )


def _is_valid(operation: type[BaseOperation], step: dict[str, Any]) -> bool:
    try:
        operation.model_validate(step)
    except ValidationError:
        return False
    return True


def _value(schema: dict[str, Any]) -> Strategy:
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([_value(each) for each in schema["anyOf"]])
    if schema["type"] == "integer":
        return st.integers(schema.get("minimum", -LARGEST), schema.get("maximum", LARGEST))
    if schema["type"] == "number":
        low, high = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        return st.floats(
            low,
            high,
            exclude_min=low is not None,
            exclude_max=high is not None,
            allow_nan=False,
            allow_infinity=False,
        )
    return {"boolean": st.booleans(), "null": st.none()}[schema["type"]]
