"""Fine-tune the base models that the repair benchmark cuts.

Each goes to a folder of its own, as `model` beside the rows that it has seen (`fit.*`) and others
that it has not (`held.*`): classifiers of SST-2 from a small and a larger encoder, a tagger of
WNUT-17, and a model that answers the questions of XQuAD. A base that is there already is kept.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from datasets import Dataset
from transformers import (
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    PreTrainedModel,
    Trainer,
    TrainingArguments,
)

from benchmarks.tools import environment_line
from bertslim.data.batches import tokenise
from bertslim.data.data_source import load_data, read_source
from bertslim.measure.environment import default_threads
from bertslim.measure.gpu import resolve_devices
from bertslim.model.model_source import find_model
from bertslim.model.tokenizer import load_tokenizer
from bertslim.quiet import quiet_transformers
from bertslim.training.trainer import trains_in_bfloat16

HELD_ROWS = 20_000
MPNET_ROWS = 4_000
XQUAD_SHARE = 0.8


@dataclass(frozen=True)
class Training:
    """How a base is trained.

    Attributes:
        head: What stands on the encoder, as transformers calls it.
        epochs: Passes over the rows.
        learning_rate: Its highest value; it rises for a tenth of the steps, then falls to 0.
        batch_size: Sequences a step.
        max_length: Tokens a sequence.
    """

    head: str
    epochs: float
    learning_rate: float
    batch_size: int
    max_length: int = 128


SST2 = Training("SequenceClassification", epochs=2, learning_rate=1e-4, batch_size=32)
MPNET = Training("SequenceClassification", epochs=1, learning_rate=3e-5, batch_size=32)
WNUT17 = Training("TokenClassification", epochs=4, learning_rate=2e-4, batch_size=16)
MPNET_WNUT17 = Training("TokenClassification", epochs=2, learning_rate=5e-5, batch_size=16)
XQUAD = Training("QuestionAnswering", epochs=10, learning_rate=1e-4, batch_size=16, max_length=384)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    kinds = ("sst2", "wnut17", "xquad", "mpnet", "mpnet-wnut17")
    add("output", type=Path, help="where the bases go, each to a folder of its own")
    add("--bases", nargs="+", choices=kinds, default=kinds, help="default: all")
    add("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of sst2; default: 0 1 2")
    add("--minilm", default="sentence-transformers/all-MiniLM-L6-v2", help="default: %(default)s")
    add("--mpnet", default="sentence-transformers/all-mpnet-base-v2", help="default: %(default)s")
    add("--sst2", default="stanfordnlp/sst2", help="its train set; default: %(default)s")
    add("--wnut17", type=Path, help="wnut17train.conll of github.com/leondz/emerging_entities_17")
    add("--xquad", type=Path, help="xquad.en.json of github.com/google-deepmind/xquad")
    add("--threads", type=int, default=default_threads(), help="default: all cores")
    arguments = parser.parse_args()
    for kind in arguments.bases:
        option = kind.removeprefix("mpnet-")
        if option in ("wnut17", "xquad") and getattr(arguments, option) is None:
            parser.error(f"--{option} FILE is needed; --help says where it is to be had")
    torch.set_num_threads(arguments.threads)
    device = resolve_devices("auto").work
    dtype = "bfloat16" if trains_in_bfloat16(device) else "float32"
    print(f"{environment_line()}; {device}, {arguments.threads} threads, {dtype}", flush=True)
    for name, make in wanted(arguments).items():
        directory = arguments.output / name
        if (directory / "model").is_dir():
            print(f"{name}: kept", flush=True)
            continue
        directory.mkdir(parents=True, exist_ok=True)
        make(directory)


def wanted(arguments: argparse.Namespace) -> dict[str, Callable[[Path], None]]:
    """Return what makes each base that was asked for, by the name of its folder."""
    minilm, mpnet, sst2 = arguments.minilm, arguments.mpnet, arguments.sst2
    every: dict[str, dict[str, Callable[[Path], None]]] = {
        "sst2": {
            f"sst2-s{seed}": partial(make_classifier, minilm, sst2, SST2, seed, None)
            for seed in arguments.seeds
        },
        "wnut17": {"wnut17": partial(make_tagger, minilm, arguments.wnut17, WNUT17)},
        "xquad": {"xquad": partial(make_reader, minilm, arguments.xquad)},
        "mpnet": {"mpnet": partial(make_classifier, mpnet, sst2, MPNET, 0, MPNET_ROWS)},
        "mpnet-wnut17": {
            "mpnet-wnut17": partial(make_tagger, mpnet, arguments.wnut17, MPNET_WNUT17)
        },
    }
    return {name: make for kind in arguments.bases for name, make in every[kind].items()}


def make_classifier(
    encoder: str, data: str, training: Training, seed: int, rows: int | None, directory: Path
) -> None:
    """Train on SST-2 less the rows held out, all of them or the first so many, in drawn order."""
    table = read_source(data).rows
    drawn = np.random.default_rng(seed).permutation(len(table))
    write_tsv(table.select(drawn[:HELD_ROWS]), directory / "held.tsv")
    write_tsv(table.select(drawn[HELD_ROWS:][:rows]), directory / "fit.tsv")
    train(encoder, directory / "fit.tsv", training, seed)


def make_tagger(
    encoder: str, data: Path, training: Training, directory: Path, *, seed: int = 0
) -> None:
    """Train on the train set of WNUT-17, which comes with a test set to hold the tagger to."""
    shutil.copyfile(data, directory / "fit.conll")
    train(encoder, directory / "fit.conll", training, seed)


def make_reader(encoder: str, data: Path, directory: Path, *, seed: int = 0) -> None:
    """Train on most paragraphs of XQuAD: too few to learn the task well, so expect a low F1."""
    squad = json.loads(data.read_text(encoding="utf-8"))
    count = sum(len(article["paragraphs"]) for article in squad["data"])
    drawn = np.random.default_rng(seed).permutation(count).tolist()
    fit = round(XQUAD_SHARE * count)
    for name, numbers in (("fit", drawn[:fit]), ("held", drawn[fit:])):
        text = json.dumps(only_paragraphs(squad, set(numbers)), ensure_ascii=False)
        (directory / f"{name}.json").write_text(text, encoding="utf-8")
    train(encoder, directory / "fit.json", XQUAD, seed)


def only_paragraphs(squad: dict[str, Any], wanted: set[int]) -> dict[str, Any]:
    """Return SQuAD JSON of the paragraphs of these numbers, counted over all articles."""
    articles, number = [], itertools.count()
    for article in squad["data"]:
        paragraphs = [one for one in article["paragraphs"] if next(number) in wanted]
        if paragraphs:
            articles.append({**article, "paragraphs": paragraphs})
    return {**squad, "data": articles}


def write_tsv(table: Dataset, path: Path) -> None:
    """Write texts and labels; the sentences of SST-2 hold neither tabs nor line ends."""
    pairs = zip(table["sentence"][:], table["label"][:], strict=True)
    lines = ["sentence\tlabel", *(f"{sentence}\t{label}" for sentence, label in pairs)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def train(encoder: str, data: Path, training: Training, seed: int) -> None:
    """Train an encoder under a new head, and write it beside the data, whole or not at all."""
    began = time.perf_counter()
    source = find_model(encoder).directory
    found, tokenizer = load_data(str(data)), load_tokenizer(source)
    features = tokenise(found.rows, tokenizer, training.max_length, label=True)
    rows = Dataset.from_list([{**feature.inputs, **feature.targets} for feature in features])
    tagged = training.head == "TokenClassification"
    collator = DataCollatorForTokenClassification if tagged else DataCollatorWithPadding
    transformers.set_seed(seed)
    with tempfile.TemporaryDirectory(dir=data.parent) as scratch, quiet_transformers():
        model = new_model(source, training.head, found.label_names)
        trainer = Trainer(
            model=model,
            args=training_arguments(training, seed, scratch),
            train_dataset=rows,
            data_collator=collator(tokenizer),
        )
        loss = trainer.train().training_loss
        written = Path(scratch) / "model"
        model.save_pretrained(written)
        tokenizer.save_pretrained(written)
        written.rename(data.parent / "model")
    seconds = time.perf_counter() - began
    print(
        f"{data.parent.name}: {len(rows)} sequences, loss {loss:.4f}, {seconds:.0f} s", flush=True
    )


def new_model(source: Path, head: str, labels: tuple[str, ...]) -> PreTrainedModel:
    """Put a head on an encoder, for these classes where it is one that classifies."""
    by_number = dict(enumerate(labels))
    names = {
        "id2label": by_number,
        "label2id": {name: number for number, name in by_number.items()},
    }
    model_class = getattr(transformers, f"AutoModelFor{head}")
    model: PreTrainedModel = model_class.from_pretrained(
        source, dtype=torch.float32, local_files_only=True, **(names if labels else {})
    )
    return model


def training_arguments(training: Training, seed: int, scratch: str) -> TrainingArguments:
    device = resolve_devices("auto").work
    return TrainingArguments(
        output_dir=scratch,
        num_train_epochs=training.epochs,
        learning_rate=training.learning_rate,
        warmup_steps=0.1,
        weight_decay=0.01,
        per_device_train_batch_size=training.batch_size,
        train_sampling_strategy="group_by_length",
        bf16=trains_in_bfloat16(device),
        use_cpu=device == "cpu",
        seed=seed,
        save_strategy="no",
        logging_steps=100,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=device == "cuda",
    )


if __name__ == "__main__":
    main()
