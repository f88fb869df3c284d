"""The models that alternatives are made of, as they were named or recorded."""

from __future__ import annotations

from dataclasses import dataclass

from bertslim.commands.recorded_base import find_whole
from bertslim.errors import InputError
from bertslim.model.description import describe_checkpoint
from bertslim.model.model_source import ModelSource, find_model
from bertslim.model.tokenizer import check_tokenizer
from bertslim.options.bench import BenchOptions

_REMEDY = "name it first: `bertslim bench BASE MODEL --alternatives`"


@dataclass(frozen=True)
class Sources:
    """The models that were named, or found by what was named.

    Attributes:
        whole: What all are compared with.
        given: Others that were made of it.
        small: A smaller pretrained encoder; None: none was named.
    """

    whole: ModelSource
    given: tuple[ModelSource, ...]
    small: ModelSource | None

    @property
    def all(self) -> tuple[ModelSource, ...]:
        """All of them."""
        return (self.whole, *self.given, *((self.small,) if self.small else ()))


def find_sources(options: BenchOptions) -> Sources:
    """Find all models: where one is named, also the one that it was cut from.

    Raises:
        ModelError: One is not available, or has no tokenizer.
        InputError: One was not made of the whole model.
    """
    first, *others = map(find_model, options.models)
    whole = first if others else find_whole(first, remedy=_REMEDY)
    given = others if others or whole is first else [first]
    small = None if options.small_model is None else find_model(options.small_model)
    sources = Sources(whole, tuple(given), small)
    for source in sources.all:
        check_tokenizer(source.directory)
    head = _head_of(whole)
    for source in given:
        if _head_of(source) != head:
            raise InputError(
                "has another head than the first model",
                where=source.given,
                remedy="name models that were made of it",
            )
    return sources


def _head_of(source: ModelSource) -> tuple[str, int]:
    facts = describe_checkpoint(source.directory).facts
    return facts.head, facts.labels
