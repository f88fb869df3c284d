"""The sections of a report: each is a function from a record to Markdown, or None to be left out.

To add one, write it here and name it in SECTIONS, in the order in which they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bertslim.recipe.yaml import write_yaml
from bertslim.records import RECORD_FILE, Record, Role
from bertslim.records.sources import last_component, without_paths
from bertslim.report.analysis import analysis_parts
from bertslim.report.classes import class_table, classes_of, most_changed
from bertslim.report.comparison import (
    before_and_after,
    export_quality,
    latencies,
    quality,
    sides,
)
from bertslim.report.escape import escape, fenced
from bertslim.report.exports import export_notes, exports_table
from bertslim.report.figures import shape
from bertslim.report.headline import at_headline_shape, headline, quality_figure
from bertslim.report.part import Part, Picture
from bertslim.report.plan_tables import plan_table, vocabulary_note
from bertslim.report.plots.accuracy_latency import Axes, Place, accuracy_latency
from bertslim.report.plots.class_scores import class_scores
from bertslim.report.plots.layers import layers_drawing
from bertslim.report.provenance import command_told, origins, step_times, versions
from bertslim.report.repairs import is_kept, repair_table, solving_note
from bertslim.report.svg import IN_PAGE, Drawing, Palette
from bertslim.report.tables import wrapped
from bertslim.report.texts import texts_told
from bertslim.report.training import looks_table, training_note
from bertslim.wording import counted

Section = Callable[[Record], str | None]


def lead(record: Record) -> str | None:
    """The result in one sentence, which stands before all sections."""
    sentence = headline(record)
    return wrapped(escape(f"{sentence[0].upper()}{sentence[1:]}.")) if sentence else None


def figures_section(record: Record) -> str | None:
    """Base and slim, figure by figure."""
    table = before_and_after(record)
    return f"## Before and after\n\n{table.markdown()}" if table else None


def latency_section(record: Record) -> str | None:
    """Latency, a row a shape."""
    comparison = latencies(record)
    if comparison is None:
        return None
    legend = "Milliseconds a call: median / p90 / p99. The interval is that of the speed-up."
    return f"## Latency\n\n{legend}\n\n{comparison.markdown()}"


def quality_section(record: Record) -> str | None:
    """The task's metrics, and how closely the slim model follows the base."""
    comparison = quality(record)
    return f"## Quality\n\n{comparison.markdown()}" if comparison else None


def classes_section(record: Record) -> str | None:
    """How well each class is told from the others."""
    classes = classes_of(record)
    if not classes:
        return None
    shown = most_changed(classes)
    told = f"{counted(len(classes), 'class', 'classes')}, each with intervals of its own"
    if len(shown) < len(classes):
        told += f"; the {len(shown)} whose F1 changed most are shown, {RECORD_FILE} has all"
    table = class_table(shown)
    return f"## Classes\n\n{wrapped(f'{told}.')}\n\n{table.markdown()}"


def texts_section(record: Record) -> str | None:
    """The texts that are answered differently, if they may be quoted."""
    if record.disagreements is None:
        return None
    return f"## Texts answered differently\n\n{texts_told(record.disagreements, *sides(record))}"


def analysis_section(record: Record) -> str | None:
    """What each layer is worth, if that was found out."""
    if record.analysis is None:
        return None
    return "\n\n".join(one.text for one in analysis_parts(record.analysis))


def plan_section(record: Record) -> str | None:
    """What became of each layer."""
    if record.plan is None:
        return None
    shape = (
        "Even: a stock class of transformers expresses it."
        if record.plan.even
        else "Uneven: its layers differ, which takes classes of its own."
    )
    parts = ("## Plan", shape, vocabulary_note(record.plan), plan_table(record.plan))
    return "\n\n".join(part for part in parts if part)


