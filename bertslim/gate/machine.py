"""Whether times of this machine can be compared with those of the record."""

from __future__ import annotations

from bertslim.records import Environment


def machine_differences(then: Environment, here: Environment) -> tuple[str, ...]:
    """Say in what a time differs from the record's before anything has become slower.

    Args:
        then: What the record was measured on.
        here: What this run is measured on.
    """
    found = []
    if here.cpu != then.cpu:
        found.append(f"the record was measured on {then.cpu}, this is {here.cpu}")
    if here.cores != then.cores:
        found.append(f"the record was measured on {then.cores} cores, this has {here.cores}")
    if here.threads != then.threads:
        threads = f"{then.threads} threads, this with {here.threads}"
        found.append(f"the record was measured with {threads}")
    return tuple(found)
