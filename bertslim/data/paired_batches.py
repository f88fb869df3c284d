"""Batches for two models, each sequence as the tokenizer of either model reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from bertslim.data.batches import batched, tokenise
from bertslim.data.task import Batch, Feature, Rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class PairedBatch:
    """The same sequences for both models.

    Attributes:
        base: As the base reads them.
        slim: As the slim model reads them; the base's own batch where one tokenizer serves both.
        alike: Whether both read all sequences of their rows as the same tokens. Then all shapes
            are the same, and so is the token that stands at each place.
    """

    base: Batch
    slim: Batch
    alike: bool = True

    def part(self, sequences: slice) -> PairedBatch:
        """Return some of the sequences, padded as before."""
        return PairedBatch(self.base.part(sequences), self.slim.part(sequences), self.alike)


@dataclass(frozen=True)
class SharedTokens:
    """The tokens that two tokenizers have in common.

    Attributes:
        base: Their ids for the base.
        slim: Their ids for the slim model, in the same order.
    """

    base: tuple[int, ...]
    slim: tuple[int, ...]


def shared_tokens(
    tokenizer: PreTrainedTokenizerBase, slim_tokenizer: PreTrainedTokenizerBase
) -> SharedTokens:
    """Find the tokens that both tokenizers have, by their names."""
    before, after = tokenizer.get_vocab(), slim_tokenizer.get_vocab()
    both = [token for token in after if token in before]
    return SharedTokens(
        tuple(before[token] for token in both), tuple(after[token] for token in both)
    )


def paired_batches(
    rows: Rows,
    tokenizer: PreTrainedTokenizerBase,
    slim_tokenizer: PreTrainedTokenizerBase,
    *,
    batch_size: int,
    max_length: int,
    label: bool = False,
) -> list[PairedBatch]:
    """Tokenise all rows by both tokenizers, rows that they read alike in batches of their own.

    A row may be more windows by one tokenizer than by the other. Its last one is then run again in
    place of those that are missing, which changes nothing about the best answer of all.

    Args:
        rows: What to run the models on.
        tokenizer: The base's tokenizer.
        slim_tokenizer: That of the slim model.
        batch_size: As `batches` has it, and so the others.
        max_length: The same for both.
        label: Whether to give the labels along.

    Raises:
        ModelError: A tokenizer has no padding token, or lacks what the task needs.
    """
    both = tokenizer, slim_tokenizer
    features = [tokenise(rows, reader, max_length, label=label) for reader in both]
    readings = [_pieces(rows, reader, max_length) for reader in both]
    alike = {row for row, pieces in readings[0].items() if readings[1][row] == pieces}
    made = []
    for are_alike in (True, False):
        pairs = [pair for pair in _paired(*features) if (pair[0].row in alike) is are_alike]
        pairs.sort(key=lambda pair: -len(pair[0].inputs["input_ids"]))
        sides = [[pair[side] for pair in pairs] for side in (0, 1)]
        made += [
            PairedBatch(base, slim, are_alike)
            for base, slim in zip(
                batched(sides[0], tokenizer, batch_size),
                batched(sides[1], slim_tokenizer, batch_size),
                strict=True,
            )
        ]
    return made


def _pieces(
    rows: Rows, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> dict[int, list[object]]:
    """Return the tokens of each sequence of each row, by name and before any is masked."""
    read = tokenise(rows, tokenizer, max_length, label=False)
    return {
        row: [tokenizer.convert_ids_to_tokens(feature.inputs["input_ids"]) for feature in features]
        for row, features in _by_row(read)
    }


def _paired(base: list[Feature], slim: list[Feature]) -> Iterator[tuple[Feature, Feature]]:
    """Match the sequences of each row by their order."""
    for (_, before), (_, after) in zip(_by_row(base), _by_row(slim), strict=True):
        for base_feature, slim_feature in zip_longest(before, after):
            yield base_feature or before[-1], slim_feature or after[-1]


def _by_row(features: list[Feature]) -> Iterator[tuple[int, list[Feature]]]:
    """Yield each row with its sequences in their order."""
    ordered = sorted(features, key=lambda feature: feature.row)
    for row, group in groupby(ordered, key=lambda feature: feature.row):
        yield row, list(group)
