"""The result of `bertslim analyze` in tables and sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from bertslim.records import (
    Analysis,
    Block,
    Cka,
    CkaMatrix,
    Effect,
    ProbePoint,
    Probes,
    Recommendation,
    Sensitivity,
)
from bertslim.records.sources import last_component
from bertslim.records.units import SHARE, unit_named
from bertslim.report.analysis_words import BLOCKS, KINDS, Names, roles_of, two_digits
from bertslim.report.escape import escape
from bertslim.report.measurement_text import between, kind_of
from bertslim.report.numbers import quantity, significant
from bertslim.report.plots.heat_map import heat_map
from bertslim.report.plots.probe_curves import probe_curves
from bertslim.report.plots.sensitivity_bars import sensitivity_bars
from bertslim.report.section import Content, Picture, Section, markdown_of
from bertslim.report.tables import NOTHING, Table, wrapped
from bertslim.wording import capital, counted, listed

_MOST_COLUMNS = 12


def analysis_text(analysis: Analysis) -> str:
    """Write the whole report as Markdown."""
    return markdown_of([Section(title_of(analysis), (), level=1), *analysis_sections(analysis)])


def title_of(analysis: Analysis) -> str:
    """Name the models, as plain text."""
    names = [last_component(model.source) for model in (analysis.base, analysis.slim) if model]
    return f"{' and '.join(names)}, layer by layer"


def analysis_sections(analysis: Analysis) -> tuple[Section, ...]:
    """Return all sections below the title."""
    return (
        *_cka_sections(analysis.cka, roles_of(analysis)),
        *_probe_sections(analysis.probes, roles_of(analysis)),
        _sensitivity_section(analysis.sensitivity),
        _recommendation_section(analysis.recommendation),
        *_notes_section(analysis),
    )


def _cka_sections(cka: Cka, names: Names) -> Iterator[Section]:
    note = (
        f"Linear CKA, unbiased, of {counted(cka.tokens, 'token', 'tokens')} in "
        f"{cka.batches:,} batches of {cka.batch_size}, after each block."
    )
    yield Section("Similarity of the layers", (wrapped(note),))
    for matrix in cka.matrices:
        body: list[Content] = [cka_table(matrix)]
        if matrix.clusters:
            clusters = [f"{cluster.name} ({cluster.within:.2f})" for cluster in matrix.clusters]
            body.append(f"Clusters, and CKA within: {listed(clusters)}.")
        picture = Picture(_file_name(matrix), partial(heat_map, matrix, names))
        yield Section(_matrix_name(matrix, names), tuple(body), (picture,), level=3)


def _file_name(matrix: CkaMatrix) -> str:
    sides = dict.fromkeys((matrix.rows, matrix.columns))
    return f"cka-{'-'.join(sides)}-{matrix.block}"


def _matrix_name(matrix: CkaMatrix, names: Names) -> str:
    block = f"after {BLOCKS[matrix.block]}"
    if matrix.rows == matrix.columns:
        return f"Within the {names[matrix.rows]}, {block}"
    rows, columns = names[matrix.rows], names[matrix.columns]
    return f"Between the two, {block}: a row a layer of the {rows}, a column one of the {columns}"


def cka_table(matrix: CkaMatrix) -> Table:
    """A row and a column a layer; of wide models every other column, as many as can be read."""
    width = len(matrix.values[0])
    step = -(-width // _MOST_COLUMNS)
    columns = range(0, width, step)
    rows = [
        (str(number), *(two_digits(row[column]) for column in columns))
        for number, row in enumerate(matrix.values)
    ]
    return Table("r" * (len(columns) + 1), ("layer", *map(str, columns)), tuple(rows))


def _probe_sections(probes: Probes | None, names: Names) -> Iterator[Section]:
    if probes is None:
        return
    note = (
        f"{capital(probes.metric)} of linear probes, fitted to "
        f"{counted(probes.fitted, probes.unit[:-1], probes.unit)} and scored on {probes.scored:,} "
        f"others, with 95 % intervals; in brackets that of a probe for random labels. Naming the "
        f"most frequent class always has {_share(probes.chance)}."
    )
    yield Section("Linear probes", (wrapped(note),))
    for block in BLOCKS:
        picture = Picture(f"probes-{block}", partial(probe_curves, probes, block, names))
        table = probe_table(probes, block, names)
        yield Section(f"After {BLOCKS[block]}", (table,), (picture,), level=3)


def probe_table(probes: Probes, block: Block, names: Names) -> Table:
    """A row a layer; a column a model."""
    points = [point for point in probes.points if point.site.block == block]
    roles = list(dict.fromkeys(point.model for point in points))
    by_site = {(point.model, point.site.layer): point for point in points}
    rows = [
        (str(layer), *(_probe(by_site.get((role, layer))) for role in roles))
        for layer in sorted({point.site.layer for point in points})
    ]
    headers = ("layer", *(names[role] for role in roles))
    return Table("r" * len(headers), headers, tuple(rows))


def _probe(point: ProbePoint | None) -> str:
    if point is None:
        return NOTHING
    interval = between(_share(point.low), _share(point.high))
    return f"{_share(point.score)} ({interval}) [{_share(point.control)}]"


def _share(value: float) -> str:
    return quantity(value, SHARE.notation(value))


def _sensitivity_section(sensitivity: Sensitivity) -> Section:
    note = (
        f"What answers to {counted(sensitivity.rows, 'text', 'texts')} lose with one block "
        f"altered: {sensitivity.measure}, with its 95 % interval."
    )
    body: list[Content] = [wrapped(note), sensitivity_table(sensitivity, _damage)]
    if sensitivity.metric is not None:
        name = capital(kind_of(f"accuracy.{sensitivity.metric}"))
        whole = _score(sensitivity.score, sensitivity.unit)
        body += [
            f"{name}, which is {whole} as it is:",
            sensitivity_table(sensitivity, lambda effect: _score(effect.score, sensitivity.unit)),
        ]
    picture = Picture("sensitivity", partial(sensitivity_bars, sensitivity))
    return Section("Sensitivity of the blocks", tuple(body), (picture,))


def sensitivity_table(sensitivity: Sensitivity, cell: Callable[[Effect], str]) -> Table:
    """A row a layer; a column a kind of alteration."""
    cells = {(effect.layer, effect.kind): cell(effect) for effect in sensitivity.effects}
    layers = sorted({effect.layer for effect in sensitivity.effects})
    rows = [
        (str(layer), *(cells.get((layer, kind), NOTHING) for kind in KINDS)) for layer in layers
    ]
    return Table("rrrr", ("layer", *KINDS.values()), tuple(rows))


def _damage(effect: Effect) -> str:
    shown = significant(effect.damage, 2)
    if effect.low is None or effect.high is None:
        return shown
    return f"{shown} ({significant(effect.low, 2)} to {significant(effect.high, 2)})"


def _score(value: float | None, unit: str | None) -> str:
    if value is None or unit is None:
        return NOTHING
    return quantity(value, unit_named(unit).notation(value))


def _recommendation_section(recommendation: Recommendation) -> Section:
    return Section(
        "Recommendation", ("\n".join(f"- {reason}." for reason in recommendation.reasons),)
    )


def _notes_section(analysis: Analysis) -> Iterator[Section]:
    if analysis.notes:
        notes = "\n".join(f"- {escape(note)}" for note in analysis.notes)
        yield Section("Notes on the analysis", (notes,))
