"""The single values of `config.json`, each checked, with the defaults of the family filled in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE
from bertslim.model.families import TYPE_ROWS, Family
from bertslim.wording import shown

_SHARES = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout",
    "summary_last_dropout", "dropout", "attention_dropout", "qa_dropout", "seq_classif_dropout",
)  # fmt: skip
_SWITCHES = (
    "tie_word_embeddings", "summary_use_proj", "sinusoidal_pos_embds", "is_decoder",
    "add_cross_attention", "is_encoder_decoder",
)  # fmt: skip
_PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")
_LARGEST = 10**7
_SMALLEST_ABOVE_ZERO = math.ulp(0.0)


@dataclass(frozen=True)
class ConfigValues:
    """A configuration with the defaults of its family filled in."""

    family: Family
    values: Mapping[str, Any]

    def number(self, key: str) -> int:
        """Return a whole number from 0 on.

        Raises:
            ModelError: It is something else.
        """
        value = self.values.get(key)
        return self.family.defaults[key] if value is None else whole(key, value)

    def is_set(self, key: str) -> bool:
        """Whether something that is a number or a yes is not 0 and not no."""
        value = self.values.get(key)
        return bool(self.family.defaults[key] if value is None else value)

    def says(self, fact: bool | str) -> bool:
        """Return a fact of the family: the fact itself, or what the key that it names is set to."""
        return self.is_set(fact) if isinstance(fact, str) else fact

    @property
    def hidden_size(self) -> int:
        """Width of the hidden states."""
        return self.number(self.family.keys.hidden_size)

    @property
    def embedding_size(self) -> int:
        """Width of the embeddings; that of the hidden states unless the family has its own."""
        key = self.family.keys.embedding_size
        size = self.number(key) if key in self.family.defaults else 0
        return size or self.hidden_size

    @property
    def output_embedding_size(self) -> int:
        """Width of the states that words are chosen from; that of the embeddings as a rule."""
        key = "output_embedding_size"
        return self.number(key) if key in self.family.defaults else self.embedding_size

    @property
    def key_value_heads(self) -> int:
        """Heads of keys and values; as many as of queries unless the family lets them share."""
        key = self.family.keys.key_value_heads
        heads = self.number(self.family.keys.heads)
        return (self.number(key) or heads) if key in self.family.defaults else heads

    @property
    def passes(self) -> int:
        """How often hidden states go through all layers, one after the other.

        Raises:
            ModelError: They never do.
        """
        key = self.family.passes
        passes = 1 if key is None else self.number(key)
        if passes == 0:
            raise ModelError(f"{key} is 0", where=CONFIG_FILE)
        return passes

    @property
    def ties_words(self) -> bool:
        """Whether words are chosen by their embeddings."""
        default = self.family.defaults.get("tie_word_embeddings", True)
        return bool(self.values.get("tie_word_embeddings", default))

    @property
    def pools_late(self) -> bool:
        """Whether a classifier's answer is the mean of its answers to each token."""
        pooling = self.values.get("classifier_pooling") or self.family.classifier_pooling
        return bool(pooling == "late")

    @property
    def token_types(self) -> int:
        """Rows of the embeddings of token types; 0 for a family without, whatever it says."""
        return self.number(TYPE_ROWS.key) if TYPE_ROWS in self.family.embeddings else 0

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels in the order of their ids; none where they are not named.

        Raises:
            ModelError: They are not numbered from 0 on.
        """
        names = self.values.get("id2label") or {}
        if not isinstance(names, dict):
            raise ModelError("id2label is not an object", where=CONFIG_FILE)
        by_number = {str(key): name for key, name in names.items()}
        if by_number.keys() != {str(number) for number in range(len(names))}:
            raise ModelError("id2label does not number its labels from 0 on", where=CONFIG_FILE)
        return tuple(str(by_number[str(number)]) for number in range(len(names)))

    @property
    def labels(self) -> int:
        """How many labels there are, by their names, else by their number."""
        named = len(self.label_names)
        return named or whole("num_labels", self.values.get("num_labels") or 2)

    def check(self) -> None:
        """Check what no shape depends on.

        Raises:
            ModelError: A value is out of its range, or of another type.
        """
        for key in _SHARES:
            self._check_between(key, 0.0, 1.0)
        for key in ("layer_norm_eps", "layer_norm_epsilon"):
            self._check_between(key, _SMALLEST_ABOVE_ZERO, 1.0)
        self._check_between("initializer_range", 0.0, math.inf)
        for key in _SWITCHES:
            if not isinstance(self.values.get(key), bool | None):
                raise _unusable(key, self.values[key], "true or false")
        if self.values.get("problem_type") not in (None, *_PROBLEM_TYPES):
            known = ", ".join(_PROBLEM_TYPES)
            raise _unusable("problem_type", self.values["problem_type"], f"one of {known}")
        self._check_padding()

    def _check_between(self, key: str, low: float, high: float) -> None:
        value = self.values.get(key)
        if value is None:
            return
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high or value == math.inf:
            raise _unusable(key, value, _range(low, high))

    def _check_padding(self) -> None:
        padding, tokens = self.values.get("pad_token_id"), self.number("vocab_size")
        if padding is None:
            if "pad_token_id" in self.values and self.family.positions_after == "pad_token_id":
                raise _unusable("pad_token_id", padding, "the id that positions are counted from")
            return
        if whole("pad_token_id", padding) >= tokens:
            raise ModelError(
                f"pad_token_id is {padding:,}, and vocab_size {tokens:,}",
                where=CONFIG_FILE,
                remedy="correct the one that is wrong",
            )


def whole(key: str, value: object) -> int:
    """Return a value that is a whole number from 0 on.

    Raises:
        ModelError: It is something else, or larger than any size.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ModelError(f"{key} is {shown(value)}, not a whole number", where=CONFIG_FILE)
    if value > _LARGEST:
        raise ModelError(f"{key} is {shown(value)}, larger than any size", where=CONFIG_FILE)
    return value


def _range(low: float, high: float) -> str:
    if high == math.inf:
        return f"a finite number from {low:g} on"
    return f"a number above 0, up to {high:g}" if low else f"a number from {low:g} to {high:g}"


def _unusable(key: str, value: object, wanted: str) -> ModelError:
    return ModelError(f"{key} is {shown(value)}, not {wanted}", where=CONFIG_FILE)
