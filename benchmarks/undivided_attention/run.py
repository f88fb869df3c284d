"""How many FFN blocks a BERT needs: an analogue of the experiment of arXiv 2012.11881.

The paper takes FFN blocks out of BERT-base, then fine-tunes it. Here they are taken out of sentence
encoders: they stay in every second layer, in every third or in none, and what is left is fine-tuned
like the whole encoder. Beside it stand two answers of bertslim's: repair between cut and
fine-tuning, and fine-tuning the whole encoder, to cut, repair and briefly train it afterwards.
Every figure goes to the file of results as soon as it is there, so that a run that was interrupted
goes on where it was. With --write tables and picture go to docs/undivided-attention.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

import bertslim
from benchmarks.repair.baselines import measured
from benchmarks.repair.cases import SILENT, read_splits
from benchmarks.undivided_attention.page import draw, markdown, write_page
from benchmarks.undivided_attention.results import (
    KEPT,
    METHODS,
    PAPER,
    TRAINED_AFTER,
    Kept,
    Key,
    Latency,
    Method,
    Point,
    Repair,
    Store,
)
from bertslim.data.splits import Splits
from bertslim.measure.environment import default_threads, describe_environment
from bertslim.measure.latency import measure_latency
from bertslim.measure.shapes import Shape
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.model_source import find_model
from bertslim.model.tokenizer import load_tokenizer
from bertslim.recipe.schema import Recipe
from bertslim.records import Measurement, compare

REPAIR_STEPS = ("weigh the layers", "cut", "survey", "reconstruct")
SHAPE = Shape(batch=8, length=128)
LAUNCHES = 5


@dataclass(frozen=True)
class Task:
    """What an encoder is fine-tuned for.

    Attributes:
        name: For the table and the command line.
        score: The measurement that is reported.
        data: What to learn from, and what to measure on if that is a source of its own.
        epochs: How long every model is fine-tuned.
    """

    name: str
    score: str
    data: bertslim.DataOptions
    epochs: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--encoders", nargs="+", default=["sentence-transformers/all-MiniLM-L6-v2"],
        help="default: %(default)s")  # fmt: skip
    add("--sst2", nargs=2, metavar=("TRAIN", "TEST"), help="default: %(default)s",
        default=["stanfordnlp/sst2", "stanfordnlp/sst2@validation"])  # fmt: skip
    add("--stsb", nargs=2, metavar=("TRAIN", "TEST"), help="default: %(default)s",
        default=["sentence-transformers/stsb", "sentence-transformers/stsb@test"])  # fmt: skip
    add("--wnut17", nargs=2, metavar=("TRAIN", "TEST"),
        help="CoNLL files of github.com/leondz/emerging_entities_17")  # fmt: skip
    add("--seeds", nargs="+", type=int, default=[0], help="of fine-tuning; default: 0")
    add("--minutes", type=float, default=1.0, help="of training after a cut; default: %(default)s")
    add("--seconds", type=float, default=30.0, help="for a latency; default: %(default)s")
    add("--only", nargs="+", default=["*"], metavar="ENCODER/TASK/sSEED/KEPT/METHOD",
        help="patterns such as '*/STS-B/s0/*'; default: all")  # fmt: skip
    add("--output", type=Path, default=Path("undivided-attention.json"), help="%(default)s")
    add("--threads", type=int, default=default_threads(), help="default: all cores")
    add("--write", action="store_true", help="update the guide and its picture")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    store = Store(arguments.output, describe_environment(arguments.threads))
    with tempfile.TemporaryDirectory() as scratch:
        for seed in arguments.seeds:
            for encoder in arguments.encoders:
                for task in tasks(arguments):
                    Experiment(encoder, task, seed, Path(scratch), arguments, store).run()
        for encoder in arguments.encoders:
            Cuts(encoder, Path(scratch), arguments, store).measure()
    page = markdown(store.document)
    print(page)
    if arguments.write:
        write_page(page)
        draw(store.document)


def tasks(arguments: argparse.Namespace) -> Iterator[Task]:
    """Return the tasks whose data are given."""
    pydocs = bertslim.DataOptions("builtin:pydocs")
    yield Task("pydocs", "accuracy.accuracy", pydocs, epochs=3)
    stsb = bertslim.DataOptions(*arguments.stsb)
    yield Task("STS-B", "accuracy.spearman", stsb, epochs=3)
    if arguments.wnut17:
        wnut17 = bertslim.DataOptions(*arguments.wnut17)
        yield Task("WNUT-17", "accuracy.span_f1", wnut17, epochs=4)
    sst2 = bertslim.DataOptions(*arguments.sst2)
    yield Task("SST-2", "accuracy.accuracy", sst2, epochs=1)


@dataclass
class Experiment:
    """All models that are made of one encoder for one task with one seed."""

    encoder: str
    task: Task
    seed: int
    scratch: Path
    arguments: argparse.Namespace
    store: Store

    def run(self) -> None:
        """Make and measure what is wanted and not known yet."""
        for kept in KEPT:
            for method in METHODS:
                key = self._key(kept, method)
                wanted = any(fnmatch(str(key), pattern) for pattern in self.arguments.only)
                if wanted and not self.store.knows(key):
                    self.store.add(self._point(kept, method))
                    print(f"{key}: measured", file=sys.stderr, flush=True)

    def _key(self, kept: Kept, method: Method) -> Key:
        return Key(
            encoder=short_name(self.encoder),
            task=self.task.name,
            seed=self.seed,
            kept=kept.name,
            method=method.name,
        )

    def _point(self, kept: Kept, method: Method) -> Point:
        cut = self._cut(kept, method)
        trained = cut if method == TRAINED_AFTER else self._fine_tuned(str(cut.directory), "slim")
        plan, training = cut.record.plan, trained.record.training
        assert plan is not None
        assert training is not None
        assert self.whole.record.training is not None
        return Point(
            key=self._key(kept, method),
            score=self._score(trained.directory),
            parameters=compare("parameters", plan.base.parameters, plan.slim.parameters),
            whole=self.whole.record.training,
            training=training,
        )

    @cached_property
    def whole(self) -> bertslim.RetrainResult:
        """The whole encoder, fine-tuned."""
        return self._fine_tuned(self.encoder, "whole")

    @cached_property
    def _splits(self) -> Splits:
        return read_splits(str(self.whole.directory), self.task.data)

    def _fine_tuned(self, model: str, name: str) -> bertslim.RetrainResult:
        options = bertslim.RetrainOptions(
            model=model,
            data=self.task.data,
            output=self.scratch / name,
            epochs=self.task.epochs,
            threads=self.arguments.threads,
            seed=self.seed,
            new_head=True,
            force=True,
        )
        return bertslim.retrain(options)

    def _cut(self, kept: Kept, method: Method) -> bertslim.CutResult:
        after = method == TRAINED_AFTER
        model = str(self.whole.directory) if after else self.encoder
        recipe = cut_recipe(
            kept, filled=method != PAPER, minutes=self.arguments.minutes if after else None
        )
        return cut_by(recipe, model, self.task, self.scratch, self.arguments.threads, self.seed)

    def _score(self, slim: Path) -> Measurement:
        """Compare a model to the whole one on the report split."""
        base, model = load_checkpoint(self.whole.directory), load_checkpoint(slim).model
        tokenizer = load_tokenizer(self.whole.directory)
        return measured(base, model, self._splits, tokenizer)[self.task.score]


@dataclass(frozen=True)
class Cuts:
    """What cuts of an encoder take, and what they leave to be computed."""

    encoder: str
    scratch: Path
    arguments: argparse.Namespace
    store: Store

    def measure(self) -> None:
        """Measure what is not known yet of what was fine-tuned."""
        for kept in KEPT:
            for task in tasks(self.arguments):
                self._measure(kept, task, filled=False)
                self._measure(kept, task, filled=True)

    def _measure(self, kept: Kept, task: Task, *, filled: bool) -> None:
        name, known = short_name(self.encoder), self.store.document
        timed = known.latency(name, kept.name, filled=filled) is not None
        repaired = not filled or known.repair(name, task.name, kept.name) is not None
        if (timed and repaired) or not known.has(name, task.name, kept.name):
            return
        threads = self.arguments.threads
        cut = cut_by(cut_recipe(kept, filled=filled), self.encoder, task, self.scratch, threads)
        if not repaired:
            seconds = sum(one.seconds for one in cut.record.steps if one.name in REPAIR_STEPS)
            self.store.add(Repair(encoder=name, task=task.name, kept=kept.name, seconds=seconds))
        if not timed:
            found = self._latency(cut.directory)
            self.store.add(Latency(encoder=name, kept=kept.name, filled=filled, measurement=found))
        print(f"{name}/{task.name}/{kept.name}: cut again and timed", file=sys.stderr, flush=True)

    def _latency(self, slim: Path) -> Measurement:
        result = measure_latency(
            find_model(self.encoder).directory,
            slim,
            [SHAPE],
            threads=self.arguments.threads,
            seconds=self.arguments.seconds,
            launches=LAUNCHES,
            seed=0,
            progress=SILENT,
        )
        (found,) = (one for one in result.measurements if one.name == "latency")
        return found


def cut_recipe(kept: Kept, *, filled: bool, minutes: float | None = None) -> Recipe:
    """Return the recipe of a cut; with linear maps it is repaired, with minutes then trained."""
    step = {"op": "drop_ffn", "layers": kept.deleted}
    sections: dict[str, Any] = {}
    if filled:
        step["fill"] = "linear"
        sections["reconstruct"] = {}
    if minutes is not None:
        sections["retrain"] = {"minutes": minutes}
    return Recipe.model_validate({"version": 1, "name": "cut", "surgery": [step], **sections})


def cut_by(
    recipe: Recipe, model: str, task: Task, scratch: Path, threads: int, seed: int = 0
) -> bertslim.CutResult:
    """Cut a model; the result lies in the scratch directory until the next."""
    path = scratch / "cut.yaml"
    path.write_text(recipe.to_yaml(), encoding="utf-8")
    options = bertslim.CutOptions(
        model=model,
        recipe=str(path),
        output=scratch / "cut",
        data=task.data if recipe.needs_data else None,
        measure=None,
        threads=threads,
        seed=seed,
        force=True,
    )
    return bertslim.cut(options)


def short_name(encoder: str) -> str:
    """Return what an encoder is called in the table."""
    return Path(encoder.removeprefix("pkg:")).name


if __name__ == "__main__":
    main()
