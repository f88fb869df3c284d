"""The models inside fast tokenizers, as `tokenizer.json` has them: what a smaller one needs.

Each guarantees: with the tokens of a text, those of `alphabet` and the parts that `with_parts` adds
kept, and the others gone, the text is read as the same tokens as before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import TOKENIZER_FILE


class TokenizerModel:
    """What every model does, and what most have no need to.

    Attributes:
        content: The part `model` of `tokenizer.json`.
        tokens: The ids by token.
        unknown: The id that stands for what cannot be read; None where there is none.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.tokens: dict[str, int] = self._tokens()
        self.unknown: int | None = self._unknown()

    def alphabet(self) -> set[int]:
        """Return the tokens of a single character, which any text falls apart into."""
        return {number for token, number in self.tokens.items() if len(token) == 1}

    def with_parts(self, used: Collection[int]) -> set[int]:
        """Return the tokens and those that they cannot be made without."""
        return set(used)

    def tried(self, word: str) -> Iterable[int]:
        """Return the tokens that the model takes before it finds that the word is unknown."""
        return ()

    def pruned(self, new_ids: Mapping[int, int]) -> dict[str, Any]:
        """Return the content with only the tokens that have a new id."""
        return {**self.content, "vocab": self._kept(new_ids)}

    def _tokens(self) -> dict[str, int]:
        return dict(self.content["vocab"])

    def _unknown(self) -> int | None:
        return self.tokens.get(self.content.get("unk_token") or "")

    def _kept(self, new_ids: Mapping[int, int]) -> Any:
        return {token: new_ids[old] for token, old in self.tokens.items() if old in new_ids}


class WordPiece(TokenizerModel):
    """Takes the longest token that a word begins with, then the longest that the rest does."""

    @property
    def _prefix(self) -> str:
        return str(self.content["continuing_subword_prefix"])

    def alphabet(self) -> set[int]:
        """Return the tokens of a single character, at the start of a word and inside one."""
        return {
            number
            for token, number in self.tokens.items()
            if len(token.removeprefix(self._prefix)) == 1
        }

    def tried(self, word: str) -> Iterator[int]:
        """Yield the longest tokens up to where no token fits.

        A word is unknown if the greedy way ends nowhere. Were one of these gone, a shorter token
        would take its place, and the other way might lead to the end of the word.
        """
        start = 0
        while start < len(word):
            prefix = self._prefix if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if prefix + word[start:end] in self.tokens), None)
            if end is None:
                return
            yield self.tokens[prefix + word[start:end]]
            start = end


class BytePairs(TokenizerModel):
    """Joins neighbours pair by pair, in the order of its list of merges."""

    def with_parts(self, used: Collection[int]) -> set[int]:
        """Return the tokens and, step by step, all pairs that they are joined from."""
        pairs: defaultdict[str, list[str]] = defaultdict(list)
        for left, right in self._merges():
            pairs[left + right] += [left, right]
        names = {number: token for token, number in self.tokens.items()}
        waiting = [names[number] for number in used if number in names]
        parts: set[str] = set()
        while waiting:
            token = waiting.pop()
            if token not in parts:
                parts.add(token)
                waiting += pairs[token]
        return {*used, *(self.tokens[token] for token in parts)}

    def pruned(self, new_ids: Mapping[int, int]) -> dict[str, Any]:
        """Return the content with the tokens that have a new id, and the merges between them."""
        kept = self._kept(new_ids)
        merges = [
            [left, right]
            for left, right in self._merges()
            if left in kept and right in kept and left + right in kept
        ]
        return {**self.content, "vocab": kept, "merges": merges}

    def _merges(self) -> Iterator[tuple[str, str]]:
        for merge in self.content["merges"]:
            left, right = merge.split(" ") if isinstance(merge, str) else merge
            yield left, right


class Unigram(TokenizerModel):
    """Takes the split of a text whose tokens have the highest sum of scores."""

    def alphabet(self) -> set[int]:
        """Return the tokens of one character, the lowest score and all up to the unknown token.

        An unknown character costs 10 more than the lowest score of all, so that token stays. Some
        classes of transformers take it for granted which number the unknown token has.
        """
        scores = [score for _, score in self.content["vocab"]]
        unknown = -1 if self.unknown is None else self.unknown
        return super().alphabet() | {scores.index(min(scores)), *range(unknown + 1)}

    def _tokens(self) -> dict[str, int]:
        return {token: number for number, (token, _) in enumerate(self.content["vocab"])}

    def _unknown(self) -> int | None:
        unknown: int | None = self.content["unk_id"]
        return unknown

    def pruned(self, new_ids: Mapping[int, int]) -> dict[str, Any]:
        """Return the content with only the tokens that have a new id."""
        kept = {} if self.unknown is None else {"unk_id": new_ids[self.unknown]}
        return {**super().pruned(new_ids), **kept}

    def _kept(self, new_ids: Mapping[int, int]) -> list[list[object]]:
        return [entry for old, entry in enumerate(self.content["vocab"]) if old in new_ids]


_MODELS: dict[str, type[TokenizerModel]] = {
    "WordPiece": WordPiece,
    "BPE": BytePairs,
    "Unigram": Unigram,
}
_UNUSUAL = ("dropout", "byte_fallback", "end_of_word_suffix")


def read_tokenizer_model(content: Mapping[str, Any]) -> TokenizerModel:
    """Return the model inside a tokenizer.

    Args:
        content: The part `model` of `tokenizer.json`.

    Raises:
        ModelError: It is of a kind whose vocabulary cannot be pruned.
    """
    kind = str(content.get("type"))
    if kind not in _MODELS:
        raise _refused(kind, f"known are {', '.join(_MODELS)}")
    unusual = [name for name in _UNUSUAL if content.get(name)]
    if kind == "BPE" and content.get("continuing_subword_prefix"):
        unusual.append("continuing_subword_prefix")
    if unusual:
        raise _refused(kind, f"{unusual[0]} is {content[unusual[0]]!r}")
    return _MODELS[kind](content)


def _refused(kind: str, why: str) -> ModelError:
    return ModelError(
        f"the vocabulary of a {kind} tokenizer cannot be pruned here ({why})",
        where=TOKENIZER_FILE,
        remedy="leave prune_vocab out of the recipe",
    )
