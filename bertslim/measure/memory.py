"""Resident memory of this process."""

from __future__ import annotations

from pathlib import Path


def resident_bytes() -> int:
    """Resident memory of this process now, in bytes."""
    return _status_bytes("VmRSS")


def peak_resident_bytes() -> int:
    """Most resident memory that this process has had since it started its program, in bytes.

    Not `resource.getrusage`: its maximum outlives `exec`, so that a child of a large process
    would be charged with the memory of its parent.
    """
    return _status_bytes("VmHWM")


def _status_bytes(field: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise KeyError(field)
