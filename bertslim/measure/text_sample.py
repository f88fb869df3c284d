"""Texts of a data set as one model reads them, in the order in which latency is timed on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from bertslim.arrays import IntArray
from bertslim.errors import InputError

MOST_TEXTS = 1024
MOST_BATCHES = 256

Arrays = dict[str, IntArray]


@dataclass(frozen=True, eq=False)
class TextSample:
    """Texts in tokens, each of its own length.

    Attributes:
        source: The data that they were drawn from.
        ids: The tokens of each text, shape (tokens,).
        token_types: The types of the tokens, alike.
        padding_id: The token that shorter texts of a batch are filled up with.
        pads_left: Whether they are filled up in front.
    """

    source: str
    ids: tuple[IntArray, ...]
    token_types: tuple[IntArray, ...]
    padding_id: int
    pads_left: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> IntArray:
        """The tokens of each text, (texts,)."""
        return np.array([len(ids) for ids in self.ids])

    def batches(self, size: int) -> list[Arrays]:
        """Pad texts to the longest of their batch, in their order; what is left over is not used.

        Args:
            size: Texts a batch.

        Returns:
            `input_ids`, `attention_mask` and `token_type_ids` of each, (size, longest).

        Raises:
            InputError: There are fewer texts than a batch takes.
        """
        if len(self) < size:
            raise InputError(
                f"a call takes {size} texts, and there are {len(self)}",
                where=self.source,
                remedy="use a smaller --batch, or give more texts",
            )
        ends = range(size, min(len(self), size * MOST_BATCHES) + 1, size)
        return [self._batch(slice(end - size, end)) for end in ends]

    def padding(self, size: int) -> float:
        """Return the share of the positions of such batches that is padding."""
        masks = [batch["attention_mask"] for batch in self.batches(size)]
        return 1 - sum(int(mask.sum()) for mask in masks) / sum(mask.size for mask in masks)

    def _batch(self, texts: slice) -> Arrays:
        longest = int(self.lengths[texts].max())
        return {
            "input_ids": self._padded(self.ids[texts], longest, self.padding_id),
            "attention_mask": self._padded(list(map(np.ones_like, self.ids[texts])), longest, 0),
            "token_type_ids": self._padded(self.token_types[texts], longest, 0),
        }

    def _padded(
        self, rows: tuple[IntArray, ...] | list[IntArray], longest: int, filler: int
    ) -> IntArray:
        padded = np.full((len(rows), longest), filler, dtype=np.int64)
        for row, values in zip(padded, rows, strict=True):
            start = longest - len(values) if self.pads_left else 0
            row[start : start + len(values)] = values
        return padded

    def write(self, path: Path) -> None:
        """Write them to a file, for another process."""
        np.savez(
            path,
            source=np.array(self.source),
            ids=np.concatenate(self.ids),
            token_types=np.concatenate(self.token_types),
            lengths=self.lengths,
            padding=np.array([self.padding_id, self.pads_left]),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what was written."""
        with np.load(path) as stored:
            ends = np.cumsum(stored["lengths"])[:-1]
            ids, types = (np.split(stored[name], ends) for name in ("ids", "token_types"))
            padding_id, pads_left = map(int, stored["padding"])
            return cls(str(stored["source"]), tuple(ids), tuple(types), padding_id, bool(pads_left))
