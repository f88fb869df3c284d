"""Whether libraries may reach the network: never for what is local, and not without end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

HUB_SECONDS = 4.0  # that the Hugging Face Hub has to answer; else what is cached has to do


@contextmanager
def offline() -> Iterator[None]:
    """Have `datasets` and `huggingface_hub` make no connection while the block runs.

    `datasets` counts loads by a request of its own, also where it reads local files.
    """
    from huggingface_hub import constants

    holders: list[Any] = [constants]
    if "datasets" in sys.modules:
        holders.append(sys.modules["datasets.config"])
    before = [holder.HF_HUB_OFFLINE for holder in holders]
    for holder in holders:
        holder.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for holder, value in zip(holders, before, strict=True):
            holder.HF_HUB_OFFLINE = value


@contextmanager
def online_if_hub_answers(kind: Literal["dataset", "model"], name: str) -> Iterator[None]:
    """Let the block use the Hub if it answers in time; else only what is cached.

    Libraries ask again and again, for half a minute, where nobody answers.

    Args:
        kind: What the name is one of.
        name: What it is asked about.

    Raises:
        ConnectionError: The Hub does not answer, and the block fails without it.
    """
    if _hub_answers(kind, name):
        yield
        return
    try:
        with offline():
            yield
    except Exception as error:
        raise ConnectionError(
            f"the Hub does not answer, and no {kind} of that name is cached"
        ) from error


def _hub_answers(kind: Literal["dataset", "model"], name: str) -> bool:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().repo_info(name, repo_type=kind, timeout=HUB_SECONDS)
    except HfHubHTTPError as error:  # an answer too, but for a server that fails or is busy
        return error.response is not None and error.response.status_code < 429
    except Exception:  # what a connection fails of differs with the HTTP library
        return False
    return True
