"""The effect of FFN cuts on representations: the claim of arXiv 2012.11881.

Fine-tuned models lose the FFN block of every second layer, or of all, and are distilled briefly
from the whole model. CKA and linear probes, after attention and after FFN blocks, compare their
representations with those of the whole model, before that training and after it. Another
fine-tuning of the same model, where there is one, gives a reference. Results are gathered
in a file, one at a time, and models in a folder, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

import bertslim
from benchmarks.tools import (
    ACCENT,
    INK,
    MUTED,
    OTHER,
    ROOT,
    Results,
    drawing_tools,
    environment_line,
    points_of,
    read_results,
    save_picture,
    write_between_marks,
    write_results,
)
from bertslim.analyze.layer_cka import measure_cka
from bertslim.analyze.probes import LabelledTexts, measure_probes
from bertslim.data.batches import batched, batches, tokenise
from bertslim.data.data_options import DataOptions
from bertslim.data.load import BATCH_SIZE, load_splits, text_length
from bertslim.data.splits import Splits
from bertslim.data.task import Rows
from bertslim.measure.environment import default_threads, describe_environment
from bertslim.measure.evaluation import evaluate
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.model_source import find_model
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from bertslim.recipe.schema import Recipe
from bertslim.records import Block, Cka, Frozen, Measurement, Probes, Role
from bertslim.report.measurement_text import base_value, kind_of
from bertslim.report.tables import Table

PAGE = ROOT / "docs" / "representations.md"
IMAGE = PAGE.parent / "images" / "representations.svg"
CUTS = {"odd": "every second FFN block", "all": "all FFN blocks"}
BLOCKS: tuple[Block, ...] = ("attention", "ffn")
_SILENT = Progress(visible=False)

State = Literal["cut", "retrained", "another fine-tuning"]


class Case(Frozen):
    """One model beside the whole one it was made of.

    Attributes:
        data: What they were fine-tuned to.
        model: The kind of model.
        lost: What went; "" for nothing.
        state: What was done.
        texts: How many were looked at, at most.
        cka: Between the two, and within each.
        probes: Of both.
        score: Of both, on the report split.
    """

    data: str
    model: str
    lost: str
    state: State
    texts: int = 1000
    cka: Cka
    probes: Probes
    score: Measurement

    @property
    def key(self) -> tuple[str, ...]:
        """What it is."""
        return self.data, self.model, self.lost, self.state


class Representations(Results):
    """What was found on one machine."""

    cases: tuple[Case, ...] = ()


@dataclass(frozen=True)
class Study:
    """A fine-tuned model and its data.

    Attributes:
        again: The same model, fine-tuned with another seed; None: there is none.
    """

    data: str
    model: str
    directory: Path
    source: DataOptions
    again: Path | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--study", action="append", nargs="+", required=True,
        metavar="DATA MODEL DIR SEEN UNSEEN [AGAIN]",
        help="names of the data and of the model, the fine-tuned model, the data that it has seen, "
        "others that it has not, and the same model fine-tuned with another seed")  # fmt: skip
    add("--samples", type=int, default=1000, help="texts to look at (default: %(default)s)")
    add("--minutes", type=float, default=2.0, help="of training (default: %(default)s)")
    add("--folder", type=Path, default=Path("representations"), help="where cut models are kept")
    add("--output", type=Path, default=Path("representations.json"), help="where results are kept")
    add("--write", action="store_true", help=f"write {PAGE.name} and its picture")
    given = parser.parse_args()
    torch.set_num_threads(default_threads())
    results = read_results(given.output, Representations, describe_environment(default_threads()))
    for study in map(_study, given.study):
        results = carry_out(study, given, results)
    page = f"{table_of(results).markdown()}\n\n{footnote(results, given.minutes)}"
    print(page)
    if given.write:
        write_between_marks(PAGE, page)
        save_picture(picture_of(results), IMAGE)


def _study(words: list[str]) -> Study:
    data, model, directory, seen, unseen, *again = words
    source = DataOptions(seen, unseen)
    return Study(data, model, Path(directory), source, Path(again[0]) if again else None)


def carry_out(study: Study, given: argparse.Namespace, results: Representations) -> Representations:
    """Look at all that is not in the results yet."""
    done = {one.key for one in results.cases}
    for lost, state, directory in ways(study, given, done):
        case = look(study, lost, state, directory, given.samples)
        results = results.model_copy(update={"cases": (*results.cases, case)})
        write_results(given.output, results)
        print(*case.key, points_of(case.score).shown(1, "+"), flush=True)
    return results


def ways(
    study: Study, given: argparse.Namespace, done: set[tuple[str, ...]]
) -> Iterator[tuple[str, State, Path]]:
    """Yield the models to look at, made when they are wanted."""
    if study.again and (study.data, study.model, "", "another fine-tuning") not in done:
        yield "", "another fine-tuning", study.again
    states: tuple[State, ...] = ("cut", "retrained")
    for lost in CUTS:
        for state in states:
            if (study.data, study.model, lost, state) not in done:
                yield lost, state, make(study, lost, state, given)


def make(study: Study, lost: str, state: State, given: argparse.Namespace) -> Path:
    """Cut a model, and train it for some minutes if asked to."""
    target: Path = given.folder / f"{study.data}-{study.model}-{lost}-{state}".replace(" ", "_")
    if target.exists():
        return target
    given.folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {
        "version": 1, "name": f"{lost}_{state}", "description": "FFN blocks deleted.",
        "surgery": [{"op": "drop_ffn", "layers": lost}],
    }  # fmt: skip
    if state == "retrained":
        content["retrain"] = {"minutes": given.minutes}
    recipe = target.with_suffix(".yaml")
    recipe.write_text(Recipe.model_validate(content).to_yaml(), encoding="utf-8")
    options = bertslim.CutOptions(
        str(study.directory), str(recipe), output=target, data=study.source,
        measure=None, threads=default_threads(), resume=True,
    )  # fmt: skip
    return bertslim.cut(options).directory


def look(study: Study, lost: str, state: State, directory: Path, samples: int) -> Case:
    """Compare a model with the whole one."""
    models: dict[Role, Checkpoint] = {
        "base": load_checkpoint(find_model(str(study.directory)).directory),
        "slim": load_checkpoint(directory),
    }
    base = models["base"]
    tokenizer = load_tokenizer(study.directory)
    head = describe_head(study.directory, base.config, base.facts)
    splits = load_splits(study.source, head, _SILENT)
    length = text_length(base.facts, tokenizer, splits.fit.task)
    fit, report = (drawn(rows, samples) for rows in (splits.fit, splits.report))
    in_order = batched(tokenise(fit, tokenizer, length, label=False), tokenizer, BATCH_SIZE)
    labelled = LabelledTexts(*(
        batches(rows, tokenizer, batch_size=BATCH_SIZE, max_length=length, label=True)
        for rows in (fit, report)
    ))  # fmt: skip
    return Case(
        data=study.data,
        model=study.model,
        lost=lost,
        state=state,
        texts=samples,
        cka=measure_cka(models, dict.fromkeys(models, in_order), _SILENT, seed=0),
        probes=measure_probes(models, dict.fromkeys(models, labelled), _SILENT, seed=0),
        score=score(models, splits, tokenizer),
    )


def drawn(rows: Rows, most: int) -> Rows:
    """Draw rows by a fixed seed."""
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(0))
    return rows.select(order[:most].tolist())


def score(models: dict[Role, Checkpoint], splits: Splits, tokenizer: Any) -> Measurement:
    """Return the main metric on the report split."""
    quality = evaluate(
        models["base"], models["slim"].model, splits, tokenizer, seed=0, progress=_SILENT
    )
    return next(one for one in quality.measurements if one.name.startswith("accuracy."))


def same_layer(case: Case, block: Block) -> list[float]:
    """Return CKA of each layer with the same layer of the whole model."""
    matrix = case.cka.find("base", "slim", block)
    assert matrix is not None
    return [row[number] or 0.0 for number, row in enumerate(matrix.values)]


def neighbours(case: Case, block: Block) -> float:
    """Return mean CKA of the layers of the whole model with the layer above them."""
    matrix = case.cka.find("base", "base", block)
    assert matrix is not None
    found = [row[number + 1] or 0.0 for number, row in enumerate(matrix.values[:-1])]
    return sum(found) / len(found)


def probe_changes(case: Case, block: Block) -> list[float]:
    """Return what probes read better or worse than from the same layer of the whole model."""
    scores = {
        (one.model, one.site.layer): one.score
        for one in case.probes.points
        if one.site.block == block
    }
    layers = sorted({layer for _, layer in scores})
    return [scores["slim", layer] - scores["base", layer] for layer in layers]


def table_of(results: Representations) -> Table:
    """A row a model."""
    rows = []
    for one in results.cases:
        what = f"{CUTS[one.lost]} gone" if one.lost else ""
        rows.append((
            one.data, one.model, f"{what}, {one.state}" if what else one.state,
            f"{kind_of(one.score.name)} {base_value(one.score)}",
            points_of(one.score).shown(1, "+").replace("-", "−"),
            *(alike(one, block) for block in BLOCKS),
            *(read(one, block) for block in BLOCKS),
        ))  # fmt: skip
    headers = (
        "data", "model", "what", "whole", "points", "CKA, attention", "CKA, FFN",
        "probes, attention", "probes, FFN",
    )  # fmt: skip
    return Table("llllrrrrr", headers, tuple(rows))


def alike(case: Case, block: Block) -> str:
    """Write mean and least CKA with the same layer."""
    found = same_layer(case, block)
    return f"{sum(found) / len(found):.2f} ({min(found):.2f})"


def read(case: Case, block: Block) -> str:
    """Write the mean and the worst change of the probes, in points."""
    found = probe_changes(case, block)
    mean, worst = 100 * sum(found) / len(found), 100 * min(found)
    return f"{mean:+.1f} ({worst:+.1f})".replace("-", "−")


def footnote(results: Representations, minutes: float) -> str:
    """Say what the columns are, and where they come from."""
    texts = {one.model: one.texts for one in results.cases}
    looked = ", ".join(f"{count:,} texts for {model}" for model, count in texts.items())
    return (
        "Whole: the main metric of the whole model on all unseen rows. Points: that of the result "
        "less it, with the 95 % interval. CKA: with the same layer of the whole model, "
        "mean and least over the layers. Probes: what a linear classifier reads from a layer, less "
        "what it reads from the same layer of the whole model, in points, mean and worst. "
        f"{looked}; retrained for {minutes:g} minutes with the whole model as teacher. "
        f"{environment_line()}."
    )


def picture_of(results: Representations) -> Any:
    """Draw CKA with the same layer of the whole model, layer by layer, a panel a model and data."""
    plt = drawing_tools()
    panels = list(dict.fromkeys((one.data, one.model) for one in results.cases))
    figure, axes = plt.subplots(
        len(panels), 2, figsize=(8, 2.1 * len(panels)), squeeze=False, sharey=True
    )
    styles = {
        ("", "another fine-tuning"): (MUTED, "-", "another fine-tuning"),
        ("odd", "cut"): (ACCENT, ":", "every second FFN gone"),
        ("odd", "retrained"): (ACCENT, "-", "… retrained"),
        ("all", "cut"): (OTHER, ":", "all FFN gone"),
        ("all", "retrained"): (OTHER, "-", "… retrained"),
    }
    for row, panel in enumerate(panels):
        cases = [one for one in results.cases if (one.data, one.model) == panel]
        for column, block in enumerate(BLOCKS):
            axis = axes[row][column]
            for one in cases:
                colour, line, name = styles[one.lost, one.state]
                found = same_layer(one, block)
                axis.plot(range(len(found)), found, line, color=colour, label=name, linewidth=1.6)
            axis.set_ylim(0, 1.02)
            axis.set_title(
                f"{panel[1]}, {panel[0]}: {'attention' if block == 'attention' else 'FFN'}",
                fontsize=9, color=INK, loc="left",
            )  # fmt: skip
            axis.spines[["top", "right"]].set_visible(False)
            axis.set_xticks(range(len(found)))
        axes[row][0].set_ylabel("CKA")
    for axis in axes[-1]:
        axis.set_xlabel("layer")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    return figure


if __name__ == "__main__":
    main()
