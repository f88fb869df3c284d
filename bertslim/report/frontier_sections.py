"""What a search found, in tables, sentences and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bertslim.records import (
    Frontier,
    FrontierPoint,
    LatencyTable,
    ShippedPoint,
    Solved,
    runtimes_in_words,
)
from bertslim.records.sources import last_component
from bertslim.report.escape import escape
from bertslim.report.frontier_summary import frontier_summary
from bertslim.report.numbers import fixed, significant
from bertslim.report.page import page
from bertslim.report.plan_tables import plan_table
from bertslim.report.plots.frontier import frontier_drawing
from bertslim.report.plots.layers import layers_drawing
from bertslim.report.section import Picture, Section, markdown_of
from bertslim.report.svg import ON_PAPER
from bertslim.report.tables import NOTHING, Table, wrapped
from bertslim.wording import capital, counted


def frontier_text(frontier: Frontier) -> str:
    """Write the whole report as Markdown."""
    return markdown_of([Section(title_of(frontier), (), level=1), *frontier_sections(frontier)])


def frontier_page(frontier: Frontier) -> str:
    """Write it as HTML; text of a model or data is escaped."""
    origin = (
        f"Found by bertslim {frontier.bertslim} on {last_component(frontier.data.source)}, "
        f"{counted(frontier.evaluations, 'configuration', 'configurations')} tried."
    )
    sections = frontier_sections(frontier)
    return page(title_of(frontier), [origin], sections, frontier_summary(frontier))


def frontier_picture(frontier: Frontier) -> str:
    """Draw it as an SVG file."""
    return frontier_drawing(frontier, ON_PAPER).framed().markup()


def title_of(frontier: Frontier) -> str:
    """Name the model, as plain text."""
    return f"Cuts of {last_component(frontier.base.source)}"


def frontier_sections(frontier: Frontier) -> tuple[Section, ...]:
    """Return all sections below the title."""
    return (
        _found_section(frontier),
        *_notes_section(frontier),
        *_chosen_sections(frontier),
        _times_section(frontier.table),
    )


def _found_section(frontier: Frontier) -> Section:
    table = frontier.table
    ended = (
        " The search was interrupted; this is what it had found." if frontier.interrupted else ""
    )
    words = (
        f"Times are those in {table.runtime} at {table.batch}x{table.length} with "
        f"{counted(table.threads, 'thread', 'threads')}, where the base takes "
        f"{significant(table.base_ms)} ms, as shares of that: predicted, of the fastest calls, and "
        f"of the medians with their interval. {_runtimes(frontier)}{capital(frontier.message)}."
        f"{ended}"
    )
    picture = Picture("frontier", partial(frontier_drawing, frontier))
    return Section("The frontier", (wrapped(escape(words)), points_table(frontier)), (picture,))


def _runtimes(frontier: Frontier) -> str:
    """Say what the runtime was chosen from; nothing where it was named."""
    if not frontier.runtimes:
        return ""
    return f"The runtime was chosen: {runtimes_in_words(frontier.runtimes)}. "


def points_table(frontier: Frontier) -> Table:
    """A row a point, from the fastest."""
    headers = (
        "point", "predicted", "fastest", "median", "95 % interval", frontier.measure,
        "put together", "points lost", "at most", "parameters",
    )  # fmt: skip
    rows = (
        *(_row(point, frontier) for point in frontier.points),
        *(_shipped_row(point) for point in frontier.shipped),
    )
    return Table("lrrrrrrrrr", headers, rows).without_empty_columns()


def _shipped_row(point: ShippedPoint) -> tuple[str, ...]:
    return (
        f"{point.name} (shipped)",
        NOTHING,
        *_solved_cells(point.solved),
        significant(point.solved.damage, 2),
        NOTHING,
        *_drop_cells(point.solved),
        fixed(point.parameters),
    )


def _solved_cells(solved: Solved | None) -> tuple[str, str, str]:
    """Return the ratio of the fastest calls, that of the medians, and its interval."""
    if solved is None:
        return NOTHING, NOTHING, NOTHING
    interval = solved.interval
    shown = f"{fixed(interval.low, 2)} to {fixed(interval.high, 2)}" if interval else NOTHING
    return fixed(solved.ratio, 2), fixed(solved.median_ratio, 2), shown


def _drop_cells(solved: Solved | None) -> tuple[str, str]:
    """Return the points lost, and how many they are at most."""
    if solved is None or solved.drop is None:
        return NOTHING, NOTHING
    return fixed(solved.drop.points, 2), fixed(solved.drop.bound_points, 2)


def _row(point: FrontierPoint, frontier: Frontier) -> tuple[str, ...]:
    solved = point.solved
    mark = " (chosen)" if point.name == frontier.chosen else ""
    return (
        f"{point.name}{mark}",
        fixed(point.predicted_ms / frontier.table.base_ms, 2),
        *_solved_cells(solved),
        significant(solved.damage, 2) if solved else NOTHING,
        _put_together_cell(point, frontier),
        *_drop_cells(solved),
        fixed(point.plan.slim.parameters),
    )


def _put_together_cell(point: FrontierPoint, frontier: Frontier) -> str:
    """Return the damage of blocks put together, and of how many texts where others have more."""
    damage = significant(point.damage, 2)
    few = point.texts < frontier.most_texts
    return f"{damage} on {counted(point.texts, 'text', 'texts')}" if few else damage


def _chosen_sections(frontier: Frontier) -> Iterator[Section]:
    chosen = frontier.point(frontier.chosen)
    if chosen is None:
        return
    picture = Picture("chosen-layers", partial(layers_drawing, chosen.plan))
    yield Section(f"The chosen point, {chosen.name}", (plan_table(chosen.plan),), (picture,))


def _times_section(table: LatencyTable) -> Section:
    rows = [
        (
            "attention" if row.block == "attention" else "FFN",
            row.kind,
            fixed(row.size) if row.size else NOTHING,
            significant(row.ms),
            significant(row.top_ms),
        )
        for row in table.levels
    ]
    fixed_ms, rest_ms = significant(table.fixed_ms), significant(table.rest_ms)
    words = (
        f"A model takes {fixed_ms} ms, {rest_ms} ms a layer, and what its blocks take. Beside "
        f"{len(table.checks)} whole models that was {table.mean_error:.1%} off on average and "
        f"{table.largest_error:.1%} at most, each by a line through the others."
    )
    headers = ("block", "level", "heads or neurons", "ms", "ms on top")
    levels = Table("llrrr", headers, tuple(rows))
    return Section("What the blocks take", (wrapped(words), levels), folded=True)


def _notes_section(frontier: Frontier) -> Iterator[Section]:
    if frontier.notes:
        notes = "\n".join(f"- {escape(note)}" for note in frontier.notes)
        yield Section("Notes on the search", (notes,))
