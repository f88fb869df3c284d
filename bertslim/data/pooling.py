"""How hidden states become the embedding of a text, as the checkpoint's own files define.

Whether embeddings are then brought to length 1 makes no difference here: they are only compared by
cosine, which does not depend on lengths.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE, MODULES_FILE
from bertslim.wording import listed

if TYPE_CHECKING:
    from torch import Tensor

_PREFIX = "pooling_mode_"
_LONG_NAMES = {
    "cls_token": "cls",
    "mean_tokens": "mean",
    "max_tokens": "max",
    "weightedmean_tokens": "weightedmean",
    "lasttoken": "lasttoken",
}


@dataclass(frozen=True)
class Pooling:
    """How the hidden states of a text become one vector.

    Attributes:
        modes: Of `POOLERS`; the vectors of several are concatenated.
        left_out: Modules after the pooling that are not applied here, such as "Dense".
    """

    modes: tuple[str, ...] = ("mean",)
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "+".join(self.modes)

    def __call__(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Pool hidden states (texts, length, hidden), mask (texts, length) -> (texts, width)."""
        import torch

        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return torch.cat([POOLERS[mode](hidden, weights) for mode in self.modes], dim=-1)


def read_pooling(directory: Path) -> Pooling:
    """Read the pooling of a sentence-transformers checkpoint; of any other it is the mean.

    Raises:
        ModelError: Its files are damaged, or name a pooling that is not known.
    """
    path = directory / MODULES_FILE
    if not path.is_file():
        return Pooling()
    try:
        modules = [(_last(module["type"]), str(module["path"])) for module in _read(path)]
        folder = next((folder for kind, folder in modules if kind == "Pooling"), None)
        if folder is None:
            return Pooling()
        path = directory / folder / CONFIG_FILE
        modes = _modes(_read(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError("is damaged", where=str(path), remedy="download it again") from error
    if not modes or not set(modes) <= POOLERS.keys():
        raise ModelError(
            f"the pooling {listed(modes) or 'of no tokens'} is not known",
            where=str(path),
            remedy=f"known are {', '.join(POOLERS)}",
        )
    later = [kind for kind, _ in modules if kind not in ("Transformer", "Pooling", "Normalize")]
    return Pooling(modes, tuple(later))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _modes(config: dict[str, Any]) -> tuple[str, ...]:
    """Read {"pooling_mode": "mean"}, or a yes or no for each mode."""
    if named := config.get("pooling_mode"):
        return (named,) if isinstance(named, str) else tuple(named)
    long = [
        key.removeprefix(_PREFIX) for key, on in config.items() if key.startswith(_PREFIX) and on
    ]
    return tuple(_LONG_NAMES.get(name, name) for name in long)


def _first(hidden: Tensor, weights: Tensor) -> Tensor:
    return hidden[:, 0]


def _mean(hidden: Tensor, weights: Tensor) -> Tensor:
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def _mean_sqrt_len(hidden: Tensor, weights: Tensor) -> Tensor:
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).sqrt()


def _max(hidden: Tensor, weights: Tensor) -> Tensor:
    return hidden.masked_fill(weights == 0, -float("inf")).amax(dim=1)


def _weighted_mean(hidden: Tensor, weights: Tensor) -> Tensor:
    return _mean(hidden, weights.cumsum(dim=1) * weights)


def _last_token(hidden: Tensor, weights: Tensor) -> Tensor:
    last = (weights.cumsum(dim=1) * weights).argmax(dim=1, keepdim=True)
    return hidden.gather(1, last.expand(-1, -1, hidden.shape[-1])).squeeze(1)


POOLERS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cls": _first,
    "mean": _mean,
    "max": _max,
    "mean_sqrt_len_tokens": _mean_sqrt_len,
    "weightedmean": _weighted_mean,
    "lasttoken": _last_token,
}
