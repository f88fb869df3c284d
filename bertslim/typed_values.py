"""Values in the types of annotations, by pydantic, which takes too long to import for help."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bertslim.errors import InputError

_SAID = {"path_type": "it should be a path", "string_type": "it should be a text"}


def typed_value(kind: Any, value: Any, where: str) -> Any:
    """Return a value in a type, such as a path for a string.

    Args:
        kind: The type, as an annotation names it.
        value: The value, in this type or in one that is plainly meant.
        where: What it is given for, in the error.

    Raises:
        InputError: The value cannot be read so.
    """
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        said = _SAID.get(problem["type"], problem["msg"].replace("Input", "it", 1))
        raise InputError(f"{said}, and is {value!r}", where=where) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True))
