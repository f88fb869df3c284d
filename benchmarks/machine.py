"""The machine and the versions that figures were taken with, for below a table."""

from __future__ import annotations

from bertslim.measure.environment import default_threads, describe_environment
from bertslim.records import Environment


def environment_line(here: Environment | None = None) -> str:
    """Say in one line what figures were taken on; by default this machine."""
    here = here or describe_environment(default_threads())
    versions = ", ".join(f"{name} {version}" for name, version in here.versions.items())
    memory = f"{here.memory_bytes / 2**30:.0f} GiB"
    return f"{here.cpu}, {here.cores} cores, {memory}, {here.os}, Python {here.python}, {versions}"
