"""What every exporter is run in: silence, and one line where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bertslim.errors import BertslimError
from bertslim.library_errors import disk_is_full
from bertslim.model.checkpoint import Checkpoint
from bertslim.printable import one_line
from bertslim.quiet import quiet_process


@contextmanager
def exporting(checkpoint: Checkpoint, form: str) -> Iterator[None]:
    """Run an exporter.

    Args:
        checkpoint: What is exported.
        form: What to, such as "ONNX".

    Raises:
        BertslimError: The exporter failed.
    """
    with quiet_process():
        try:
            yield
        except Exception as error:
            if disk_is_full(error):
                raise
            raise BertslimError(
                f"cannot be exported to {form} ({gist(error)})",
                where=checkpoint.facts.architecture,
                remedy="--debug shows where",
            ) from error


def gist(error: Exception) -> str:
    """The first line of a message that may go on for pages."""
    lines = str(error).strip().splitlines()
    return one_line(f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__)
