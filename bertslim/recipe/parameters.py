"""What several operations take as parameters: types, and how fractions are rounded.

The first words of a description state what a key takes: messages quote them.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from bertslim.recipe.selector_text import FORMS, Selector, parse

NEURON_MULTIPLE = 8

Layers = Annotated[
    Selector,
    PlainValidator(parse),
    PlainSerializer(lambda selector: selector.plain()),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "integer"},
                {
                    "type": "array",
                    "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                    "minItems": 1,
                },
            ],
            "description": f"Layers of the base, numbered from 0: one of {', '.join(FORMS)}; "
            "N may be 'half'.",
            "examples": ["odd", "all", "last half", "2-7", "all except every 3", -1, [1, 3, 5]],
        }
    ),
]
LayerNorm = Annotated[
    Literal["keep", "remove"],
    Field(description="keep or remove the LayerNorm after the block"),
]
Rank = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)]


def rounded_rank(rank: float, hidden_size: int) -> int:
    """Return a rank as a number; a fraction of the hidden size as a multiple of 8."""
    return rank if isinstance(rank, int) else nearest_share(rank, hidden_size)


def nearest_share(fraction: float, whole: int) -> int:
    """Return the multiple of 8 that is nearest to the fraction, at least 8, at most the whole."""
    multiples = math.floor(fraction * whole / NEURON_MULTIPLE + 0.5)
    return min(whole, NEURON_MULTIPLE * max(1, multiples))
