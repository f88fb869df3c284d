"""Several processes that share the work, as `accelerate launch` starts them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from bertslim.devices import Device

if TYPE_CHECKING:
    from torch import Tensor

Item = TypeVar("Item")

_PATIENCE = timedelta(days=7)  # the first process measures while the others wait


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is.

    Attributes:
        rank: From 0.
        count: 1 where there is no other.
    """

    rank: int = 0
    count: int = 1

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return the items that this process takes: every count-th."""
        return items[self.rank :: self.count]

    def total(self, value: Tensor) -> Tensor:
        """Return the sum of a tensor over all processes; each must ask for it."""
        if self.count == 1:
            return value
        from accelerate.utils import reduce

        summed: Tensor = reduce(_where_sent(value), reduction="sum")
        return summed.to(value.device)

    def of_first(self, value: Tensor) -> Tensor:
        """Return the tensor of the first process; each must ask."""
        if self.count == 1:
            return value
        from accelerate.utils import broadcast

        given: Tensor = broadcast(_where_sent(value))
        return given.to(value.device)

    def agreed(self, value: bool) -> bool:
        """Return what the first process says; each must ask."""
        return bool(self.from_first("yes" if value else ""))

    def from_first(self, text: str) -> str:
        """Return the text of the first process; each must ask, and waits until it is there."""
        if self.count == 1:
            return text
        from accelerate.utils import broadcast_object_list

        said = [text]
        broadcast_object_list(said)
        return said[0]


def launched_rank() -> int:
    """Return which of the processes launched together this is; 0 where there is no other."""
    return int(os.environ.get("RANK", "0"))


def current_ranks(device: Device) -> Ranks:
    """Join the processes that were launched together, if this is one of several.

    Args:
        device: Where they work, each on a GPU of its own if it is one.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Ranks()
    from accelerate import PartialState

    state = PartialState(cpu=device == "cpu", timeout=_PATIENCE)
    return Ranks(state.process_index, state.num_processes)


def _where_sent(value: Tensor) -> Tensor:
    """Return a tensor on the device that processes send from."""
    from accelerate import PartialState

    return value.to(PartialState().device)
