"""Print what `bertslim cut` would do."""

from __future__ import annotations

from bertslim.commands.prepare_cut import prepare_cut
from bertslim.options.cut import CutOptions
from bertslim.records import Plan
from bertslim.report.plan_tables import plan_table, sizes_table, vocabulary_note
from bertslim.terminal import print_json, print_line, print_text


def run(options: CutOptions, *, quiet: bool, as_json: bool) -> None:
    """Work out the plan of a cut and print it; no weight is read."""
    prepared = prepare_cut(options)
    plan = prepared.plan().record
    if as_json:
        print_json(plan.model_dump_json(indent=2))
    elif not quiet:
        _print_plan(plan)
        for note in prepared.notes:
            print_line(f"Note: {note}.")


def _print_plan(plan: Plan) -> None:
    print_text(plan_table(plan).markdown() + "\n")
    print_text(sizes_table(plan).markdown() + "\n")
    if note := vocabulary_note(plan):
        print_text(note + "\n")
    loads = "plain from_pretrained" if plan.even else "trust_remote_code=True"
    print_line(f"The result loads by {loads}. Nothing was written.")
