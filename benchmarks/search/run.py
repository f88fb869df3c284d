"""Compare what a search finds with what else could be cut, and with a smaller pretrained model.

All models are cut and repaired from the same rows, judged on rows that none of them has seen, and
timed in turns with the base in the runtime that was searched for. What is known is kept in the work
folder and not measured again: models can be made on a busy machine and timed on a quiet one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.search.at_random import RandomSearch
from benchmarks.search.page import markdown, write_page
from benchmarks.search.results import Quality, Store, Time
from benchmarks.search.rivals import (
    RANDOM,
    SMALLER,
    Rival,
    fewer_layers,
    found,
    shipped,
    trained,
    uniform,
)
from benchmarks.tools import environment_line
from bertslim.commands.cut import cut
from bertslim.commands.search import search
from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_held_out
from bertslim.data.splits import Splits
from bertslim.file_names import FRONTIER_FILE
from bertslim.measure.environment import default_threads, describe_environment
from bertslim.measure.evaluation import evaluate
from bertslim.measure.shapes import Shape
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import load_tokenizer
from bertslim.options.cut import CutOptions
from bertslim.options.search import SearchOptions
from bertslim.progress import Progress
from bertslim.recipe.recipe_files import load_recipe
from bertslim.records import Frontier
from bertslim.search.problem import SHARES
from bertslim.search.search_runtimes import SearchRuntime
from bertslim.search.timed_files import FileWriter, time_models

SHIPPED = ("narrow_odd", "prune_half_heads", "drop_odd_repaired", "linear_all")
ONE_WIDTH = "quarter_width_repaired"
WIDTHS = (0.5, 0.25, 0.125)  # a quarter is that recipe
CRITERIA = ("magnitude", "taylor")  # as Torch-Pruning has them
CRITERIA_WIDTH = 0.25
FEWER_LAYERS = (1, 2, 3)
RANDOM_SHARES = (0.8, 0.6, 0.45, 0.35)
TRAINED_SHARES = (0.7, 0.5, 0.35)
SECONDS = 3.0
LAUNCHES = 4
GROUPS = ("random", "widths", "criteria", "shipped", "layers", "trained")
SILENT = Progress(visible=False)


@dataclass(frozen=True)
class Bench:
    """One run of the benchmark.

    Attributes:
        arguments: The command line.
        store: What is known.
    """

    arguments: argparse.Namespace
    store: Store

    @property
    def _work(self) -> Path:
        work: Path = self.arguments.work
        return work

    def frontier(self) -> Frontier:
        """Return what the search found, which is searched for once."""
        output = self._work / "found"
        if not (output / FRONTIER_FILE).exists():
            search(self._search_options(output), SILENT)
        return Frontier.read(output)

    def _search_options(self, output: Path) -> SearchOptions:
        arguments = self.arguments
        return SearchOptions(
            str(arguments.base),
            DataOptions(arguments.data),
            runtime=arguments.runtime,
            length=arguments.length,
            batch=arguments.batch,
            minutes=arguments.minutes,
            threads=arguments.threads,
            seed=arguments.seed,
            output=output,
        )

    def rivals(self, frontier: Frontier) -> Iterator[Rival]:
        """Yield all models."""
        arguments, base = self.arguments, self.arguments.base
        yield from found(frontier, SHARES, base)
        if "random" in arguments.groups:
            yield from self._at_random(frontier)
        if "widths" in arguments.groups:
            yield from uniform(WIDTHS, base)
        if "criteria" in arguments.groups:
            for criterion in CRITERIA:
                yield from uniform([CRITERIA_WIDTH], base, criterion)
        if "shipped" in arguments.groups:
            yield from shipped(SHIPPED, base)
        if "layers" in arguments.groups:
            yield from fewer_layers(FEWER_LAYERS, base)
        if arguments.small:
            yield Rival(SMALLER, "as it is", None, arguments.small)
        if arguments.train_minutes:
            for one in found(frontier, arguments.train_shares, base):
                yield trained(one, arguments.train_minutes)
            if "trained" in arguments.groups:
                yield from self._trained_rivals()

    def _trained_rivals(self) -> Iterator[Rival]:
        """Yield one width of the base and of the smaller encoder, trained as what is found."""
        arguments = self.arguments
        for model, group in ((arguments.base, None), (arguments.small, SMALLER)):
            if model:
                narrower = next(shipped([ONE_WIDTH], model))
                yield trained(narrower, arguments.train_minutes, group)

    def _at_random(self, frontier: Frontier) -> Iterator[Rival]:
        """Yield the best of as many configurations as were tried, drawn at random."""
        folder = self._work / "random"
        if not folder.exists():
            arguments = self.arguments
            drawn = RandomSearch(
                arguments.base, arguments.data, frontier, RANDOM_SHARES, arguments.seed
            ).recipes()
            folder.mkdir()
            for name, recipe in drawn.items():
                (folder / f"{name}.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
        for share in RANDOM_SHARES:
            recipe = load_recipe(str(folder / f"random-{share:g}x.yaml")).recipe
            yield Rival(RANDOM, f"{share:g}x", recipe, self.arguments.base)

    def judge(self, rivals: Sequence[Rival]) -> None:
        """Cut what is not cut yet, and compare with the base on the rows that were kept aside."""
        arguments = self.arguments
        base = load_checkpoint(arguments.base)
        head = describe_head(arguments.base, base.config, base.facts)
        held = load_held_out(DataOptions(arguments.held), head, SILENT)
        for rival in rivals:
            if self.store.quality(rival.key) is None:
                self.store.add(self._judged(rival, self._made(rival), held))
                print(f"{rival.group}, {rival.name}: judged", flush=True)

    def _made(self, rival: Rival) -> Path:
        """Return where a rival is, cut if it is not there yet."""
        directory = self._work / "models" / rival.key
        if rival.recipe is None:
            return rival.model
        if directory.exists():
            return directory
        recipe = self._work / f"{rival.key}.yaml"
        recipe.write_text(rival.recipe.to_yaml(), encoding="utf-8")
        options = CutOptions(
            str(rival.model),
            str(recipe),
            output=directory,
            data=DataOptions(self._rows_for(rival)),
            measure=None,
            threads=self.arguments.threads,
            seed=self.arguments.seed,
        )
        cut(options, SILENT)
        return directory

    def _rows_for(self, rival: Rival) -> str:
        """Return what a rival learns from: more rows where it is trained, if there are more."""
        arguments = self.arguments
        rows: str = arguments.training_data or arguments.data
        return rows if rival.is_trained else str(arguments.data)

    def _judged(self, rival: Rival, directory: Path, held: Splits) -> Quality:
        base, slim = load_checkpoint(self.arguments.base), load_checkpoint(directory)
        found_out = evaluate(
            base,
            slim.model,
            held,
            load_tokenizer(self.arguments.base),
            slim_tokenizer=load_tokenizer(directory),
            seed=self.arguments.seed,
            progress=SILENT,
        )
        measured = {one.name: one for one in found_out.measurements}
        score = next(one for name, one in measured.items() if name.startswith("accuracy."))
        return Quality(
            key=rival.key,
            parameters=slim.model.num_parameters(),
            kl=measured["fidelity.kl"].slim or 0.0,
            score=score,
        )

    def time(self, rivals: Sequence[Rival]) -> None:
        """Time what is not timed yet."""
        arguments = self.arguments
        new = {rival.key: rival for rival in rivals if self.store.time(rival.key) is None}
        if not new:
            return
        base = load_checkpoint(arguments.base)
        with TemporaryDirectory() as folder:
            writer = FileWriter(base, arguments.runtime, [], Path(folder))
            models = {
                key: writer.write(key, load_checkpoint(self._made(rival)))
                for key, rival in new.items()
            }
            times = time_models(
                writer.base_file,
                models,
                Shape(arguments.batch, arguments.length),
                threads=arguments.threads,
                seconds=SECONDS,
                seed=arguments.seed,
                progress=SILENT,
                launches=LAUNCHES,
            )
        for key, time in times.items():
            self.store.add(
                Time(
                    key=key,
                    ratio=time.ratio,
                    median_ratio=time.median_ratio,
                    interval=time.interval,
                )
            )


def main() -> None:
    arguments = parse()
    here = describe_environment(arguments.threads)
    print(f"{environment_line(here)}; {arguments.runtime}, {arguments.batch}x{arguments.length}")
    arguments.work.mkdir(parents=True, exist_ok=True)
    store = Store(arguments.work / "results.json", here)
    bench = Bench(arguments, store)
    frontier = bench.frontier()
    rivals = list(bench.rivals(frontier))
    bench.judge(rivals)
    if arguments.times:
        bench.time(rivals)
        page = markdown(rivals, bench.store, frontier, arguments.title)
        print(page)
        if arguments.write:
            write_page(arguments.write, page, rivals, bench.store)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("work", type=Path, help="a folder for recipes, models and results; `found` in it is kept")
    add("base", type=Path, help="a fine-tuned model, such as one of benchmarks/repair/bases.py")
    add("data", help="rows to search and repair with")
    add("held", help="other rows, to judge all models on")
    add("--title", default="A classifier", help="of the table; default: %(default)s")
    add("--runtime", type=SearchRuntime, default=SearchRuntime.ONNXRUNTIME_INT8)
    add("--batch", type=int, default=1)
    add("--length", type=int, default=128)
    add("--groups", nargs="*", default=GROUPS, choices=GROUPS, help="default: all")
    add("--small", type=Path, help="a smaller pretrained encoder, fine-tuned on the same rows")
    add("--train-minutes", type=float, help="train some of what is found for so long, too")
    add(
        "--train-shares",
        type=float,
        nargs="*",
        default=TRAINED_SHARES,
        help="which: the best within these shares of the base's time; default: %(default)s",
    )
    add("--training-data", help="rows for that; default: those of the search")
    add("--minutes", type=float, default=10.0, help="of the search; default: %(default)s")
    add("--threads", type=int, default=default_threads(), help="default: all cores")
    add("--seed", type=int, default=0)
    add("--no-times", dest="times", action="store_false", help="make and judge models, no more")
    add("--write", metavar="SECTION",
        help="put table and picture between these marks of docs/search.md")  # fmt: skip
    return parser.parse_args()


if __name__ == "__main__":
    main()
