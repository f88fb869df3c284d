"""The sections of a report: each is a function from a record to its content.

To add one, write it here and add it to SECTIONS, in the order of reading
(docs/adding-a-report-section.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from bertslim.file_names import RECORD_FILE
from bertslim.recipe.yaml import write_yaml
from bertslim.records import Record, Role
from bertslim.records.sources import last_component, without_paths
from bertslim.report.analysis_sections import analysis_sections
from bertslim.report.class_figures import class_table, classes_of, most_changed
from bertslim.report.differing_texts import differing_texts
from bertslim.report.escape import escape, fenced
from bertslim.report.export_tables import export_notes, exports_table
from bertslim.report.headline import at_headline_shape, headline, quality_figure
from bertslim.report.measurement_tables import (
    before_and_after,
    export_quality,
    latencies,
    quality,
    sides,
)
from bertslim.report.measurement_text import shape
from bertslim.report.origins import origins, step_times, versions, written_command
from bertslim.report.plan_tables import plan_table, vocabulary_note
from bertslim.report.plots.accuracy_latency import Axes, Place, accuracy_latency
from bertslim.report.plots.class_scores import class_scores
from bertslim.report.plots.layers import layers_drawing
from bertslim.report.repair_table import is_kept, repair_table, solving_note
from bertslim.report.section import Content, Picture, Section
from bertslim.report.tables import wrapped
from bertslim.report.training_text import looks_table, training_note
from bertslim.wording import counted

SectionsOf = Callable[[Record], Iterator[Section]]


def lead_section(record: Record) -> Iterator[Section]:
    """The result in one sentence."""
    if sentence := headline(record):
        yield Section("", (wrapped(escape(f"{sentence[0].upper()}{sentence[1:]}.")),))


def figures_section(record: Record) -> Iterator[Section]:
    """Base and slim, figure by figure."""
    if table := before_and_after(record):
        yield Section("Before and after", (table,))


def latency_section(record: Record) -> Iterator[Section]:
    """Latency, a row a shape."""
    if table := latencies(record):
        legend = "Milliseconds a call: median / p90 / p99. The interval is that of the speed-up."
        yield Section("Latency", (legend, table))


def quality_section(record: Record) -> Iterator[Section]:
    """The task's metrics, and the fidelity to the base."""
    if table := quality(record):
        yield Section("Quality", (table,), tuple(_accuracy_latency_picture(record)))


def classes_section(record: Record) -> Iterator[Section]:
    """Precision, recall and F1 of each class."""
    classes = classes_of(record)
    if not classes:
        return
    shown = most_changed(classes)
    note = f"{counted(len(classes), 'class', 'classes')}, each with intervals of its own"
    if len(shown) < len(classes):
        note += f"; the {len(shown)} whose F1 changed most are shown, {RECORD_FILE} has all"
    before, after = sides(record)
    picture = Picture("classes", partial(class_scores, shown, before, after))
    yield Section("Classes", (wrapped(f"{note}."), class_table(shown)), (picture,))


def texts_section(record: Record) -> Iterator[Section]:
    """Texts that the models answer differently, if they may be quoted."""
    if record.disagreements is not None:
        texts = differing_texts(record.disagreements, *sides(record))
        yield Section("Texts answered differently", (texts,))


def analysis_section(record: Record) -> Iterator[Section]:
    """The analysis of layers, if there is one."""
    if record.analysis is not None:
        yield from analysis_sections(record.analysis)


def plan_section(record: Record) -> Iterator[Section]:
    """The layers before and after the cut."""
    plan = record.plan
    if plan is None:
        return
    shape = (
        "Even: a stock class of transformers expresses it."
        if plan.even
        else "Uneven: its layers differ, which takes classes of its own."
    )
    vocabulary = vocabulary_note(plan)
    notes = (shape, vocabulary) if vocabulary else (shape,)
    picture = Picture("layers", partial(layers_drawing, plan))
    yield Section("Plan", (*notes, plan_table(plan)), (picture,))


def repair_section(record: Record) -> Iterator[Section]:
    """The maps that the repair solved or refined, with the error of each before and after."""
    note = solving_note(record)
    if note is None:
        return
    if not record.repairs:
        yield Section("Repair", (note,))
        return
    note += (
        " The error is that of held-out texts, as a share of the variance of the map's targets, "
        "before and after."
    )
    if any(map(is_kept, record.repairs)):
        note += " Kept: nothing did better than the map as it was."
    yield Section("Repair", (wrapped(note), repair_table(record.repairs)), folded=True)


def training_section(record: Record) -> Iterator[Section]:
    """The training, with its scores on the select split."""
    if record.training is not None:
        note = escape(training_note(record.training))
        yield Section("Training", (wrapped(note), looks_table(record.training)), folded=True)


def exports_section(record: Record) -> Iterator[Section]:
    """Its exported files."""
    if not record.exports:
        return
    body: list[Content] = [exports_table(record.exports)]
    for export in record.exports:
        if table := export_quality(export):
            body += [f"### {escape(export.file)}", table]
        body += [wrapped(f"{escape(note)}.") for note in export_notes(export)]
    yield Section("Exports", tuple(body))


def recipe_section(record: Record) -> Iterator[Section]:
    """The resolved recipe."""
    if record.recipe is None:
        return
    recipe = record.model_dump(mode="json", include={"recipe"})["recipe"]
    text = write_yaml(_without_paths(recipe, record.sources))
    yield Section("Recipe", (fenced(text, "yaml"),), folded=True)


def provenance_section(record: Record) -> Iterator[Section]:
    """Models, data, machine, versions and steps."""
    body: list[Content | None] = [written_command(record.command), origins(record)]
    if record.environment.versions:
        body.append(wrapped(f"Versions: {escape(versions(record))}."))
    body.append(step_times(record))
    shown = tuple(block for block in body if block is not None)
    yield Section("Provenance", shown, folded=True)


def notes_section(record: Record) -> Iterator[Section]:
    """Notes on the run."""
    if record.notes:
        notes = (without_paths(note, record.sources) for note in record.notes)
        yield Section("Notes", ("\n".join(f"- {escape(note)}" for note in notes),))


SECTIONS: tuple[SectionsOf, ...] = (
    figures_section,
    latency_section,
    quality_section,
    classes_section,
    exports_section,
    notes_section,
    plan_section,
    texts_section,
    analysis_section,
    repair_section,
    training_section,
    recipe_section,
    provenance_section,
)


def body_sections(record: Record) -> Iterator[Section]:
    """Yield the sections of a report below its title and lead, in their order."""
    for sections in SECTIONS:
        yield from sections(record)


def _without_paths(value: object, known: list[str]) -> object:
    if isinstance(value, dict):
        return {key: _without_paths(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_paths(inner, known) for inner in value]
    return without_paths(value, known) if isinstance(value, str) else value


def _accuracy_latency_picture(record: Record) -> Iterator[Picture]:
    """Base and slim model by accuracy and latency, if both are known."""
    latencies, metric = record.find("latency"), quality_figure(record)
    if not latencies or metric is None or not metric.metric.rises_to_one:
        return
    latency = at_headline_shape(latencies)
    each: tuple[tuple[str, Role, float | None, float | None], ...] = (
        (record.base.source, "base", latency.base, metric.base),
        (record.slim.source, "slim", latency.slim, metric.slim),
    )
    places = [
        Place(last_component(source), time, score, role)
        for source, role, time, score in each
        if time is not None and score is not None
    ]
    if len(places) == len(each):
        axes = Axes(metric.metric, f"ms a call at {shape(latency)}")
        yield Picture("accuracy-latency", partial(accuracy_latency, places, axes))
