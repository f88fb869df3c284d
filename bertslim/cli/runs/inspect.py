"""Run `bertslim inspect` and print what a model is made of."""

from __future__ import annotations

import json
from dataclasses import asdict

from bertslim.commands import inspect as command
from bertslim.commands.inspect import Inspection
from bertslim.options.inspect import InspectOptions
from bertslim.printable import one_line
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
    tables = [table.markdown() for table in inspection.tables]
    notes = [f"Note: {note}." for note in inspection.notes]
    return "\n\n".join((one_line(inspection.name), *tables, inspection.ffn_share, *notes))