def repair_section(record: Record) -> str | None:
    """What was solved in closed form, and how far each map was from the base before and after."""
    note = solving_note(record)
    if note is None or not record.repairs:
        return f"## Repair\n\n{note}" if note else None
    note += (
        " The error is that of held-out texts, as a share of the variance of what the map should "
        "say, before and after."
    )
    if any(map(is_kept, record.repairs)):
        note += " Kept: nothing did better than the map as it was."
    return f"## Repair\n\n{wrapped(note)}\n\n{repair_table(record.repairs).markdown()}"


def training_section(record: Record) -> str | None:
    """How it was trained, and how good it was on the way."""
    if record.training is None:
        return None
    note = escape(training_note(record.training))
    return f"## Training\n\n{wrapped(note)}\n\n{looks_table(record.training).markdown()}"


def exports_section(record: Record) -> str | None:
    """The files that were made of it for other runtimes."""
    if not record.exports:
        return None
    parts = ["## Exports", exports_table(record.exports).markdown()]
    for export in record.exports:
        if comparison := export_quality(export):
            parts += [f"### {escape(export.file)}", comparison.markdown()]
        parts += [wrapped(f"{escape(note)}.") for note in export_notes(export)]
    return "\n\n".join(parts)


def recipe_section(record: Record) -> str | None:
    """The resolved recipe."""
    if record.recipe is None:
        return None
    recipe = record.model_dump(mode="json", include={"recipe"})["recipe"]
    text = write_yaml(_without_paths(recipe, record.sources))
    return f"## Recipe\n\n{fenced(text, 'yaml')}"


def provenance_section(record: Record) -> str | None:
    """Models, data, machine, versions and steps."""
    parts = ["## Provenance", command_told(record.command), origins(record).markdown()]
    if record.environment.versions:
        parts.append(wrapped(f"Versions: {escape(versions(record))}."))
    if steps := step_times(record):
        parts.append(steps.markdown())
    return "\n\n".join(filter(None, parts))


def notes_section(record: Record) -> str | None:
    """What the run had to say."""
    if not record.notes:
        return None
    notes = (without_paths(note, record.sources) for note in record.notes)
    return "## Notes\n\n" + "\n".join(f"- {escape(note)}" for note in notes)


SECTIONS: tuple[Section, ...] = (
    figures_section,
    latency_section,
    quality_section,
    classes_section,
    plan_section,
    repair_section,
    training_section,
    exports_section,
    analysis_section,
    texts_section,
    recipe_section,
    provenance_section,
    notes_section,
)


def _without_paths(value: object, known: list[str]) -> object:
    if isinstance(value, dict):
        return {key: _without_paths(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_paths(inner, known) for inner in value]
    return without_paths(value, known) if isinstance(value, str) else value


def parts_of(record: Record, colours: Palette = IN_PAGE) -> tuple[Part, ...]:
    """Return all parts of a report but its title, in their order."""
    first = lead(record)
    parts = (part for section in SECTIONS for part in _parts(section, record, colours))
    return (*((Part(first),) if first else ()), *parts)


def _parts(section: Section, record: Record, colours: Palette) -> Iterator[Part]:
    if section is analysis_section:
        yield from analysis_parts(record.analysis, colours) if record.analysis else ()
        return
    text = section(record)
    if text is not None:
        yield Part(text, tuple(_pictures(section, record, colours)))


def _pictures(section: Section, record: Record, colours: Palette) -> Iterator[Picture]:
    if section is plan_section and record.plan is not None:
        yield Picture("layers", layers_drawing(record.plan, colours))
    if section is quality_section and (drawing := _quality_drawing(record, colours)):
        yield Picture("accuracy-latency", drawing)
    if section is classes_section:
        classes = most_changed(classes_of(record))
        yield Picture("classes", class_scores(classes, *sides(record), colours))


def _quality_drawing(record: Record, colours: Palette) -> Drawing | None:
    """Draw base and slim model by accuracy and latency, if both are known."""
    latencies, metric = record.find("latency"), quality_figure(record)
    if not latencies or metric is None or not metric.metric.rises_to_one:
        return None
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
    if len(places) < len(each):
        return None
    axes = Axes(metric.metric, f"ms a call at {shape(latency)}")
    return accuracy_latency(places, axes, colours)
