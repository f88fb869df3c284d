"""A record -> report.md and the model card, README.md."""

from __future__ import annotations

from collections.abc import Iterable

from bertslim.records import Record
from bertslim.records.sources import last_component, shown_source
from bertslim.report.card import front_matter, is_sentence_transformer
from bertslim.report.comparison import before_and_after
from bertslim.report.escape import escape
from bertslim.report.loading import loading
from bertslim.report.repairs import solved_from
from bertslim.report.sections import SECTIONS, lead
from bertslim.report.training import trained_line


def render_report(record: Record) -> str:
    """Write a record as Markdown that reads well as plain text too."""
    return _joined([*_opening(record), *_sections(record)])


def render_model_card(record: Record, base_card: str | None = None) -> str:
    """Write the model card of a result, with front matter for the Hugging Face Hub.

    Args:
        record: The account of the run.
        base_card: The text of the base's README.md, whose licence and language carry over.

    Texts of the data are left out, also where the report quotes them: cards are published.
    """
    how = loading(record, sentence_transformers=is_sentence_transformer(base_card))
    return _joined(
        [
            front_matter(record, base_card),
            *_opening(record),
            f"## How to load it\n\n{how}",
            *_sections(record.model_copy(update={"disagreements": None})),
        ]
    )


def render_summary(record: Record) -> str:
    """Write the result in one sentence and the table of figures, for a terminal."""
    table = before_and_after(record)
    return _joined([lead(record), table.markdown() if table else None])


def title_of(record: Record) -> str:
    """Return the name of the result, as it is."""
    return last_component(record.slim.source)


def opening_lines(record: Record) -> list[str]:
    """Say in a few lines how the result was made, as plain text."""
    verb = "Cut" if record.kind == "cut" else "Retrained"
    name = record.recipe.get("name") if record.recipe else None
    recipe = f" by recipe {name}" if name else ""
    training = record.training
    begun = training.start_model if training and training.start_model else record.base
    how = f"{verb} from {shown_source(begun.source)}{recipe} with bertslim {record.bertslim}."
    texts = solved_from(record)
    repaired = f"Repaired in closed form from {texts}." if texts else None
    return [line for line in (how, repaired, trained_line(record)) if line]


def _opening(record: Record) -> list[str | None]:
    origin = "\n".join(map(escape, opening_lines(record)))
    return [f"# {escape(title_of(record))}", origin, lead(record)]


def _sections(record: Record) -> list[str | None]:
    return [section(record) for section in SECTIONS]


def _joined(parts: Iterable[str | None]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
