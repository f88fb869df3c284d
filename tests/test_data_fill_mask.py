"""Masked words: which, what the model says of them, and the figures."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset

from bertslim.data.batches import batches
from bertslim.data.fill_mask import FillMask
from bertslim.data.task import Rows
from bertslim.errors import ModelError
from bertslim.model.tokenizer import load_tokenizer

TEXTS = ["good film " * 20, "bad", "a bad film by ada"]


@pytest.fixture
def tokenizer(make_checkpoint) -> Any:
    return load_tokenizer(make_checkpoint("bert", "MaskedLM", tokenizer=True))


def rows_of(*texts: str) -> Rows:
    return Rows(FillMask(), Dataset.from_dict({"text": list(texts)}))


def features(rows: Rows, tokenizer: Any, *, label: bool = True) -> list[Any]:
    return rows.task.features(rows.table, tokenizer, 64, label=label)


def test_15_percent_at_least_one_and_never_a_special_token(tokenizer: Any) -> None:
    plain = features(rows_of(*TEXTS), tokenizer, label=False)
    for masked, whole, words in zip(
        features(rows_of(*TEXTS), tokenizer), plain, (40, 1, 7), strict=True
    ):
        ids, labels = masked.inputs["input_ids"], masked.targets["labels"]
        chosen = [place for place, label in enumerate(labels) if label != -100]
        assert len(chosen) == max(1, round(0.15 * words))
        assert min(chosen) > 0
        assert max(chosen) < len(ids) - 1
        restored = [label if label != -100 else one for one, label in zip(ids, labels, strict=True)]
        assert restored == whole.inputs["input_ids"]
        assert {ids[place] for place in chosen} == {tokenizer.mask_token_id}
        assert masked.inputs.keys() == whole.inputs.keys()
        assert whole.targets == {}


def test_the_text_alone_settles_what_is_masked(tokenizer: Any) -> None:
    first = features(rows_of(*TEXTS), tokenizer)
    again = features(rows_of(*reversed(TEXTS)), tokenizer)
    assert [one.inputs for one in first] == [one.inputs for one in reversed(again)]


def test_figures_are_those_of_a_plain_loop(tokenizer: Any, tiny_model) -> None:
    rows, model = rows_of(*TEXTS), tiny_model("bert", "MaskedLM")
    (batch,) = batches(rows, tokenizer, batch_size=4, max_length=40, label=True)
    with torch.inference_mode():
        outputs = model(**batch.inputs, **batch.targets)
    answers = [
        answer
        for _, answer in sorted(
            zip(batch.rows, rows.task.answers(outputs, batch), strict=True),
            key=lambda pair: pair[0],
        )
    ]
    losses, right = [], []
    for logits, labels in zip(
        outputs.logits.double(), batch.targets["labels"].tolist(), strict=True
    ):
        for place, label in enumerate(labels):
            if label != -100:
                powers = [math.exp(one) for one in logits[place].tolist()]
                losses.append(-math.log(powers[label] / sum(powers)))
                right.append(powers.index(max(powers)) == label)
    share, perplexity = rows.task.score(rows.table, [[one] for one in answers])
    assert (share.name, perplexity.name) == ("masked_accuracy", "pseudo_perplexity")
    assert share.value == pytest.approx(sum(right) / len(right))
    assert perplexity.value == pytest.approx(math.exp(sum(losses) / len(losses)), rel=1e-6)
    assert outputs.loss.item() == pytest.approx(math.log(perplexity.value), rel=1e-5)


def test_resamples_weigh_texts_by_their_masked_words() -> None:
    sums = [[np.array([2.0, 1.0, 2.0])], [np.array([9.0, 0.0, 3.0])]]
    share, perplexity = FillMask().score(None, sums)  # type: ignore[arg-type]
    weights = np.array([[2.0, 0.0], [1.0, 1.0]])
    assert share.resampled(weights) == pytest.approx([0.5, 1 / 5])
    assert perplexity.resampled(weights) == pytest.approx([math.e, math.exp(11 / 5)])


def test_heads_of_pretraining_say_their_words_elsewhere(tokenizer: Any) -> None:
    rows = rows_of("bad")
    (batch,) = batches(rows, tokenizer, batch_size=4, max_length=40, label=True)
    logits = torch.zeros(1, 3, 99)
    (plain,) = rows.task.answers(SimpleNamespace(logits=logits), batch)
    (other,) = rows.task.answers(SimpleNamespace(prediction_logits=logits), batch)
    assert plain.tolist() == other.tolist() == [math.log(99), 0.0, 1.0]


def test_a_tokenizer_without_a_mask_is_named(tokenizer: Any) -> None:
    tokenizer.mask_token = None
    with pytest.raises(
        ModelError, match="the tokenizer has no mask token; run it with --task plain"
    ):
        features(rows_of("bad"), tokenizer)
    assert features(rows_of("bad"), tokenizer, label=False)
