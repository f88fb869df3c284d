"""What the closed-form repair is compared with: Torch-Pruning, and whole layers dropped.

Torch-Pruning (https://github.com/VainF/Torch-Pruning) narrows the same FFN blocks to the same
width, choosing neurons by its own importances, and repairs nothing.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
import torch_pruning
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

import bertslim
from bertslim.data.splits import Splits
from bertslim.data.task import Batch
from bertslim.measure.evaluation import evaluate
from bertslim.model.checkpoint import Checkpoint, load_model
from bertslim.model.layer import model_layers
from bertslim.progress import Progress
from bertslim.records import Measurement

Importance = Literal["magnitude", "taylor"]
IMPORTANCES = {
    "magnitude": torch_pruning.importance.GroupMagnitudeImportance(),
    "taylor": torch_pruning.importance.GroupTaylorImportance(),
}

TOP_LAYERS = """\
version: 1
name: top_layers
surgery:
  - op: drop_layer
    layers: last {count}
"""


def torch_pruned(
    model_dir: Path,
    layers: Collection[int],
    width: int,
    importance: Importance,
    calibration_batches: Sequence[Batch],
    seed: int,
) -> PreTrainedModel:
    """Narrow the FFN blocks of some layers with Torch-Pruning, and touch nothing else.

    Args:
        model_dir: A model with a head that classifies texts or tokens or answers questions.
        layers: Numbers of the layers, from 0.
        width: Neurons that each of these blocks keeps.
        importance: Torch-Pruning's group magnitude, or its first-order Taylor expansion of the
            loss (Molchanov et al. 2019).
        calibration_batches: Texts; their labels are not looked at. The first one traces the model.
        seed: Settles the labels that Taylor draws.

    Returns:
        The stock class in eval mode with narrower blocks than its configuration says: good for
        running, not for saving.
    """
    model = load_model(model_dir)
    model.float()
    stack = model_layers(model)
    if importance == "taylor":
        accumulate_gradients(model, calibration_batches, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it does not follow the embeddings
        graph = torch_pruning.DependencyGraph().build_dependency(
            model, example_inputs=calibration_batches[0].inputs
        )
    for number in layers:
        block = stack[number].ffn.input
        neurons = list(range(block.out_features))
        whole = graph.get_pruning_group(block, torch_pruning.prune_linear_out_channels, neurons)
        worst = IMPORTANCES[importance](whole).topk(len(neurons) - width, largest=False).indices
        graph.get_pruning_group(
            block, torch_pruning.prune_linear_out_channels, worst.tolist()
        ).prune()
    model.zero_grad(set_to_none=True)
    return model


def accumulate_gradients(model: PreTrainedModel, batches: Sequence[Batch], seed: int) -> None:
    """Add up the gradient of the loss, with labels drawn from the model's own predictions.

    The labels are drawn, not the most likely ones: at those a confident model has no gradient.
    """
    draw = torch.Generator().manual_seed(seed)
    for batch in batches:
        logits = decisions(model(**batch.inputs), batch.inputs["attention_mask"].bool())
        labels = torch.multinomial(logits.detach().softmax(dim=-1), 1, generator=draw).squeeze(1)
        loss = nn.functional.cross_entropy(logits, labels, reduction="sum")
        loss.backward()  # type: ignore[no-untyped-call]


def decisions(outputs: Any, mask: Tensor) -> Tensor:
    """Return what a head says as logits (decisions, classes): of texts, of tokens, or of answers.

    Args:
        outputs: Of a model with a head for text or token classification or question answering.
        mask: (sequences, length): the tokens that are no padding.
    """
    if hasattr(outputs, "start_logits"):
        ends = torch.cat([outputs.start_logits, outputs.end_logits])
        return ends.masked_fill(~torch.cat([mask, mask]), torch.finfo(ends.dtype).min)
    logits: Tensor = outputs.logits
    return logits[mask] if logits.ndim == 3 else logits


def without_top_layers(model_dir: Path, count: int, output: Path) -> Path:
    """Drop the top layers, as a user of bertslim would, and return where the result is.

    Args:
        model_dir: The base.
        count: How many layers go.
        output: The directory to write; it loads with `bertslim.load`, and can be timed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        recipe = Path(scratch) / "top_layers.yaml"
        recipe.write_text(TOP_LAYERS.format(count=count), encoding="utf-8")
        options = bertslim.CutOptions(
            model=str(model_dir), recipe=str(recipe), output=output, measure=None
        )
        return bertslim.cut(options).directory


def measured(
    base: Checkpoint,
    model: PreTrainedModel,
    splits: Splits,
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: int = 0,
) -> dict[str, Measurement]:
    """Compare a model, wherever it comes from, to its base in float32 on the report split.

    Args:
        base: The base.
        model: What became of it, in memory.
        splits: Labelled rows; those of an evaluation file are the whole report split.
        tokenizer: The base's.
        seed: Settles the bootstrap of the intervals.

    Returns:
        By name: `fidelity.kl`, `fidelity.agreement`, and `accuracy.accuracy` or what else the
        task is scored by, of the base, of the model and of their paired difference.
    """
    slim = replace(base, model=model)
    silent = Progress(visible=False)
    quality = evaluate(base, slim.model, splits, tokenizer, seed=seed, progress=silent)
    return {measurement.name: measurement for measurement in quality.measurements}
