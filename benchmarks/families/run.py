"""What every family of the table is tested with: each operation, its repair, and all exports.

Tiny models whose parameters are all random are cut, repaired, saved, loaded in a process without
bertslim, and exported to ONNX, OpenVINO and int8; others are fine-tuned for about a minute and cut
with repair and without. Each family has a file of results, to which each figure goes as soon as it
is there, so that a run that was interrupted goes on where it was, and a family that is new is run
alone. With --write the tables go between the marks in docs/families.md. It shares the tiny models
of the tests:

    PYTHONPATH=.:tests python -m benchmarks.families.run RESULTS --families bert,gte --write
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import torch

import bertslim
from benchmarks.families.bases import (
    families_named,
    head_of_bases,
    is_tunable,
    random_base,
    write_texts,
)
from benchmarks.families.operations import OPERATIONS, Operation
from benchmarks.families.page import markdown, write_page
from benchmarks.families.reload import reload_all
from benchmarks.families.results import Document, Outcome, Store
from benchmarks.families.trials import Bench, Trial, carry_out, export_all
from benchmarks.families.tuned import measure_tuned
from bertslim.measure.environment import describe_environment
from bertslim.model.families import FAMILIES, Family
from bertslim.quiet import quiet_transformers

PARTS = ("operations", "tuned")
NOT_TUNED = "no classifier"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("output", type=Path, help="the folder of the results, a file a family")
    add("--families", type=names, help="model types, such as bert,gte; default: all")
    add("--operations", type=names, help="their names in operations.py; default: all")
    add("--parts", nargs="*", choices=PARTS, default=PARTS, help="default: both; none: tables only")
    add("--again", action="store_true", help="run what is in the files already, too")
    add("--write", action="store_true", help="update docs/families.md")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.output.mkdir(parents=True, exist_ok=True)
    wanted = [one for one in OPERATIONS if one.name in (arguments.operations or [one.name])]
    for family in families_named(arguments.families) if arguments.parts else []:
        store = open_store(arguments.output, family)
        with tempfile.TemporaryDirectory() as scratch:
            if "operations" in arguments.parts:
                run_operations(family, store, wanted, Path(scratch), again=arguments.again)
            if "tuned" in arguments.parts:
                run_tuned(family, store, Path(scratch), again=arguments.again)
    documents = {name: open_store(arguments.output, one).document for name, one in FAMILIES.items()}
    if arguments.write:
        check_complete(documents)
        write_page(documents)
    print(markdown(documents))
    tell_faults(documents)


def names(text: str) -> list[str]:
    return text.split(",")


def open_store(folder: Path, family: Family) -> Store:
    return Store(folder, family.model_type, describe_environment(1))


def run_operations(
    family: Family, store: Store, wanted: list[Operation], scratch: Path, *, again: bool
) -> None:
    """Run the operations whose results are not known yet."""
    pending = [one for one in wanted if again or store.document.operation(one.name) is None]
    if not pending:
        return
    head = head_of_bases(family)
    store.update(head=head)
    with quiet_transformers():
        random_base(family, scratch / "base")
    data = bertslim.DataOptions(str(write_texts(scratch / "texts.txt")))
    bench = Bench(scratch / "base", data, scratch)
    trials = [carry_out(bench, operation) for operation in pending]
    tell(f"{family.model_type}: cut")
    made = [trial.directory for trial in trials if trial.directory]
    reloaded = reload_all(made, head, scratch)
    for trial in trials:
        run_exports(bench, trial, store, reloaded)
        tell(f"{family.model_type}/{trial.operation.name}: done")


def run_exports(bench: Bench, trial: Trial, store: Store, reloaded: dict[Path, Outcome]) -> None:
    """Export what was cut, and keep what came of it all."""
    result = trial.result
    if trial.directory is not None:
        outcomes = {
            "reload": reloaded[trial.directory],
            **export_all(bench, trial.directory),
        }
        result = result.model_copy(update=outcomes)
    store.add(result)


def run_tuned(family: Family, store: Store, scratch: Path, *, again: bool) -> None:
    """Fine-tune, cut and quantise, if that is not known yet."""
    if not is_tunable(family):
        store.update(not_tuned=NOT_TUNED)
    elif again or store.document.tuned is None:
        store.update(tuned=measure_tuned(family, scratch))
        tell(f"{family.model_type}/tuned: done")


def check_complete(documents: dict[str, Document]) -> None:
    """End before a page is written with rows that hold nothing."""
    missing = [name for name, document in documents.items() if not document.is_complete]
    if missing:
        sys.exit(f"the page is of all families; run these first: --families {','.join(missing)}")


def tell_faults(documents: dict[str, Document]) -> None:
    """Name what is neither green nor refused on purpose."""
    for name, document in documents.items():
        for result in document.operations:
            for step, outcome in result.outcomes().items():
                if outcome.state == "fault":
                    tell(f"FAULT {name}/{result.operation}/{step}: {outcome.message}")


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
