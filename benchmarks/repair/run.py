"""What the closed-form repair saves of what a cut loses, and what other means save of it.

Bases that `bases.py` fine-tuned are cut without repair, with it, and by Torch-Pruning to the same
widths; or as many of their top layers are dropped as make them as fast. All are measured in float32
against the base on held-out rows. No label is used for a repair. Every figure goes to the file of
results as soon as it is there, so that a run that was interrupted goes on where it was. With
--write the tables go between the marks of a section of docs/repair.md, and the picture beside the
guides.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import torch

import bertslim
from benchmarks.repair.cases import SILENT, Case, add_data_options, cases
from benchmarks.repair.cost import measure_cost, repair_seconds
from benchmarks.repair.cuts import (
    CRITERIA,
    HEAD_CRITERIA,
    REFITS,
    SAMPLES,
    TOP_LAYERS,
    WEIGHTS,
    Candidate,
    Cut,
    Settings,
    candidates,
    without_top_layers,
)
from benchmarks.repair.page import MARKS_OF_SECTIONS, Entry, draw, markdown, write_page
from benchmarks.repair.results import Result, Store, Timing
from bertslim.measure.environment import default_threads, describe_environment
from bertslim.measure.latency import measure_latency
from bertslim.measure.shapes import Shape

SHAPE = Shape(batch=8, length=128)
LAUNCHES = 3
QUICK_ROWS = 3000
COST = "cost"
COST_CASE = "sst2-s0"
COST_CUTS = ("drop_odd_attention", "drop_odd_linear", "quarter_all")


@dataclass(frozen=True)
class Bench:
    """What is measured, and where it is kept."""

    store: Store
    settings: Settings
    only: tuple[str, ...]
    again: bool
    latency: bool
    seconds: float
    runs: int

    def wants(self, case: Case, cut: Cut, method: str) -> bool:
        """Whether this line was asked for."""
        name = f"{case.name}/{cut.name}/{method}"
        return not self.only or any(fnmatch(name, pattern) for pattern in self.only)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add_data_options(parser)
    add("--output", type=Path, default=Path("repair.json"), help="default: %(default)s")
    add("--only", nargs="+", metavar="CASE/CUT/METHOD", default=[],
        help="patterns such as 'sst2-s0/drop_odd*/*'; default: all")  # fmt: skip
    add("--again", action="store_true", help="measure what is in the file already, too")
    add("--quick", type=int, nargs="?", const=QUICK_ROWS, metavar="ROWS",
        help="the first %(const)s rows of a set, or so many")  # fmt: skip
    add("--criteria", nargs="+", choices=CRITERIA, default=["kfac_obs"],
        help="what neurons are ranked by before repairs; default: kfac_obs")  # fmt: skip
    add("--head-criteria", nargs="+", choices=HEAD_CRITERIA, default=["obs"],
        help="the same of attention heads; default: obs")  # fmt: skip
    add("--refine", type=int, default=200, metavar="STEPS",
        help="of narrowed blocks, in rows of their own; 0: none; default: %(default)s")  # fmt: skip
    add("--samples", type=int, default=SAMPLES, metavar="TEXTS",
        help="of the section reconstruct; default: %(default)s, the cost only of that")  # fmt: skip
    add("--refit", choices=REFITS, help="of the section reconstruct; default: bertslim's")
    add("--weights", choices=WEIGHTS, help="of the section reconstruct; default: bertslim's")
    add("--no-latency", dest="latency", action="store_false",
        help="time nothing; top layers are dropped where latencies are in the file")  # fmt: skip
    add("--seconds", type=float, default=6.0, help="for each latency; default: %(default)s")
    add("--runs", type=int, default=5, help="of the cost, 0 for none; default: %(default)s")
    add("--threads", type=int, default=default_threads(), help="default: all cores")
    add("--write", nargs="?", const="results", choices=MARKS_OF_SECTIONS, metavar="SECTION",
        help="update that section of docs/repair.md, %(choices)s, with all that is in the file; "
        "%(const)s, the default, has the picture as well")  # fmt: skip
    arguments = parser.parse_args()
    if arguments.write and arguments.quick:
        parser.error("--write is for figures on all rows; leave --quick out")
    torch.set_num_threads(arguments.threads)
    bench = Bench(
        store=Store(arguments.output, describe_environment(arguments.threads)),
        settings=Settings(
            criteria=tuple(arguments.criteria),
            head_criteria=tuple(arguments.head_criteria),
            refine=arguments.refine,
            samples=arguments.samples,
            refit=arguments.refit,
            weights=arguments.weights,
        ),
        only=tuple(arguments.only),
        again=arguments.again,
        latency=arguments.latency,
        seconds=arguments.seconds,
        runs=arguments.runs,
    )
    with tempfile.TemporaryDirectory() as scratch:
        run(bench, found := tuple(cases(arguments, Path(scratch))))
        entries = tuple(entry for case in found for entry in known(bench, case))
    page = markdown(entries, bench.store.document)
    print(page)
    if arguments.write:
        write_page(page, arguments.write)
    if arguments.write == "results":
        draw(entries)


def run(bench: Bench, found: tuple[Case, ...]) -> None:
    """Measure what is not known yet."""
    if not found:
        sys.exit("no base with its data: see --help for what each needs")
    for case in found:
        for cut in case.cuts:
            for candidate in case.candidates(cut, bench.settings):
                if bench.wants(case, cut, candidate.method):
                    measure(bench, case, cut, candidate)
            if bench.wants(case, cut, TOP_LAYERS):
                measure_top_layers(bench, case, cut)
            costly = case.name == COST_CASE and cut.name in COST_CUTS
            costly = costly and bench.settings.samples == SAMPLES
            if bench.runs and costly and bench.wants(case, cut, COST):
                for candidate in case.candidates(cut, bench.settings):
                    if candidate.repairs:
                        cost(bench, case, cut, candidate)
        case.close()


def measure(bench: Bench, case: Case, cut: Cut, candidate: Candidate) -> None:
    """Carry a cut out and measure what is not known of it: its quality and its latency."""
    request = case.request(candidate)
    judge = bench.again or bench.store.result(request) is None
    time = bench.latency and candidate.importance is None and timing(bench, case, candidate) is None
    if not (judge or time):
        return
    if candidate.importance:
        judged = case.measure(case.prune(candidate, candidate.importance))
        bench.store.add(Result(request=request, repair_seconds=None, measurements=judged))
    else:
        result = case.cut(candidate)
        if judge:
            judged = case.measure(bertslim.load(result.directory))
            seconds = repair_seconds(result.record) if candidate.repairs else None
            bench.store.add(Result(request=request, repair_seconds=seconds, measurements=judged))
        if time:
            time_latency(bench, case, candidate, result.directory)
    tell(f"{case.name}/{cut.name}/{candidate.method}: measured")


def measure_top_layers(bench: Bench, case: Case, cut: Cut) -> None:
    """Drop as many top layers as make the base as fast as the repaired cut."""
    if bench.latency:
        for candidate in near_in_latency(bench, case, cut):
            if timing(bench, case, candidate) is None:
                time_latency(bench, case, candidate, case.cut(candidate).directory)
    chosen = as_fast(bench, case, cut)
    if chosen is None:
        tell(f"{case.name}/{cut.name}/{TOP_LAYERS}: left out, latencies are not known")
    else:
        measure(bench, case, cut, chosen)


def as_fast(bench: Bench, case: Case, cut: Cut) -> Candidate | None:
    """Return the baseline that is nearest in latency to the repaired cut, if all are known."""
    target = timing(bench, case, repaired_by(bench, cut))
    ladder = [(one, timing(bench, case, one)) for one in near_in_latency(bench, case, cut)]
    known = [(one, ratio_of(found)) for one, found in ladder if found]
    if target is None or not known or len(known) < len(ladder):
        return None
    return min(known, key=lambda pair: abs(pair[1] - ratio_of(target)))[0]


def repaired_by(bench: Bench, cut: Cut) -> Candidate:
    """Return the first of the repaired candidates; all have layers of the same shapes."""
    return next(one for one in candidates(cut, bench.settings) if one.repairs)


def near_in_latency(bench: Bench, case: Case, cut: Cut) -> list[Candidate]:
    """Return the baselines that may be as fast as the repaired cut, if its latency is known.

    A model without k of L layers takes about 1 - k / L of the time.
    """
    target, layers = timing(bench, case, repaired_by(bench, cut)), len(case.facts.layers)
    if target is None:
        return []
    best = round(layers * (1 - ratio_of(target)))
    return [without_top_layers(n) for n in range(best - 1, best + 2) if 0 < n < layers]


def timing(bench: Bench, case: Case, candidate: Candidate) -> Timing | None:
    return bench.store.timing(case.encoder, case.architecture(candidate))


def ratio_of(found: Timing) -> float:
    assert found.latency.ratio is not None
    return found.latency.ratio


def time_latency(bench: Bench, case: Case, candidate: Candidate, slim: Path) -> None:
    """Time what was saved against the base, taking turns."""
    measurements = measure_latency(
        case.directory,
        slim,
        (SHAPE,),
        threads=case.threads,
        seconds=bench.seconds,
        launches=LAUNCHES,
        seed=0,
        progress=SILENT,
    ).measurements
    (latency,) = (one for one in measurements if one.name == "latency")
    layers = case.architecture(candidate)
    bench.store.add(Timing(encoder=case.encoder, layers=layers, latency=latency))


def cost(bench: Bench, case: Case, cut: Cut, candidate: Candidate) -> None:
    """Compare a repair to a forward pass over the same texts, if that is not known."""
    key = case.name, cut.name, candidate.method
    if bench.again or key not in {one.key for one in bench.store.document.costs}:
        bench.store.add(measure_cost(case, cut, candidate, bench.runs))
        tell(f"{case.name}/{cut.name}/{COST}: measured")


def known(bench: Bench, case: Case) -> Iterator[Entry]:
    """Return a line for each way to carry out each cut that was repaired, as far as measured."""
    for cut in case.cuts:
        instead = as_fast(bench, case, cut)
        ways = (*case.candidates(cut, bench.settings), *([instead] if instead else []))
        found = [
            Entry(case, cut, one, result, timing(bench, case, one))
            for one in ways
            if (result := bench.store.result(case.request(one))) is not None
        ]
        if any(entry.candidate.repairs for entry in found):
            yield from found


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
