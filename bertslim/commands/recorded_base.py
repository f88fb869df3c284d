"""The base of a result, and the whole model that it was made of, found by records."""

from __future__ import annotations

from bertslim.errors import ModelError
from bertslim.file_names import RECORD_FILE
from bertslim.model.description import describe_checkpoint
from bertslim.model.model_source import ModelSource, find_model
from bertslim.records import ModelFacts, Record, read_record


def find_recorded_base(record: Record, *, remedy: str) -> ModelSource:
    """Find the base that a record names, at the commit that it names.

    Args:
        record: Of a result.
        remedy: What to do where it is not found.

    Raises:
        ModelError: It is not available.
    """
    try:
        return find_model(record.base.pinned_source)
    except ModelError as error:
        raise ModelError(
            f"the base that the record names is not available ({error.what})",
            where=error.where,
            remedy=remedy,
        ) from error


def find_whole(source: ModelSource, *, remedy: str) -> ModelSource:
    """Return the model that another was cut from; a model that was never cut is its own.

    Records are followed from result to base: past trainings, which leave the shape as it is, and
    up to a base with another head, such as the encoder that a classifier was trained from.

    Args:
        source: A result, or any other checkpoint.
        remedy: What to do where the base of a cut is not found.

    Raises:
        ModelError: That base is not available.
    """
    whole, current = source, source
    while (current.directory / RECORD_FILE).is_file():
        record = read_record(current.directory)
        try:
            base = find_recorded_base(record, remedy=remedy)
        except ModelError:
            if record.kind == "cut" and whole is source:
                raise
            return whole
        before, after = (describe_checkpoint(one.directory).facts for one in (base, current))
        if (before.head, before.labels) != (after.head, after.labels):
            return whole
        if _shape(before) != _shape(after):
            whole = base
        current = base
    return whole


def _shape(facts: ModelFacts) -> tuple[object, ...]:
    return facts.layers, facts.vocab_size
