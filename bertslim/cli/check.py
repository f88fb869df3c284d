"""`bertslim check`."""

from __future__ import annotations

from bertslim.cli.options import DebugOption, ResultArgument


def check(directory: ResultArgument = None, debug: DebugOption = False) -> None:
    """Time a result against its base again, and fail where it became slower."""
