"""The paths that a run reads, found by what its settings declare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from bertslim.named_paths import PACKAGE_PREFIX, existing_path, package_directories
from bertslim.option_fields import role_of


@dataclass(frozen=True)
class Input:
    """A path that a run reads.

    Attributes:
        name: What names it on the command line, such as `--data` or `MODEL`.
        path: A file or a directory.
    """

    name: str
    path: Path


def inputs_of(settings: object) -> tuple[Input, ...]:
    """Return what a command with these settings reads.

    Args:
        settings: An options model, whose fields declare what they are.
    """
    return tuple(_inputs(settings))


def inputs_named(name: str, value: str | Path) -> tuple[Input, ...]:
    """Return where something lies that is named by path, `pkg:NAME` or as on the Hub.

    Args:
        name: As `Input` has it.
        value: What a person wrote.
    """
    if isinstance(value, str) and value.startswith(PACKAGE_PREFIX):
        found = package_directories(value.removeprefix(PACKAGE_PREFIX))
        return tuple(Input(name, path) for path in found)
    if (path := existing_path(value)) is not None:
        return (Input(name, path),)
    from huggingface_hub.constants import HF_HOME, HF_HUB_CACHE

    return tuple(Input(name, Path(cache)) for cache in (HF_HOME, HF_HUB_CACHE))


def _inputs(settings: object) -> Iterator[Input]:
    assert is_dataclass(settings)  # noqa: S101
    for field in fields(settings):
        value, role = getattr(settings, field.name), role_of(field)
        if role is not None and role.kind == "input":
            for one in _each(value):
                yield from inputs_named(role.name, one)
        elif is_dataclass(value):
            yield from _inputs(value)


def _each(value: Any) -> tuple[str | Path, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)
