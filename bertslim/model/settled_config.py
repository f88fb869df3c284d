"""`config.json` as the file of weights has it: where the two differ, the weights decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE
from bertslim.model.config_values import ConfigValues, whole
from bertslim.model.families import SLIM_PREFIX, Family, head_of
from bertslim.model.head_tensors import fitting_heads, output_rows
from bertslim.model.heads import heads_of
from bertslim.model.stored_tensors import StoredTensor
from bertslim.wording import listed, shown

_BUFFERS = ("position_ids", "token_type_ids")
_WIDTHS = {"float64": 3, "float32": 2, "float16": 1, "bfloat16": 1}


@dataclass(frozen=True)
class SettledConfig:
    """A configuration, and what it had to be corrected in.

    Attributes:
        config: The content of `config.json`, with the head, the number of labels and the type that
            the weights have.
        notes: What the file says otherwise, a line each.
    """

    config: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def corrected(self, changes: Mapping[str, Any], note: str | None = None) -> SettledConfig:
        """Return it with other values, and what there is to say about them."""
        notes = self.notes if note is None else (*self.notes, note)
        return replace(self, config={**self.config, **changes}, notes=notes)

    def without(self, *keys: str) -> SettledConfig:
        """Return it without some keys."""
        left = {key: value for key, value in self.config.items() if key not in keys}
        return replace(self, config=left)


def settle(
    config: Mapping[str, Any],
    family: Family,
    tensors: Mapping[str, StoredTensor],
    *,
    new_head: bool = False,
) -> SettledConfig:
    """Let the weights decide what they know: the head, the number of labels, and the type.

    Args:
        config: The content of `config.json`.
        family: The family of the model.
        tensors: The tensors of the weight files.
        new_head: Whether the head of the configuration is to be put on the weights yet.

    Raises:
        ModelError: The weights have no type to compute with, fit several heads where none is named,
            or have another number of labels than are named.
    """
    settled = _with_dtype(SettledConfig(dict(config)), tensors)
    if new_head:
        return settled
    return _with_labels(_with_head(settled, family, tensors), family, tensors)


def _with_dtype(settled: SettledConfig, tensors: Mapping[str, StoredTensor]) -> SettledConfig:
    found = {tensor.dtype: name for name, tensor in tensors.items() if not name.endswith(_BUFFERS)}
    if strange := sorted(found.keys() - _WIDTHS.keys()):
        raise ModelError(
            f"{found[strange[0]]} holds {strange[0]}, which is no type to compute with",
            remedy="quantised weights are not supported: give those that they were made from",
        )
    if not found:
        return settled
    types = sorted(found, key=lambda dtype: (-_WIDTHS[dtype], dtype))
    widest = "float32" if types[:2] == ["bfloat16", "float16"] else types[0]
    said = settled.config.get("dtype") or settled.config.get("torch_dtype")
    note = None
    if types[1:]:
        note = f"the weights are of {listed(types)}: all are read as {widest}"
    elif said is not None and _type_name(said) != widest:
        note = f"config.json says {shown(said)}, the weights are {widest}, which they stay"
    return settled.without("torch_dtype").corrected({"dtype": widest}, note)


def _type_name(said: object) -> str:
    return said.removeprefix("torch.") if isinstance(said, str) else ""


def _with_head(
    settled: SettledConfig, family: Family, tensors: Mapping[str, StoredTensor]
) -> SettledConfig:
    if settled.config.get("architectures"):
        return settled
    heads = fitting_heads(family, tensors)
    names = [family.architecture(head) for head in heads]
    if len(names) != 1:
        fit = f"fit {' and '.join(names)}" if names else f"fit no head of {family.model_type}"
        raise ModelError(
            f"no architectures, and the weights {fit}",
            where=CONFIG_FILE,
            remedy="name the class in `architectures`",
        )
    slim = "Slim" if str(settled.config["model_type"]).startswith(SLIM_PREFIX) else ""
    note = f"config.json names no architecture: by its weights it is {names[0]}"
    return settled.corrected({"architectures": [slim + names[0]]}, note if heads[0] else None)


def _with_labels(
    settled: SettledConfig, family: Family, tensors: Mapping[str, StoredTensor]
) -> SettledConfig:
    names = settled.config["architectures"]
    head = head_of(str(names[0])) if isinstance(names, list) else None
    if head is None or head not in heads_of(family):
        return settled
    rows = output_rows(family, head, tensors)
    if rows is None:
        return settled
    named = len(ConfigValues(family, settled.config).label_names)
    if named not in (0, rows):
        raise ModelError(
            f"id2label names {named} labels, the head in the weights has {rows}",
            where=CONFIG_FILE,
            remedy="correct id2label and label2id",
        )
    number = settled.config.get("num_labels")
    note = None
    if number is not None and whole("num_labels", number) != rows:
        note = f"config.json says num_labels {number}, the head in the weights has {rows}"
    settled = settled.without("num_labels")
    return settled.corrected({} if named else {"num_labels": rows}, note)
