"""Draw texts from data at random, and read them as each of several models does."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np

from bertslim.data.batches import tokenise
from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_all
from bertslim.data.task import Rows
from bertslim.errors import InputError
from bertslim.measure.input_limits import files_of
from bertslim.measure.text_sample import MOST_TEXTS, TextSample
from bertslim.model.description import describe_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import has_tokenizer, load_tokenizer


def draw_texts(paths: Iterable[Path], data: DataOptions, *, seed: int) -> dict[Path, TextSample]:
    """Draw the same rows for all models, in one random order.

    Rows that are served together, such as the passages of a query, stay together. They are read as
    the first model's task reads them, with each model's own tokenizer.

    Args:
        paths: Checkpoint directories and exported files.
        data: What to draw from.
        seed: Settles which rows, and their order.

    Raises:
        InputError: A model has no tokenizer.
        DataError: The data are missing or broken, or do not fit the first model.
    """
    directories = {path: _directory(path) for path in paths}
    first = next(iter(directories.values()))
    described = describe_checkpoint(first, config_only=True)
    rows = load_all(data, describe_head(first, described.config, described.facts)).rows
    drawn = rows.select(_random_order(rows, seed)[:MOST_TEXTS])
    samples = {
        directory: read_texts(drawn, directory, data.data)
        for directory in dict.fromkeys(directories.values())
    }
    return {path: samples[directory] for path, directory in directories.items()}


def _random_order(rows: Rows, seed: int) -> list[int]:
    random = np.random.default_rng(seed)
    keys: Sequence[Hashable] = rows.split_keys() if rows.task.served_by_key else range(len(rows))
    places: dict[Hashable, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    groups = list(places.values())
    return [place for group in random.permutation(len(groups)) for place in groups[group]]


def _directory(path: Path) -> Path:
    directory = files_of(path)
    if directory is None or not has_tokenizer(directory):
        raise InputError(
            "has no tokenizer to read texts with",
            where=str(path),
            remedy="put the files of its tokenizer and its config.json beside it",
        )
    return directory


def read_texts(rows: Rows, directory: Path, source: str) -> TextSample:
    """Tokenise rows, cut where the model's users cut them.

    Args:
        rows: In the order in which they are timed.
        directory: Of a checkpoint with its tokenizer.
        source: What they were drawn from.
    """
    facts = describe_checkpoint(directory, config_only=True).facts
    tokenizer = load_tokenizer(directory)
    longest = min(rows.task.max_length or facts.max_length, facts.max_length)
    inputs = [feature.inputs for feature in tokenise(rows, tokenizer, longest, label=False)]
    ids = tuple(np.array(each["input_ids"]) for each in inputs)
    types = tuple(
        np.array(each.get("token_type_ids", [0] * len(each["input_ids"]))) for each in inputs
    )
    pads_left = tokenizer.padding_side == "left"
    return TextSample(source, ids, types, tokenizer.pad_token_id, pads_left)
