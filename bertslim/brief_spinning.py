"""How long OpenMP's threads spin while they wait for one another: briefly.

By default libgomp spins 300,000 times, some milliseconds, before a thread sleeps. Where another
program has one of the cores, the thread that it keeps waiting is waited for that long at each of
the hundreds of parallel regions of a call, and calls take twenty times as long.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

_BY_A_PERSON = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
# Enough for the next region of a call on a machine of its own: no slower than 300,000, where
# sleeping at once is, by a fifth at 1x32.
_BRIEFLY = MappingProxyType({"GOMP_SPINCOUNT": "3000"})


def spin_briefly() -> None:
    """Settle it for this process, before PyTorch is imported, and for those that it starts."""
    os.environ.update(brief_spinning())


def brief_spinning() -> Mapping[str, str]:
    """Return the environment variables that settle it; none where a person has set them."""
    return {} if any(name in os.environ for name in _BY_A_PERSON) else _BRIEFLY
