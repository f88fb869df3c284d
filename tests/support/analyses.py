"""An analysis made up for tests of reports."""

from __future__ import annotations

from bertslim.records import (
    Analysis,
    Block,
    Cka,
    CkaMatrix,
    Cluster,
    DataRecord,
    Effect,
    Environment,
    ModelRecord,
    ProbePoint,
    Probes,
    Recommendation,
    Role,
    Sensitivity,
    Site,
)

LAYERS = 4
BLOCKS: tuple[Block, ...] = ("attention", "ffn")


def analysis(
    base: ModelRecord, slim: ModelRecord | None, data: DataRecord, machine: Environment
) -> Analysis:
    """Make an analysis of one model, or of two."""
    roles: tuple[Role, ...] = ("base",) if slim is None else ("base", "slim")
    pairs = [(rows, columns) for rows in roles for columns in roles if rows <= columns]
    matrices = tuple(
        CkaMatrix(rows=rows, columns=columns, block=block, values=_values(), clusters=clusters)
        for rows, columns in pairs
        for block in BLOCKS
        for clusters in [_clusters() if rows == columns else ()]
    )
    points = tuple(
        ProbePoint(model=role, site=Site(layer=layer, block=block), score=0.6 + layer / 20,
                   low=0.58 + layer / 20, high=0.62 + layer / 20, control=0.5, ridge=0.1)
        for role in roles
        for block in BLOCKS
        for layer in range(LAYERS)
    )  # fmt: skip
    effects = tuple(
        Effect(layer=layer, kind=kind, damage=damage / (layer + 1), low=damage / (layer + 2),
               high=damage, score=0.7, parameters=9, macs=9)
        for kind, damage in (("drop_ffn", 0.1), ("halve_ffn", 0.02), ("drop_attention", 0.3))
        for layer in range(LAYERS)
    )  # fmt: skip
    return Analysis(
        bertslim="0.2.0",
        created="2026-05-04T12:34:56+00:00",
        seed=0,
        base=base,
        slim=slim,
        data=data,
        environment=machine,
        cka=Cka(matrices=matrices, tokens=6400, batch_size=64, batches=100),
        probes=Probes(unit="texts", metric="accuracy", fitted=800, scored=200, chance=0.5,
                      points=points),
        sensitivity=Sensitivity(measure="KL in nats", metric="accuracy", unit="share", score=0.71,
                                rows=500, length=128, effects=effects),
        recommendation=Recommendation(
            reasons=("The FFN block of layer 3 can go",), recipe={"version": 1}
        ),
        notes=("a note",),
    )  # fmt: skip


def _values() -> tuple[tuple[float | None, ...], ...]:
    return tuple(
        tuple(None if row == column == 0 else 1 - abs(row - column) / 5 for column in range(LAYERS))
        for row in range(LAYERS)
    )


def _clusters() -> tuple[Cluster, ...]:
    return (
        Cluster(name="layers 0-2", first=0, last=2, within=0.9),
        Cluster(name="layer 3", first=3, last=3, within=1.0),
    )
