"""Tiny models that transformers alone runs, to hold the scores that bertslim records to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from bertslim.data.data_options import DataOptions
from bertslim.data.load import load_held_out
from bertslim.measure.evaluation import evaluate
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.head_facts import describe_head
from bertslim.model.tokenizer import load_tokenizer
from bertslim.progress import Progress

WORDS = ["good", "bad", "film", "ada", "bob", "cab", "dab", "fig", "gum", "hut", "ink"]
ROWS = 24
TEXTS = [" ".join(WORDS[(n * step + n) % 11] for step in range(1, 2 + n % 5)) for n in range(ROWS)]
TEXTS = [f'{text}, "{WORDS[n % 7]}"' if n % 4 == 0 else text for n, text in enumerate(TEXTS)]


class Reference:
    """A tiny model of one kind, run by transformers alone."""

    def __init__(self, directory: Path, model_class: Any) -> None:
        self.directory = directory
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        self.model = model_class.from_pretrained(directory).eval()

    def __call__(self, *texts: str, **options: Any) -> tuple[Any, Any]:
        """Return the tokens of a text or pair, and what the model makes of them."""
        encoded = self.tokenizer(*texts, return_tensors="pt", **options)
        inputs = {name: encoded[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
        with torch.no_grad():
            return encoded, self.model(**inputs)

    def recorded(self, path: Path, **options: Any) -> dict[str, float]:
        """Return the scores of the base as bertslim records them."""
        base = load_checkpoint(self.directory)
        head = describe_head(self.directory, base.config, base.facts)
        quiet = Progress(visible=False)
        splits = load_held_out(DataOptions(str(path), **options), head, quiet)
        tokenizer = load_tokenizer(self.directory)
        found = evaluate(base, base.model, splits, tokenizer, seed=0, progress=quiet)
        scores = {
            m.name: m.base or 0.0 for m in found.measurements if m.name.startswith("accuracy")
        }
        assert all(-1 < score < 1 and score != 0 for score in scores.values()), "they must tell"
        return scores


class ReferenceModels:
    """Makes the tiny model of a head once for all forms of data.

    A random model nearly always chooses the same class; one with centred logits does not.

    Args:
        make_checkpoint: Saves a tiny model.
        folder: Where centred ones go.
    """

    def __init__(self, make_checkpoint: Callable[..., Path], folder: Path) -> None:
        self._make_checkpoint, self._folder = make_checkpoint, folder
        self._made: dict[str, Reference] = {}

    def __call__(self, head: str, names: Sequence[str] = (), **changes: Any) -> Reference:
        """Return the model of a head, with these names of its classes if it has any."""
        key = f"{head} {names}"
        if key not in self._made:
            model = self._make(head, names, changes)
            self._made[key] = self._centred(model, len(names)) if names else model
        return self._made[key]

    def _make(self, head: str, names: Sequence[str], changes: dict[str, Any]) -> Reference:
        if names:
            changes |= {
                "num_labels": len(names),
                "id2label": dict(enumerate(names)),
                "label2id": {name: number for number, name in enumerate(names)},
            }
        directory = self._make_checkpoint("bert", head, tokenizer=True, **changes)
        name = f"AutoModelFor{head}" if head else "AutoModel"
        return Reference(directory, getattr(transformers, name))

    def _centred(self, model: Reference, classes: int) -> Reference:
        found = [model(text)[1].logits.reshape(-1, classes) for text in TEXTS]
        spread, mean = torch.std_mean(torch.cat(found), dim=0)
        with torch.no_grad():
            model.model.classifier.bias.sub_(mean).div_(spread)
            model.model.classifier.weight.div_(spread[:, None])
        copy = self._folder / str(len(self._made))
        model.directory = Path(shutil.copytree(model.directory, copy))
        model.model.save_pretrained(copy)
        return model
