"""Keep what libraries print, log and warn about away from the user."""

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
def quiet_transformers() -> Iterator[None]:
    """Silence transformers and Python warnings while the block runs."""
    from transformers.utils import logging as transformers_logging

    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()


@contextmanager
def quiet_datasets() -> Iterator[None]:
    """Silence `datasets`, `huggingface_hub` and Python warnings while the block runs."""
    import datasets
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    level, hub_level = datasets.logging.get_verbosity(), hub_logging.get_verbosity()
    hidden, hub_hidden = datasets.are_progress_bars_disabled(), are_progress_bars_disabled()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        datasets.logging.set_verbosity(logging.CRITICAL)
        hub_logging.set_verbosity(logging.CRITICAL)
        datasets.disable_progress_bars()
        disable_progress_bars()
        try:
            yield
        finally:
            datasets.logging.set_verbosity(level)
            hub_logging.set_verbosity(hub_level)
            if not hidden:
                datasets.enable_progress_bars()
            if not hub_hidden:
                enable_progress_bars()


@contextmanager
def quiet_process() -> Iterator[None]:
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
    saved = {number: os.dup(number) for number in (_STANDARD_OUTPUT, _STANDARD_ERROR)}
    null_device = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in saved:
            os.dup2(null_device, number)
        yield
    finally:
        for number, copy in saved.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(null_device)
