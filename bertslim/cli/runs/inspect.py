"""Run `bertslim inspect` and print what a model is made of."""

from __future__ import annotations

import json
from dataclasses import asdict

from bertslim.commands import inspect as command
from bertslim.commands.inspect import Inspection
from bertslim.options.inspect import InspectOptions
from bertslim.printable import one_line
from bertslim.report.plan_tables import LayerRow, facts_table, layers_table
from bertslim.terminal import print_json, print_text


def run(options: InspectOptions, *, as_json: bool) -> None:
    """Describe a model and print the description."""
    inspection = command.inspect_model(options)
    if as_json:
        print_json(_as_json(inspection))
    else:
        print_text(_as_text(inspection))


def _as_json(inspection: Inspection) -> str:
    shown = asdict(inspection) | {
        "facts": inspection.facts.model_dump(),
        "sizes": inspection.sizes.model_dump(),
    }
    return json.dumps(shown, indent=2)


def _as_text(inspection: Inspection) -> str:
    facts, sizes = inspection.facts, inspection.sizes
    rows = [
        LayerRow(number, layer, size.parameters, size.macs)
        for number, (layer, size) in enumerate(zip(facts.layers, inspection.layers, strict=True))
    ]
    tables = facts_table(facts, sizes, length=inspection.length), layers_table(rows, sizes.encoder)
    notes = [f"Note: {note}." for note in inspection.notes]
    return "\n\n".join(
        (
            one_line(inspection.name),
            *(table.markdown() for table in tables),
            _share(inspection),
            *notes,
        )
    )


def _share(inspection: Inspection) -> str:
    ffn, sizes = sum(size.ffn_parameters for size in inspection.layers), inspection.sizes
    if not sizes.encoder:
        return "It has no layers."
    share = f"The FFN blocks hold {ffn:,} parameters: {ffn / sizes.encoder:.0%} of the layers, "
    return share + f"{ffn / sizes.parameters:.0%} of the model."
