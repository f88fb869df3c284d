"""A record -> report.md and the model card, README.md."""

from __future__ import annotations

from collections.abc import Iterator

from bertslim.records import Record
from bertslim.records.sources import last_component, shown_source
from bertslim.report.card import front_matter
from bertslim.report.escape import escape
from bertslim.report.loading_code import loading
from bertslim.report.measurement_tables import before_and_after
from bertslim.report.repair_table import repaired_line
from bertslim.report.section import Section, markdown_of
from bertslim.report.sections import body_sections, lead_section
from bertslim.report.training_text import trained_line


def render_report(record: Record) -> str:
    """Write a record as Markdown that reads well as plain text too."""
    return markdown_of([*_opening(record), *body_sections(record)])


def render_model_card(
    record: Record, base_card: str | None = None, *, sentence_transformers: str | None = None
) -> str:
    """Write the model card of a result, with front matter for the Hugging Face Hub.

    Args:
        record: The account of the run.
        base_card: The text of the base's README.md, whose licence and language carry over.
        sentence_transformers: The class of sentence-transformers that runs the result, if one does.

    Texts of the data are left out, also where the report quotes them: cards are published.
    """
    code = loading(record, sentence_transformers)
    text = markdown_of(
        [
            *_opening(record),
            Section("How to load it", (code,)),
            *body_sections(record.model_copy(update={"disagreements": None})),
        ]
    )
    front = front_matter(record, base_card, sentence_transformers)
    return f"{front}\n\n{text}"


def render_summary(record: Record) -> str:
    """Write the result in one sentence and the table of figures, for a terminal."""
    table = before_and_after(record)
    return markdown_of([*lead_section(record), *([Section("", (table,))] if table else [])])


def title_of(record: Record) -> str:
    """Return the name of the result, as it is."""
    return last_component(record.slim.source)


def opening_lines(record: Record) -> list[str]:
    """Describe in a few lines how the result was made, as plain text."""
    verb = "Cut" if record.kind == "cut" else "Retrained"
    name = record.recipe.get("name") if record.recipe else None
    recipe = f" by recipe {name}" if name else ""
    training = record.training
    begun = training.start_model if training and training.start_model else record.base
    how = f"{verb} from {shown_source(begun.source)}{recipe} with bertslim {record.bertslim}."
    return [line for line in (how, repaired_line(record), trained_line(record)) if line]


def _opening(record: Record) -> Iterator[Section]:
    origin = "\n".join(map(escape, opening_lines(record)))
    yield Section(title_of(record), (origin,), level=1)
    yield from lead_section(record)
