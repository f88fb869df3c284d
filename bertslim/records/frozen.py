"""The base of all records."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

Scalar = str | int | float | bool


class Frozen(BaseModel):
    """A base for immutable records."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
