"""The shape of models as tables: a plan layer by layer, sizes, and what `inspect` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bertslim.records import LayerFacts, LayerPlan, ModelFacts, Plan, Sizes, compare
from bertslim.records.units import MACS
from bertslim.report.measurement_tables import comparison_table
from bertslim.report.measurement_text import label, slim_value
from bertslim.report.numbers import fixed, quantity
from bertslim.report.tables import NOTHING, Table


@dataclass(frozen=True)
class LayerRow:
    """One layer of a model as it stands.

    Attributes:
        macs: Multiply-accumulates at batch 1 and the stated length.
    """

    layer: int
    facts: LayerFacts
    parameters: int
    macs: int


def plan_table(plan: Plan) -> Table:
    """List the layers before and after the cut."""
    headers = ("layer", "heads", "FFN width", "parameters", "what happens")
    rows = (
        (
            _number(row),
            _arrow(fixed(row.before.heads), fixed(row.after.heads if row.after else 0)),
            _arrow(_ffn(row.before), _ffn(row.after) if row.after else fixed(0)),
            _arrow(fixed(row.parameters_before), fixed(row.parameters_after)),
            "; ".join(row.actions) or NOTHING,
        )
        for row in plan.layers
    )
    return Table("lrrrl", headers, tuple(rows))


def vocabulary_note(plan: Plan) -> str | None:
    """Describe the change of the vocabulary; None where it stays as it is."""
    if plan.vocabulary is None:
        return None
    before, after = plan.vocabulary.before, plan.vocabulary.after
    if after is None:
        return (
            f"Vocabulary: of {fixed(before)} tokens those that the data use stay. Their number is "
            "known once the data are read, so the slim model's sizes here are upper bounds."
        )
    return f"Vocabulary: {fixed(before)} → {fixed(after)} tokens, those that the data use."


def sizes_table(plan: Plan) -> Table:
    """Compare the sizes before and after."""
    base, slim = plan.base, plan.slim
    figures = (
        compare("parameters", base.parameters, slim.parameters),
        compare("parameters.encoder", base.encoder, slim.encoder),
        compare("parameters.embeddings", base.embeddings, slim.embeddings),
        compare("macs", base.macs, slim.macs, batch=1, length=plan.length),
    )
    named = ((label(figure), figure) for figure in figures)
    return comparison_table("figure", ("base", "slim"), named)


def facts_table(facts: ModelFacts, sizes: Sizes, *, length: int) -> Table:
    """List what a checkpoint is; `length` is what its MACs are counted at."""
    macs = compare("macs", None, sizes.macs, batch=1, length=length)
    rows = (
        ("architecture", facts.architecture),
        ("family", facts.model_type),
        ("layers", str(len(facts.layers))),
        ("hidden size", fixed(facts.hidden_size)),
        ("vocabulary", fixed(facts.vocab_size)),
        ("longest input", f"{fixed(facts.max_length)} tokens"),
        ("weights", facts.dtype),
        ("parameters", fixed(sizes.parameters)),
        ("parameters, encoder", fixed(sizes.encoder)),
        ("parameters, embeddings", fixed(sizes.embeddings)),
        (label(macs), slim_value(macs)),
    )
    return Table("ll", ("model", ""), rows)


def layers_table(rows: Sequence[LayerRow], total: int) -> Table:
    """List the layers of a model, with each one's share of `total` parameters."""
    notation = MACS.notation(*(row.macs for row in rows))
    cells = (
        (
            str(row.layer),
            fixed(row.facts.heads),
            _ffn(row.facts),
            fixed(row.parameters),
            f"{fixed(100 * row.parameters / total, 1)} %" if total else NOTHING,
            quantity(row.macs, notation),
        )
        for row in rows
    )
    headers = ("layer", "heads", "FFN width", "parameters", "share", "MACs")
    return Table("lrrrrr", headers, tuple(cells))


def _number(row: LayerPlan) -> str:
    if row.slim_layer is None:
        return f"{row.layer} → {NOTHING}"
    return f"{row.layer} → {row.slim_layer}" if row.slim_layer != row.layer else str(row.layer)


def _ffn(layer: LayerFacts) -> str:
    """Write the width of an FFN block, the rank of a linear map, and whose block it is."""
    if not layer.linear_rank:
        width = fixed(layer.intermediate_size)
    elif layer.intermediate_size:
        width = f"{fixed(layer.intermediate_size)} + linear {fixed(layer.linear_rank)}"
    else:
        width = f"linear {fixed(layer.linear_rank)}"
    return width if layer.ffn_of is None else f"{width} of layer {layer.ffn_of}"


def _arrow(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"
