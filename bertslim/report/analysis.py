"""What `bertslim analyze` found out, in tables and sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
from bertslim.report.figures import between, kind_of
from bertslim.report.numbers import quantity, significant
from bertslim.report.part import Part, Picture
from bertslim.report.plots.heat_map import heat_map
from bertslim.report.plots.probe_curves import probe_curves
from bertslim.report.plots.sensitivity_bars import sensitivity_bars
from bertslim.report.svg import IN_PAGE, Palette
from bertslim.report.tables import NOTHING, Table, wrapped
from bertslim.wording import counted, listed

_MOST_COLUMNS = 12


def analysis_text(analysis: Analysis) -> str:
    """Write all that a reader needs to know, as Markdown."""
    parts = (f"# {escape(title_of(analysis))}", *(one.text for one in analysis_parts(analysis)))
    return "\n\n".join(parts) + "\n"


def title_of(analysis: Analysis) -> str:
    """Name what was looked at, as plain text."""
    names = [last_component(one.source) for one in (analysis.base, analysis.slim) if one]
    return f"{' and '.join(names)}, layer by layer"


def analysis_parts(analysis: Analysis, colours: Palette = IN_PAGE) -> tuple[Part, ...]:
    """Return all parts but the title."""
    return (
        *_cka_parts(analysis.cka, roles_of(analysis), colours),
        *_probe_parts(analysis.probes, roles_of(analysis), colours),
        _sensitivity_part(analysis.sensitivity, colours),
        _recommendation_part(analysis.recommendation),
        *_notes(analysis),
    )


def _cka_parts(cka: Cka, names: Names, colours: Palette) -> Iterator[Part]:
    told = (
        f"Linear CKA, unbiased, of {counted(cka.tokens, 'token', 'tokens')} in "
        f"{cka.batches:,} batches of {cka.batch_size}, behind each block."
    )
    yield Part(f"## How alike the layers are\n\n{wrapped(told)}")
    for matrix in cka.matrices:
        picture = Picture(_file_name(matrix), heat_map(matrix, names, colours))
        parts = [f"### {_matrix_name(matrix, names)}", cka_table(matrix).markdown()]
        if matrix.clusters:
            shown = [f"{one.name} ({one.within:.2f})" for one in matrix.clusters]
            parts.append(f"Clusters, and CKA within: {listed(shown)}.")
        yield Part("\n\n".join(parts), (picture,))


def _file_name(matrix: CkaMatrix) -> str:
    sides = dict.fromkeys((matrix.rows, matrix.columns))
    return f"cka-{'-'.join(sides)}-{matrix.block}"


def _matrix_name(matrix: CkaMatrix, names: Names) -> str:
    block = f"behind {BLOCKS[matrix.block]}"
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


def _probe_parts(probes: Probes | None, names: Names, colours: Palette) -> Iterator[Part]:
    if probes is None:
        return
    told = (
        f"{_capital(probes.metric)} of linear probes, fitted to "
        f"{counted(probes.fitted, probes.unit[:-1], probes.unit)} and scored on {probes.scored:,} "
        f"others, with 95 % intervals; in brackets that of a probe for random labels. Naming the "
        f"most frequent class always has {_share(probes.chance)}."
    )
    yield Part(f"## What can be read from the layers\n\n{wrapped(told)}")
    for block in BLOCKS:
        picture = Picture(f"probes-{block}", probe_curves(probes, block, names, colours))
        table = probe_table(probes, block, names).markdown()
        yield Part(f"### Behind {BLOCKS[block]}\n\n{table}", (picture,))


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def probe_table(probes: Probes, block: Block, names: Names) -> Table:
    """A row a layer; a column a model."""
    own = [one for one in probes.points if one.site.block == block]
    roles = list(dict.fromkeys(one.model for one in own))
    found = {(one.model, one.site.layer): one for one in own}
    rows = [
        (str(layer), *(_probe(found.get((role, layer))) for role in roles))
        for layer in sorted({one.site.layer for one in own})
    ]
    headers = ("layer", *(names[role] for role in roles))
    return Table("r" * len(headers), headers, tuple(rows))


def _probe(point: ProbePoint | None) -> str:
    if point is None:
        return NOTHING
    sure = between(_share(point.low), _share(point.high))
    return f"{_share(point.score)} ({sure}) [{_share(point.control)}]"


def _share(value: float) -> str:
    return quantity(value, SHARE.notation(value))


def _sensitivity_part(sensitivity: Sensitivity, colours: Palette) -> Part:
    told = (
        f"What answers to {counted(sensitivity.rows, 'text', 'texts')} lose with one block "
        f"altered: {sensitivity.measure}, with its 95 % interval."
    )
    parts = [
        f"## What each block is worth\n\n{wrapped(told)}",
        sensitivity_table(sensitivity, _damage).markdown(),
    ]
    if sensitivity.metric is not None:
        kind = kind_of(f"accuracy.{sensitivity.metric}")
        whole = _score(sensitivity.score, sensitivity.unit)
        scores = sensitivity_table(sensitivity, lambda one: _score(one.score, sensitivity.unit))
        parts += [f"{_capital(kind)}, which is {whole} as it is:", scores.markdown()]
    picture = Picture("sensitivity", sensitivity_bars(sensitivity, colours))
    return Part("\n\n".join(parts), (picture,))


def sensitivity_table(sensitivity: Sensitivity, told: Callable[[Effect], str]) -> Table:
    """A row a layer; a column a kind of alteration."""
    found = {(one.layer, one.kind): told(one) for one in sensitivity.effects}
    layers = sorted({one.layer for one in sensitivity.effects})
    rows = [
        (str(layer), *(found.get((layer, kind), NOTHING) for kind in KINDS)) for layer in layers
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


def _recommendation_part(recommendation: Recommendation) -> Part:
    lines = "\n".join(f"- {reason}." for reason in recommendation.reasons)
    return Part(f"## What to do\n\n{lines}")


def _notes(analysis: Analysis) -> Iterator[Part]:
    if analysis.notes:
        yield Part(
            "## Notes on the analysis\n\n"
            + "\n".join(f"- {escape(note)}" for note in analysis.notes)
        )
