"""Holds the sizes in `config.json` to the shapes of the tensors, before a model is built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bertslim.errors import ModelError
from bertslim.file_names import CONFIG_FILE
from bertslim.model.config_form import rows_of, width_of
from bertslim.model.config_values import ConfigValues
from bertslim.model.families import SLIM_PREFIX
from bertslim.model.stored_tensors import StoredTensor
from bertslim.records import LayerFacts, ModelFacts
from bertslim.wording import counted

_REMEDY = "config.json and the weights do not belong together"


@dataclass(frozen=True)
class _Size:
    """A size of the configuration, and where the weights have it.

    Attributes:
        key: Its name in `config.json`.
        value: What it says there.
        tensor: The name of a tensor below the bare encoder.
        axis: Which of its axes is as long.
    """

    key: str
    value: int
    tensor: str
    axis: int


@dataclass(frozen=True)
class WeightShapes:
    """The shapes of an encoder's tensors, by their names below the bare encoder."""

    values: ConfigValues
    shapes: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, values: ConfigValues, tensors: Mapping[str, StoredTensor]) -> WeightShapes:
        """Take the encoder's out of all tensors of a checkpoint.

        Raises:
            ModelError: The names are those of a model that was wrapped to train on several devices.
        """
        if any(name.startswith("module.") for name in tensors):
            raise ModelError(
                "the names of the weights begin with `module.`, as DataParallel saves them",
                remedy="save its `module` with `save_pretrained`",
            )
        modules = (values.family.embeddings_module, values.family.layers.partition(".")[0])
        inside = re.compile(rf"(?:\w+\.)?((?:{'|'.join(map(re.escape, modules))})\..+)")
        found = ((inside.fullmatch(name), tensor.shape) for name, tensor in tensors.items())
        return cls(values, {match[1]: shape for match, shape in found if match})

    def check_model(self) -> None:
        """Check the embeddings, the hidden size and the number of layers.

        Raises:
            ModelError: A size of the configuration is not that of the weights.
        """
        values, keys = self.values, self.values.family.keys
        if not self.shapes:
            return
        family = values.family
        own = family.keys.embedding_size in family.defaults and values.embedding_size
        width = family.keys.embedding_size if own else keys.hidden_size
        for table in family.embeddings:
            tensor = family.embedding_weight(table)
            self._check(_Size(table.key, values.number(table.key), tensor, 0))
            self._check(_Size(width, values.embedding_size, tensor, 1))
        for shared in family.shared_tables:
            tensor, rows = f"{shared.module}.weight", shared.factor * rows_of(shared, values)
            self._check(_Size(shared.rows[0], rows, tensor, 0))
            counted_by = keys.hidden_size if shared.width == "hidden_size" else keys.heads
            self._check(_Size(counted_by, width_of(shared, values), tensor, 1))
        self._check_number_of_layers()

    def check_layers(self, facts: ModelFacts) -> None:
        """Check the width and the heads of each layer.

        Raises:
            ModelError: A size of the configuration is not that of the weights.
        """
        for number, layer in enumerate(facts.layers):
            for size in self._sizes(number, layer, facts):
                self._check(size)

    def _sizes(self, number: int, layer: LayerFacts, facts: ModelFacts) -> Iterator[_Size]:
        family, keys = self.values.family, self.values.family.keys
        place, layout = f"{family.layers}.{number}", family.layout
        if layer.heads:
            width = layer.heads * facts.head_size
            packed, shared = 3 // len(layout.attention.inputs), width // facts.form.heads_per_key
            rows = (packed * width, shared, shared)
            for name, count in zip(layout.attention.inputs, rows, strict=False):
                tensor = f"{place}.{name}.weight"
                yield _Size(keys.hidden_size, facts.hidden_size, tensor, 1)
                yield _Size(keys.heads, count, tensor, 0)
        if layer.intermediate_size and layer.ffn_of is None:
            width, packed = layer.intermediate_size, 1 + layout.ffn.input_is_both
            for name in filter(None, (layout.ffn.input, layout.ffn.up)):
                yield _Size(keys.intermediate_size, packed * width, f"{place}.{name}.weight", 0)
            yield _Size(keys.intermediate_size, width, f"{place}.{layout.ffn.output}.weight", 1)

    def _check(self, size: _Size) -> None:
        shape = self.shapes.get(size.tensor)
        if shape is None:
            return
        if len(shape) != 2:
            raise ModelError(f"{size.tensor} has the shape {list(shape)}, not two axes")
        if shape[size.axis] != size.value:
            raise ModelError(
                f"{size.key} stands for {size.value:,} in {size.tensor}, which has "
                f"{shape[size.axis]:,} in the weights",
                where=CONFIG_FILE,
                remedy=_REMEDY,
            )

    def _check_number_of_layers(self) -> None:
        """Check how many layers there are; of a slim one, layers at the end may have no tensor."""
        key = self.values.family.keys.layers
        said = self.values.number(key)
        place = re.compile(rf"{re.escape(self.values.family.layers)}\.(\d{{1,9}})\..+")
        numbers = {int(match[1]) for name in self.shapes if (match := place.fullmatch(name))}
        found = max(numbers, default=-1) + 1
        overrides = self.values.values.get("per_layer_config") or ()
        slim = str(self.values.values.get("model_type")).startswith(SLIM_PREFIX)
        if not found <= said <= found + (len(overrides) if slim else 0):
            raise ModelError(
                f"{key} is {said:,}, the weights have {counted(found, 'layer', 'layers')}",
                where=CONFIG_FILE,
                remedy=_REMEDY,
            )
