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
from repair_baselines import measured
from repair_cases import SILENT, read_splits
from undivided_attention_page import draw, markdown, write_page
from undivided_attention_results import (
    KEPT,
    METHODS,
    PAPER,
    TRAINED_AFTER,
    Kept,
    Key,
    Latency,
    Method,
    Point,
    Store,
)

import bertslim
from bertslim.data.splits import Splits
from bertslim.measure.environment import default_threads, describe_environment
from bertslim.measure.latency import measure_latency
from bertslim.measure.latency_process import Shape
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.source import find_model
from bertslim.model.tokenizer import load_tokenizer
from bertslim.recipe import Recipe, Retrain
from bertslim.records import Measurement, Record, compare

REPAIR_STEPS = ("weigh the layers", "cut")
SHAPE = Shape(batch=8, length=128)
LAUNCHES = 3


@dataclass(frozen=True)
class Task:
    """What an encoder is fine-tuned for.

    Attributes:
        name: For the table and the command line.
        score: The measurement that is reported.
        data: What to learn from, and what to measure on if that is a source of its own.
        settings: How every model is fine-tuned.
    """

    name: str
    score: str
    data: bertslim.DataOptions
    settings: Retrain


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
    add("--seconds", type=float, default=10.0, help="for a latency; default: %(default)s")
    add("--only", nargs="+", default=["*"], metavar="ENCODER/TASK/sSEED/KEPT/METHOD",
        help="patterns such as '*/STS-B/s0/*'; default: all")  # fmt: skip
    add("--output", type=Path, default=Path("undivided-attention.json"), help="%(default)s")
    add("--threads", type=int, default=default_threads(), help="default: all cores")
    add("--write", action="store_true", help="update the guide and its picture")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    store = Store(arguments.output, describe_environment(arguments.threads))
    for seed in arguments.seeds:
        for encoder in arguments.encoders:
            for task in tasks(arguments):
                with tempfile.TemporaryDirectory() as scratch:
                    Experiment(encoder, task, seed, Path(scratch), arguments, store).run()
    page = markdown(store.document)
    print(page)
    if arguments.write:
        write_page(page)
        draw(store.document)


def tasks(arguments: argparse.Namespace) -> Iterator[Task]:
    """Return the tasks whose data are given."""
    pydocs = bertslim.DataOptions("builtin:pydocs")
    yield Task("pydocs", "accuracy.accuracy", pydocs, _settings(epochs=3))
    stsb = bertslim.DataOptions(*arguments.stsb)
    yield Task("STS-B", "accuracy.spearman", stsb, _settings(epochs=3))
    if arguments.wnut17:
        wnut17 = bertslim.DataOptions(*arguments.wnut17)
        yield Task("WNUT-17", "accuracy.span_f1", wnut17, _settings(epochs=4))
    sst2 = bertslim.DataOptions(*arguments.sst2)
    yield Task("SST-2", "accuracy.accuracy", sst2, _settings(epochs=1))


def _settings(epochs: float) -> Retrain:
    return Retrain(epochs=epochs, batch_size=16, dropout="keep")


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
        encoder = Path(self.encoder.removeprefix("pkg:")).name
        return Key(
            encoder=encoder,
            task=self.task.name,
            seed=self.seed,
            kept=kept.name,
            method=method.name,
        )

    def _point(self, kept: Kept, method: Method) -> Point:
        key = self._key(kept, method)
        cut = self._cut(kept, method)
        self._time(key, cut.directory)
        trained = cut if method == TRAINED_AFTER else self._fine_tuned(str(cut.directory), "slim")
        plan, training = cut.record.plan, trained.record.training
        assert plan is not None
        assert training is not None
        assert self.whole.record.training is not None
        return Point(
            key=key,
            score=self._score(trained.directory),
            parameters=compare(
                "parameters", "parameters", plan.base.parameters, plan.slim.parameters
            ),
            whole=self.whole.record.training,
            training=training,
            repair_seconds=0.0 if method == PAPER else _repair_seconds(cut.record),
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
            settings=self.task.settings,
            threads=self.arguments.threads,
            seed=self.seed,
            new_head=True,
            force=True,
        )
        return bertslim.retrain(options)

    def _cut(self, kept: Kept, method: Method) -> bertslim.CutResult:
        after = method == TRAINED_AFTER
        options = bertslim.CutOptions(
            model=str(self.whole.directory) if after else self.encoder,
            recipe=str(self._recipe(kept, method)),
            output=self.scratch / "cut",
            data=None if method == PAPER else self.task.data,
            measure=None,
            threads=self.arguments.threads,
            seed=self.seed,
            force=True,
        )
        return bertslim.cut(options)

    def _time(self, key: Key, slim: Path) -> None:
        """Measure the latency of a cut encoder, once for all tasks."""
        known = self.store.document.latency(key.encoder, key.kept, key.method)
        if known is not None:
            return
        after = key.method == TRAINED_AFTER.name
        base = self.whole.directory if after else find_model(self.encoder).directory
        result = measure_latency(
            base,
            slim,
            [SHAPE],
            threads=self.arguments.threads,
            seconds=self.arguments.seconds,
            launches=LAUNCHES,
            seed=self.seed,
            progress=SILENT,
        )
        (found,) = (one for one in result.measurements if one.name == "latency")
        self.store.add(
            Latency(encoder=key.encoder, kept=key.kept, method=key.method, measurement=found)
        )

    def _recipe(self, kept: Kept, method: Method) -> Path:
        step = {"op": "drop_ffn", "layers": kept.deleted}
        sections: dict[str, Any] = {}
        if method != PAPER:
            step["fill"] = "linear"
            sections["reconstruct"] = {}
        if method == TRAINED_AFTER:
            sections["retrain"] = {"minutes": self.arguments.minutes}
        found = {"version": 1, "name": "cut", "surgery": [step], **sections}
        path = self.scratch / "cut.yaml"
        path.write_text(Recipe.model_validate(found).to_yaml(), encoding="utf-8")
        return path

    def _score(self, slim: Path) -> Measurement:
        """Compare a model to the whole one on the report split."""
        base, model = load_checkpoint(self.whole.directory), load_checkpoint(slim).model
        tokenizer = load_tokenizer(self.whole.directory)
        return measured(base, model, self._splits, tokenizer)[self.task.score]


def _repair_seconds(record: Record) -> float:
    return sum(step.seconds for step in record.steps if step.name in REPAIR_STEPS)


if __name__ == "__main__":
    main()
