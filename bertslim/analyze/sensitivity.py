"""What each block of a model is worth: what its answers lose with that block alone altered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from bertslim.data.metrics import Score
from bertslim.data.outputs import model_inputs, on_cpu, pieces
from bertslim.data.task import Batch, Rows
from bertslim.measure.bootstrap import mean_interval
from bertslim.measure.predictions import GatheredAnswers, average_by_row, compare_outputs
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.recipe.sizes import layer_macs, layer_parameters
from bertslim.records import AlterationKind, Effect, LayerFacts, ModelFacts, Sensitivity
from bertslim.surgery.altered_outputs import Alteration, altered_outputs, possible_alterations
from bertslim.surgery.block_damage import damage_of
from bertslim.surgery.finite import require_finite

KINDS: tuple[AlterationKind, ...] = ("drop_ffn", "halve_ffn", "drop_attention")
_KL, _COSINE = "kl", "cosine"
_MEASURES = {_KL: "KL in nats", _COSINE: "1 - cosine", "base_outputs": "1 - correlation"}


def measure_sensitivity(
    checkpoint: Checkpoint,
    rows: Rows,
    batches: Sequence[Batch],
    progress: Progress,
    *,
    length: int,
    seed: int,
) -> Sensitivity:
    """Alter every block alone and compare with the model as it is; layers below are not run again.

    Args:
        checkpoint: The model, in eval mode; left as it is.
        rows: Texts, with labels where there are any.
        batches: The same as the model takes them.
        progress: Where to show how far it is.
        length: Tokens at which multiply-accumulates are counted.
        seed: Settles the bootstrap.

    Raises:
        ModelError: The outputs are not finite.
    """
    scan = _Scan(checkpoint, rows)
    for batch in progress.track(batches, "altering the blocks", total=len(batches), unit="batch"):
        for piece in pieces(batch, checkpoint.facts):
            scan.run(piece)
    whole = scan.score(None)
    return Sensitivity(
        measure=scan.measure,
        metric=whole and whole.name,
        unit=whole and whole.metric.unit.name,
        score=whole and whole.value,
        rows=len(rows),
        length=length,
        effects=tuple(scan.effect(alteration, length, seed) for alteration in scan.alterations),
    )


class _Scan:
    """Runs a model with each alteration, and gathers what it answers.

    Args:
        checkpoint: The model.
        rows: What it is run on.
    """

    def __init__(self, checkpoint: Checkpoint, rows: Rows) -> None:
        self.alterations = possible_alterations(checkpoint.facts, KINDS)
        self._checkpoint = checkpoint
        self._rows = rows
        task = rows.task if rows.scorable else None
        self._answers = {
            alteration: GatheredAnswers(task) for alteration in (None, *self.alterations)
        }
        self._compared: dict[Alteration, dict[str, list[Tensor]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self._order: list[int] = []

    @torch.inference_mode()
    def run(self, batch: Batch) -> None:
        """Run sequences through the model as it is, and altered."""
        model, facts = self._checkpoint.model, self._checkpoint.facts
        inputs = model_inputs(batch.to(model.device), facts.head)
        outputs = altered_outputs(model, inputs, self.alterations)
        self._order.extend(batch.rows)
        whole = None
        for alteration, outputs_there in outputs:
            outputs_altered = on_cpu(outputs_there)
            self._answers[alteration].read(outputs_altered, batch)
            if alteration is None:
                whole = outputs_altered
                continue
            compared = compare_outputs(self._checkpoint, whole, outputs_altered, batch)
            for name, values in compared.items():
                self._compared[alteration][name].append(values)

    @property
    def measure(self) -> str:
        """What damage is, in words."""
        names = (name for compared in self._compared.values() for name in compared)
        return _MEASURES[next(names, _KL)]

    def score(self, alteration: Alteration | None) -> Score | None:
        """Return the main metric of the model altered, or with None as it is."""
        answers = self._answers[alteration].by_row(self._order)
        if answers is None:
            return None
        score = self._rows.task.score(self._rows.table, answers)[0]
        return score if score.defined else None

    def effect(self, alteration: Alteration, length: int, seed: int) -> Effect:
        """Sum up what an alteration does."""
        figures = {name: torch.cat(values) for name, values in self._compared[alteration].items()}
        damage = require_finite(damage_of(figures), alteration.layer, self._checkpoint.model)
        low, high = self._ends(figures, seed)
        score = self.score(alteration)
        parameters, macs = _savings(self._checkpoint.facts, alteration, length)
        return Effect(
            layer=alteration.layer,
            kind=alteration.kind,
            damage=float(damage),
            low=low,
            high=high,
            score=score and score.value,
            parameters=parameters,
            macs=macs,
        )

    def _ends(self, figures: dict[str, Tensor], seed: int) -> tuple[float | None, float | None]:
        """Return the ends of the interval of the damage over the rows; a correlation has none."""
        if _KL in figures:
            values = figures[_KL]
        elif _COSINE in figures:
            values = 1 - figures[_COSINE]
        else:
            return None, None
        interval = mean_interval(average_by_row(values.numpy(), self._order), seed=seed)
        return interval.low, interval.high


def _savings(facts: ModelFacts, alteration: Alteration, length: int) -> tuple[int, int]:
    """Return the parameters and the multiply-accumulates that the altered layer does without."""
    before = facts.layers[alteration.layer]
    after = _altered(before, alteration.kind)
    parameters = layer_parameters(facts, before) - layer_parameters(facts, after)
    return parameters, layer_macs(facts, before, length) - layer_macs(facts, after, length)


def _altered(layer: LayerFacts, kind: AlterationKind) -> LayerFacts:
    if kind == "drop_attention":
        return layer.model_copy(update={"heads": 0})
    if kind == "drop_ffn":
        return layer.model_copy(update={"intermediate_size": 0, "linear_rank": 0})
    return layer.model_copy(update={"intermediate_size": layer.intermediate_size // 2})
