"""Which tokens of a vocabulary stay: those that texts use, and those that must be there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from bertslim.errors import ModelError
from bertslim.model.layer import family_of_model
from bertslim.model.tokenizer_models import TokenizerModel, read_tokenizer_model

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

_TEXTS_AT_ONCE = 1000


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that stay.

    Attributes:
        kept: Their ids before, ascending; the id after is the place in here.
        before: How many tokens the model knew.
    """

    kept: tuple[int, ...]
    before: int

    @cached_property
    def new_ids(self) -> dict[int, int]:
        """The ids after by the ids before."""
        return {old: new for new, old in enumerate(self.kept)}

    @property
    def after(self) -> int:
        """How many tokens stay."""
        return len(self.kept)

    def renumber_config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the content of `config.json` with the size and the numbers of the tokens left."""
        named = {
            key: self.renumber(ids)
            for key, ids in config.items()
            if key.endswith("_token_id") and ids is not None
        }
        return {**config, "vocab_size": self.after, **named}

    def renumber(self, ids: int | list[int]) -> int | list[int]:
        """Return the ids after of one id before, or of several."""
        if isinstance(ids, int):
            return self.new_ids[ids]
        return [self.new_ids[old] for old in ids]


def choose_vocabulary(
    texts: Iterable[str],
    tokenizer: PreTrainedTokenizerBase,
    base: PreTrainedModel,
    *,
    min_count: int = 1,
    prompts: Iterable[str] = (),
) -> Vocabulary:
    """Keep the tokens that texts use, so that the same texts are read as the same tokens.

    Kept besides: special and added tokens, tokens that the configuration names, and every token
    of a single character (of a byte, in a byte-level vocabulary), so that other texts fall apart
    into smaller tokens instead of becoming unknown.

    Args:
        texts: The texts, read once; none is cut to a length.
        tokenizer: The model's tokenizer.
        base: The model before.
        min_count: How often a token must occur; texts with a token that is rarer are read as
            smaller tokens.
        prompts: What may be put before texts; its tokens stay however rare.

    Raises:
        ModelError: The tokenizer is of a kind whose vocabulary cannot be pruned, or does not fit
            the model.
    """
    backend = copy_backend(tokenizer)
    model = read_tokenizer_model(tokenizer_content(tokenizer)["model"])
    counts = _count_tokens(texts, backend, model)
    used = {token for token, count in counts.items() if count >= min_count}
    used |= _count_tokens(prompts, backend, model).keys()
    kept = model.with_parts(used | model.alphabet()) | _needed(tokenizer, backend, base)
    _refuse_misfits(kept, base.config)
    return Vocabulary(tuple(sorted(kept)), base.config.vocab_size)


def token_ids_of(config: PreTrainedConfig) -> dict[str, int | list[int]]:
    """Return the values of `pad_token_id` and its like in a configuration, where they are set."""
    return {
        key: value
        for key, value in config.to_dict().items()
        if key.endswith("_token_id") and value is not None
    }


def tokenizer_content(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Return a tokenizer in the form of `tokenizer.json`.

    Raises:
        ModelError: It is written in Python and has no such form.
    """
    if not tokenizer.is_fast:
        raise ModelError(
            f"the vocabulary of a {type(tokenizer).__name__} cannot be pruned: it is no fast "
            "tokenizer",
            where=tokenizer.name_or_path,
            remedy="leave prune_vocab out of the recipe",
        )
    content: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    return content


def copy_backend(tokenizer: PreTrainedTokenizerBase) -> Tokenizer:
    """Return a copy of the fast tokenizer inside, that neither cuts nor pads.

    Raises:
        ModelError: The tokenizer is written in Python and has none.
    """
    from tokenizers import Tokenizer

    backend = Tokenizer.from_str(json.dumps(tokenizer_content(tokenizer)))
    backend.no_truncation()
    backend.no_padding()
    return backend


def _count_tokens(texts: Iterable[str], backend: Tokenizer, model: TokenizerModel) -> Counter[int]:
    counts: Counter[int] = Counter()
    for batch in _batches(texts):
        encodings = backend.encode_batch_fast(batch, add_special_tokens=False)
        for text, encoding in zip(batch, encodings, strict=True):
            counts.update(encoding.ids)
            if model.unknown in encoding.ids:
                counts.update(_tried(text, backend, model))
    return counts


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(texts)
    while batch := list(islice(rest, _TEXTS_AT_ONCE)):
        yield batch


def _tried(text: str, backend: Tokenizer, model: TokenizerModel) -> Iterator[int]:
    """Yield the tokens that stand in for nothing, but without which other words would be known."""
    encoding = backend.encode(text, add_special_tokens=False)
    for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        if token == model.unknown:
            word = text[start:end]
            if backend.normalizer is not None:
                word = backend.normalizer.normalize_str(word)
            yield from model.tried(word.strip())


def _needed(
    tokenizer: PreTrainedTokenizerBase, backend: Tokenizer, base: PreTrainedModel
) -> set[int]:
    """Return the tokens that must stay whatever the texts are."""
    needed = {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}
    needed |= {*backend.encode("").ids, *backend.encode("", "").ids}
    for ids in token_ids_of(base.config).values():
        needed |= {ids} if isinstance(ids, int) else set(ids)
    if family_of_model(base).positions_after is not None:
        embeddings: Any = base.get_input_embeddings()
        needed |= set(range(embeddings.padding_idx + 1))  # positions are counted from that id
    return needed


def _refuse_misfits(kept: set[int], config: PreTrainedConfig) -> None:
    if strange := sorted(token for token in kept if not 0 <= token < config.vocab_size):
        raise ModelError(
            f"token {strange[0]} is not among the model's {config.vocab_size:,} embeddings",
            where=config.name_or_path or None,
            remedy="the tokenizer and config.json do not belong together",
        )
