"""How much each FFN block matters: what a model's answers lose without it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bertslim.data.outputs import model_inputs, pieces
from bertslim.data.pooling import Pooling
from bertslim.data.task import Batch
from bertslim.measure.predictions import compare_outputs
from bertslim.model.families import FAMILIES
from bertslim.progress import Progress
from bertslim.records import ModelFacts
from bertslim.surgery.altered_outputs import altered_outputs, possible_alterations
from bertslim.surgery.finite import require_finite


@torch.inference_mode()
def block_damage(
    model: PreTrainedModel,
    batches: Sequence[Batch],
    facts: ModelFacts,
    progress: Progress,
    *,
    pooling: Pooling | None = None,
) -> list[float]:
    """Measure what the base loses without each of its FFN blocks, one at a time.

    The layers below the missing block are not run again.

    Args:
        model: The base, in eval mode; left as it is.
        batches: Texts.
        facts: Its shape.
        progress: Where to show how far it is.
        pooling: How a bare encoder's hidden states become an embedding; None: by their mean.

    Returns:
        A figure a layer, averaged over the texts: KL(base || base without the block) in nats; for
        bare encoders 1 - the cosine of their embeddings, for regressors 1 - Pearson's r. Infinity
        for a layer that has no FFN block to lose.

    Raises:
        ModelError: The outputs are not finite.
    """
    family = FAMILIES[facts.model_type]
    alterations = possible_alterations(facts, ["drop_ffn"])
    found: dict[int, dict[str, list[Tensor]]] = defaultdict(lambda: defaultdict(list))
    shown = progress.track(batches, "weighing the layers", total=len(batches), unit="batch")
    for piece in (piece for batch in shown for piece in pieces(batch, facts)):
        outputs = altered_outputs(model, family, model_inputs(piece, facts.head), alterations)
        _, whole = next(outputs)
        for one, cut in outputs:
            assert one is not None  # noqa: S101
            compared = compare_outputs(model, whole, cut, piece, facts, pooling or Pooling())
            for name, values in compared.items():
                found[one.layer][name].append(values)
    damages = [math.inf] * len(facts.layers)
    for number, parts in found.items():
        lost = damage_of({name: torch.cat(values) for name, values in parts.items()})
        damages[number] = float(require_finite(lost, number, model))
    return damages


def damage_of(compared: Mapping[str, Tensor]) -> Tensor:
    """Turn fields of a `Comparison` into one number, larger for a worse likeness."""
    if "kl" in compared:
        return compared["kl"].mean()
    if "cosine" in compared:
        return 1 - compared["cosine"].mean()
    outputs = torch.stack([compared["base_outputs"].ravel(), compared["slim_outputs"].ravel()])
    centred = outputs - outputs.mean(dim=1, keepdim=True)
    return 1 - torch.nn.functional.cosine_similarity(centred[0], centred[1], dim=0)
