"""How much each FFN block matters: what a model's answers lose without it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bertslim.data.outputs import model_inputs, on_cpu, pieces
from bertslim.data.task import Batch
from bertslim.measure.predictions import compare_outputs
from bertslim.model.checkpoint import Checkpoint
from bertslim.progress import Progress
from bertslim.surgery.altered_outputs import altered_outputs, possible_alterations
from bertslim.surgery.finite import require_finite


@torch.inference_mode()
def block_damage(
    checkpoint: Checkpoint, batches: Sequence[Batch], progress: Progress
) -> list[float]:
    """Measure what the base loses without each of its FFN blocks, one at a time.

    The layers below the missing block are not run again.

    Args:
        checkpoint: The base, in eval mode; left as it is.
        batches: Texts.
        progress: Where to show how far it is.

    Returns:
        A figure a layer, averaged over the texts: KL(base || base without the block) in nats; for
        bare encoders 1 - the cosine of their embeddings, for regressors 1 - Pearson's r. Infinity
        for a layer that has no FFN block to lose.

    Raises:
        ModelError: The outputs are not finite.
    """
    model, facts = checkpoint.model, checkpoint.facts
    alterations = possible_alterations(facts, ["drop_ffn"])
    compared: dict[int, dict[str, list[Tensor]]] = defaultdict(lambda: defaultdict(list))
    shown = progress.track(batches, "weighing the layers", total=len(batches), unit="batch")
    for piece in (piece for batch in shown for piece in pieces(batch, facts)):
        inputs = model_inputs(piece.to(model.device), facts.head)
        outputs = altered_outputs(model, inputs, alterations)
        whole = on_cpu(next(outputs)[1])
        for alteration, cut in outputs:
            assert alteration is not None  # noqa: S101
            for name, values in compare_outputs(checkpoint, whole, on_cpu(cut), piece).items():
                compared[alteration.layer][name].append(values)
    damages = [math.inf] * len(facts.layers)
    for number, parts in compared.items():
        damage = damage_of({name: torch.cat(values) for name, values in parts.items()})
        damages[number] = float(require_finite(damage, number, model))
    return damages


def damage_of(compared: Mapping[str, Tensor]) -> Tensor:
    """Turn fields of a `PredictionComparison` into one number, larger for a worse likeness."""
    if "kl" in compared:
        return compared["kl"].mean()
    if "cosine" in compared:
        return 1 - compared["cosine"].mean()
    outputs = torch.stack([compared["base_outputs"].ravel(), compared["slim_outputs"].ravel()])
    centred = outputs - outputs.mean(dim=1, keepdim=True)
    return 1 - torch.nn.functional.cosine_similarity(centred[0], centred[1], dim=0)
