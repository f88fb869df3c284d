"""Forbid connections: in this process, and in the Python processes that it starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_HOOK = """
import sys

def forbid_network(file):
    def hook(event, arguments):
        if event in ("socket.getaddrinfo", "socket.gethostbyname"):
            place = arguments[0]
        elif event in ("socket.connect", "socket.sendto"):
            place = arguments[-1]
            place = place[0] if isinstance(place, tuple) else None  # else of this machine
        else:
            return
        local = ("localhost", "127.0.0.1", "::1", "", None)
        if place in local or not forbid_network.active:
            return
        with open(file, "a") as attempts:
            attempts.write(f"{event} {place}\\n")
        raise OSError(f"the network is forbidden: {place}")
    sys.addaudithook(hook)

forbid_network.active = True
"""


@contextmanager
def forbidden_network(folder: Path) -> Iterator[Callable[[], list[str]]]:
    """Forbid connections to other machines, and yield what returns the attempts so far.

    Args:
        folder: A place for the attempts, and for what the processes import first.
    """
    attempts = folder / "attempts.txt"
    (folder / "sitecustomize.py").write_text(f"{_HOOK}\nforbid_network({str(attempts)!r})\n")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), before]))
    here: dict[str, Any] = {}
    exec(_HOOK, here)  # noqa: S102  the same as in the other processes
    here["forbid_network"](str(attempts))
    try:
        yield lambda: attempts.read_text().splitlines() if attempts.exists() else []
    finally:
        here["forbid_network"].active = False
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
