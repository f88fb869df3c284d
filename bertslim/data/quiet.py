"""Silence for the libraries that load data: no progress bar, log line or warning of theirs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quietly() -> Iterator[None]:
    """Keep `datasets` and `huggingface_hub` from writing anything, then leave them as they were."""
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
