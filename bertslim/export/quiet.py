"""Keep what exporters and runtimes print, log and warn about away from the user."""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


@contextmanager
def quiet_output() -> Iterator[None]:
    """Silence Python and native code while the block runs, in the whole process."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            _closed_to_native_code(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


@contextmanager
def _closed_to_native_code() -> Iterator[None]:
    """ONNX Runtime writes to the file descriptors, the first time when it is imported."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {number: os.dup(number) for number in (_STANDARD_OUTPUT, _STANDARD_ERROR)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
