"""`config.json` -> what layers have in common, and the parameters outside them."""

from __future__ import annotations

from typing import Literal

from bertslim.model.config_values import ConfigValues
from bertslim.model.families import EmbeddingRows, Family, SharedNorm, SharedTable
from bertslim.records import LayerForm

ProjectionPlace = Literal["embeddings", "layers", "elsewhere"]


def layer_form(values: ConfigValues) -> LayerForm:
    """Return what all layers have in common, beside their sizes."""
    layout = values.family.layout
    return LayerForm(
        norms_before=layout.ffn.norm_before is not None,
        first_reads_raw=values.family.first_reads_raw,
        gated=layout.ffn.gated,
        attention_input_bias=values.says(layout.attention.input_bias),
        attention_output_bias=values.says(layout.attention.output_bias),
        ffn_input_bias=values.says(layout.ffn.input_bias),
        ffn_output_bias=values.says(layout.ffn.output_bias),
        norm_bias=values.says(layout.norm_bias),
        norms_centre=layout.norms_centre,
        heads_per_key=values.number(values.family.keys.heads) // values.key_value_heads,
        attention_adds_residual=layout.attention.adds_residual,
        passes=values.passes,
        relative_positions=_relative_positions(values),
    )


def _relative_positions(values: ConfigValues) -> int:
    """Return the rows that query and key map in each layer beside the states of the tokens."""
    if not values.family.layout.attention.reads_positions:
        return 0
    tables = [table for table in values.family.shared_tables if has_table(table, values)]
    return sum(table.factor * rows_of(table, values) for table in tables)


def embedding_parameters(values: ConfigValues) -> int:
    """Count the parameters of the embeddings."""
    family = values.family
    rows = sum(values.number(table.key) for table in family.embeddings if has_table(table, values))
    norm = norm_rows(values) if values.says(family.embedding_norm) else 0
    hidden, embedding = values.hidden_size, values.embedding_size
    normed = hidden if _projection_place(family) == "embeddings" else embedding
    return rows * embedding + projection_parameters(values, "embeddings") + norm * normed


def projection_parameters(values: ConfigValues, place: ProjectionPlace) -> int:
    """Count the parameters of the map of the embeddings, if it is in this place; else 0."""
    projection, weights = values.family.projection, projection_macs(values)
    if projection is None or _projection_place(values.family) != place or not weights:
        return 0
    return weights + (values.hidden_size if projection.bias else 0)


def projection_macs(values: ConfigValues) -> int:
    """Count the multiply-accumulates of the map of the embeddings for each token."""
    projection = values.family.projection
    hidden, embedding = values.hidden_size, values.embedding_size
    if projection is None or (embedding == hidden and not projection.always):
        return 0
    return embedding * hidden


def _projection_place(family: Family) -> ProjectionPlace | None:
    if family.projection is None:
        return None
    first = family.projection.module.partition(".")[0]
    places: dict[str, ProjectionPlace] = {
        family.embeddings_module: "embeddings",
        family.stack.partition(".")[0]: "layers",
    }
    return places.get(first, "elsewhere")


def has_table(table: EmbeddingRows | SharedTable, values: ConfigValues) -> bool:
    """Whether the model has a table that only some of its family have."""
    return table.only_if is None or values.is_set(table.only_if)


def norm_rows(values: ConfigValues) -> int:
    """Return the parameters of a norm for each channel: a weight, and a bias if norms have one."""
    return 1 + values.says(values.family.layout.norm_bias)


def shared_parameters(values: ConfigValues) -> int:
    """Count the parameters beside the layers in the module that runs them.

    They are those that all layers share, a norm after the last, and a map of the embeddings.
    """
    family = values.family
    tables = (
        table.factor * rows_of(table, values) * width_of(table, values)
        for table in family.shared_tables
        if has_table(table, values)
    )
    norms = [norm for norm in family.shared_norms if _has_norm(norm, values)]
    norm_parameters = len(norms) * norm_rows(values) * values.hidden_size
    return sum(tables) + norm_parameters + projection_parameters(values, "layers")


def rows_of(table: SharedTable, values: ConfigValues) -> int:
    """Return the first count above 0; a key that is silent or below 0 leaves it to the next.

    Raises:
        ModelError: A count is no whole number.
    """
    for key in table.rows:
        default = values.family.defaults[key]
        if default < 0 and values.values.get(key) in (None, default):
            continue
        if count := values.number(key):
            return count
    return 0


def width_of(table: SharedTable, values: ConfigValues) -> int:
    """Return how many columns a table has."""
    heads = values.number(values.family.keys.heads)
    widths = {"hidden_size": values.hidden_size, "heads": heads}
    return widths.get(table.width, values.hidden_size // max(heads, 1))


def _has_norm(norm: SharedNorm, values: ConfigValues) -> bool:
    if norm.only_if is None:
        return True
    key, value = norm.only_if
    return bool(values.values.get(key, values.family.defaults.get(key)) == value)
