"""Two models on the same texts: against slow references, and whatever the batches are."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bertslim.data import outputs
from bertslim.data.embedder import Embedder
from bertslim.data.paired_batches import PairedBatch, paired_batches, shared_tokens
from bertslim.data.plain_text import PlainText
from bertslim.data.pooling import Pooling
from bertslim.data.task import Batch, Rows
from bertslim.data.text_classification import TextClassification
from bertslim.measure import predictions
from bertslim.measure.predictions import (
    PredictionComparison,
    compare_predictions,
    kl_divergence,
    predict,
)
from bertslim.model.checkpoint import load_checkpoint
from bertslim.model.families import FAMILIES
from bertslim.model.heads import heads_of
from bertslim.model.tokenizer import load_tokenizer
from support.checkpoints import checkpoint_of
from support.families import LAYERED

LENGTHS = [9, 3, 7, 1, 9, 5, 2]

every_head = pytest.mark.parametrize(
    ("model_type", "head"),
    [
        (name, head)
        for name in LAYERED
        for head in heads_of(FAMILIES[name])
        # whose stock class reads the last token, padding or not
        if (name, head) != ("roformer", "MultipleChoice")
    ],
)


def make_rows(lengths: list[int] = LENGTHS) -> list[Tensor]:
    draw = torch.Generator().manual_seed(5)
    return [torch.randint(5, 99, (length,), generator=draw) for length in lengths]


def make_batches(
    groups: list[list[int]], width: int = 0, lengths: list[int] = LENGTHS
) -> list[Batch]:
    """Group the rows into batches, each padded to its longest, or wider."""
    rows, made = make_rows(lengths), []
    for group in groups:
        length = max(width, *(len(rows[row]) for row in group))
        ids = torch.stack(
            [
                torch.nn.functional.pad(rows[row], (0, length - len(rows[row])), value=1)
                for row in group
            ]
        )
        mask = torch.stack([torch.arange(length) < len(rows[row]) for row in group]).long()
        inputs = {"input_ids": ids, "attention_mask": mask}
        made.append(Batch(inputs=inputs, rows=tuple(group), details=(0,) * len(group)))
    return made


def paired(batches: list[Batch]) -> list[PairedBatch]:
    return [PairedBatch(batch, batch) for batch in batches]


ALL_AT_ONCE = [list(range(len(LENGTHS)))]


@pytest.fixture
def compare(make_checkpoint, cut):
    """Return a function that compares a tiny model with one cut from it, or with itself."""

    def run(
        model_type: str,
        head: str,
        batches: list[Batch],
        recipe: str | None = "drop_odd",
        **changes: Any,
    ):
        base = load_checkpoint(make_checkpoint(model_type, head, **changes))
        slim = (
            load_checkpoint(cut(make_checkpoint(model_type, head, **changes), recipe))
            if recipe
            else base
        )
        return compare_predictions(base, slim.model, paired(batches))

    return run


def columns(comparison: PredictionComparison) -> dict[str, np.ndarray]:
    return {
        name: values for name, values in vars(comparison).items() if isinstance(values, np.ndarray)
    }


# A model against itself


@every_head
def test_a_model_is_like_itself(model_type: str, head: str, compare) -> None:
    found = compare(model_type, head, make_batches(ALL_AT_ONCE), recipe=None)
    assert all(values.shape[0] == len(LENGTHS) for values in columns(found).values())
    if head == "":
        assert columns(found).keys() == {"cosine"}
        assert found.cosine == pytest.approx(np.ones(len(LENGTHS)))
        return
    assert columns(found).keys() == {"kl", "agreement"}
    assert found.kl.tolist() == [0] * len(LENGTHS)
    assert found.agreement.tolist() == [1] * len(LENGTHS)


@every_head
def test_a_cut_model_is_not(model_type: str, head: str, compare) -> None:
    found = compare(model_type, head, make_batches(ALL_AT_ONCE))
    if head == "":
        assert (found.cosine < 0.9999).all()
    else:
        assert found.kl.mean() > 1e-6
        assert (found.kl >= -1e-12).all()
        assert ((found.agreement >= 0) & (found.agreement <= 1)).all()


# Batches make no difference


@every_head
def test_the_batches_make_no_difference(model_type: str, head: str, compare) -> None:
    usual = columns(compare(model_type, head, make_batches(ALL_AT_ONCE)))
    for groups, width in (
        ([[row] for row in (6, 0, 5, 1, 2, 4, 3)], 0),
        ([[4, 1, 3], [0, 6], [5, 2]], 14),
    ):
        found = columns(compare(model_type, head, make_batches(groups, width)))
        assert found.keys() == usual.keys()
        for name, values in found.items():
            chosen = np.arange(len(LENGTHS))
            if head == "MultipleChoice":  # a text of one token is its own reverse: a tie
                chosen = chosen[np.array(LENGTHS) > 1]
            assert values[chosen] == pytest.approx(usual[name][chosen], abs=1e-5), name


@pytest.mark.parametrize(
    ("model_type", "head"),
    [("bert", "MaskedLM"), ("bert", "PreTraining"), ("bert", "TokenClassification")],
)
def test_small_pieces_make_no_difference(model_type: str, head: str, compare, monkeypatch) -> None:
    usual = compare(model_type, head, make_batches(ALL_AT_ONCE))
    for outputs_at_once in (1, 99 * 9 * 2):
        monkeypatch.setattr(outputs, "OUTPUTS_AT_ONCE", outputs_at_once)
        found = compare(model_type, head, make_batches(ALL_AT_ONCE))
        assert found.kl == pytest.approx(usual.kl, abs=1e-6)
        assert found.agreement == pytest.approx(usual.agreement)


def test_a_masked_lm_of_a_large_vocabulary_is_never_held_whole(monkeypatch) -> None:
    """With 250,000 words, 32 texts of 256 tokens would take 8 gigabytes."""
    for module in (outputs, predictions):
        monkeypatch.setattr(module, "OUTPUTS_AT_ONCE", 1 << 20)
    seen = []

    class Model:
        config = type("Config", (), {"problem_type": None})

        def __call__(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
            seen.append(input_ids.numel() * 2_000)
            return type("Outputs", (), {"logits": torch.zeros(*input_ids.shape, 2_000)})

    facts = load_facts({"vocab_size": 2_000, "architectures": ["BertForMaskedLM"]})
    batches = make_batches([list(range(32))], lengths=[200] * 32)
    base = checkpoint_of(Model(), facts=facts)
    found = compare_predictions(base, Model(), paired(batches))
    assert found.kl.shape == (32,)
    assert max(seen) <= 1 << 20
    assert sum(seen) == 2 * 32 * 200 * 2_000


def load_facts(config: dict[str, Any]):
    from bertslim.model.config_facts import read_facts

    return read_facts({"model_type": "bert"} | config)


# Slow references


def slow_kl(teacher: list[float], student: list[float]) -> float:
    def softmax(logits: list[float]) -> list[float]:
        top = max(logits)
        powers = [math.exp(logit - top) for logit in logits]
        return [power / sum(powers) for power in powers]

    p, q = softmax(teacher), softmax(student)
    return sum(one * math.log(one / other) for one, other in zip(p, q, strict=True) if one > 0)


@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=2, max_size=8))
def test_kl_is_that_of_a_plain_loop(logits: list[tuple[float, float]]) -> None:
    teacher, student = (list(side) for side in zip(*logits, strict=True))
    pair = (torch.tensor([side], dtype=torch.float64) for side in (teacher, student))
    found = kl_divergence(*pair)
    assert found.item() == pytest.approx(slow_kl(teacher, student), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_kl_of_any_dtype_is_worked_out_in_float64(dtype: torch.dtype) -> None:
    teacher, student = (3 * torch.randn(6, 5).to(dtype) for _ in range(2))
    found = kl_divergence(teacher, student)
    assert found.dtype == torch.float64
    expected = [
        slow_kl(one, other) for one, other in zip(teacher.tolist(), student.tolist(), strict=True)
    ]
    assert found.tolist() == pytest.approx(expected, rel=1e-12)


@pytest.fixture
def slow_compare(make_checkpoint, cut):
    """Return a function that runs both models text by text and applies plain Python to logits."""

    def run(head: str, decide: Callable[[Any, int], list[list[float]]], **changes: Any):
        directory = make_checkpoint("bert", head, **changes)
        models = [load_checkpoint(path).model for path in (directory, cut(directory, "drop_odd"))]
        kl, agreement = [], []
        for row in make_rows():
            with torch.inference_mode():
                teacher, student = (decide(model(row[None]), len(row)) for model in models)
            pairs = list(zip(teacher, student, strict=True))
            kl.append(sum(slow_kl(*pair) for pair in pairs) / len(pairs))
            same = [one.index(max(one)) == other.index(max(other)) for one, other in pairs]
            agreement.append(sum(same) / len(pairs))
        return kl, agreement

    return run


@pytest.mark.parametrize(
    ("head", "decide", "changes"),
    [
        ("SequenceClassification", lambda out, _: out.logits.tolist(), {}),
        ("NextSentencePrediction", lambda out, _: out.logits.tolist(), {}),
        ("TokenClassification", lambda out, _: out.logits[0].tolist(), {}),
        ("MaskedLM", lambda out, _: out.logits[0].tolist(), {}),
        ("PreTraining", lambda out, _: out.prediction_logits[0].tolist(), {}),
        (
            "QuestionAnswering",
            lambda out, _: [out.start_logits[0].tolist(), out.end_logits[0].tolist()],
            {},
        ),
        (
            "SequenceClassification",
            lambda out, _: [[0.0, logit] for logit in out.logits[0].tolist()],
            {"problem_type": "multi_label_classification"},
        ),
    ],
)
def test_every_text_counts_its_decisions_alike(
    head: str,
    decide: Callable[[Any, int], list[list[float]]],
    changes: dict[str, Any],
    compare,
    slow_compare,
) -> None:
    kl, agreement = slow_compare(head, decide, **changes)
    found = compare("bert", head, make_batches(ALL_AT_ONCE), **changes)
    assert found.kl == pytest.approx(kl, rel=1e-4, abs=1e-7)
    assert found.agreement == pytest.approx(agreement)


def test_electra_says_of_each_token_whether_it_was_replaced(compare, make_checkpoint, cut) -> None:
    directory = make_checkpoint("electra", "PreTraining")
    base, slim = (load_checkpoint(path).model for path in (directory, cut(directory, "drop_odd")))
    expected = []
    for row in make_rows():
        with torch.inference_mode():
            pairs = zip(
                base(row[None]).logits[0].tolist(), slim(row[None]).logits[0].tolist(), strict=True
            )
        expected.append(np.mean([slow_kl([0, one], [0, other]) for one, other in pairs]))
    found = compare("electra", "PreTraining", make_batches(ALL_AT_ONCE))
    assert found.kl == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_embeddings_are_compared_by_the_cosine_of_their_means(
    compare, make_checkpoint, cut
) -> None:
    directory = make_checkpoint("bert", "")
    base, slim = (load_checkpoint(path).model for path in (directory, cut(directory, "drop_odd")))
    expected = []
    for row in make_rows():
        with torch.inference_mode():
            one, other = (
                model(row[None]).last_hidden_state[0].double().mean(dim=0) for model in (base, slim)
            )
        expected.append((one @ other / one.norm() / other.norm()).item())
    found = compare("bert", "", make_batches(ALL_AT_ONCE))
    assert found.cosine == pytest.approx(expected, abs=1e-6)


def test_a_choice_is_made_between_a_text_and_its_reverse(compare, make_checkpoint, cut) -> None:
    directory = make_checkpoint("bert", "MultipleChoice")
    base, slim = (load_checkpoint(path).model for path in (directory, cut(directory, "drop_odd")))
    expected = []
    for row in make_rows():
        with torch.inference_mode():
            choices = torch.stack([row, row.flip(0)])[None]
            one, other = (model(choices).logits[0].tolist() for model in (base, slim))
        expected.append(slow_kl(one, other))
    found = compare("bert", "MultipleChoice", make_batches(ALL_AT_ONCE, width=12))
    assert found.kl == pytest.approx(expected, rel=1e-4, abs=1e-7)


# What heads with one answer a text put out


@pytest.mark.parametrize("changes", [{"num_labels": 1}, {"problem_type": "regression"}])
def test_regressors_and_rerankers_have_outputs_alone(
    changes: dict[str, Any], compare, make_checkpoint
) -> None:
    groups = [[3, 1], [6, 0, 2], [5, 4]]
    found = compare("bert", "SequenceClassification", make_batches(groups), **changes)
    assert columns(found).keys() == {"base_outputs", "slim_outputs"}
    model = load_checkpoint(make_checkpoint("bert", **changes)).model
    with torch.inference_mode():
        expected = torch.cat([model(row[None]).logits for row in make_rows()]).numpy()
    assert found.base_outputs == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(found.base_outputs, found.slim_outputs, atol=1e-3)


def test_answers_come_in_the_order_of_the_data_set(make_checkpoint, cut) -> None:
    groups = [[3, 1], [6, 0, 2], [5, 4]]
    directory = make_checkpoint("bert", "SequenceClassification")
    base, slim = (load_checkpoint(path) for path in (directory, cut(directory, "drop_odd")))
    task = TextClassification()
    pairs = paired(make_batches(groups))
    found = compare_predictions(base, slim.model, pairs, task=task)
    assert found.rows == len(LENGTHS)
    for one, answers in ((base, found.base_answers), (slim, found.slim_answers)):
        assert predict(one.model, make_batches(groups), one.facts, task) == answers
        with torch.inference_mode():
            expected = [[int(one.model(row[None]).logits.argmax())] for row in make_rows()]
        assert answers == expected


def test_a_row_of_several_sequences_counts_once(compare) -> None:
    """A long context has several windows, a pair of embeddings two texts."""
    single = compare("bert", "", make_batches(ALL_AT_ONCE)).cosine
    (batch,) = make_batches(ALL_AT_ONCE)
    shared = Batch(batch.inputs, rows=(0, 1, 1, 1, 0, 2, 3), details=batch.details)
    found = compare("bert", "", [shared]).cosine
    assert found == pytest.approx([single[[0, 4]].mean(), single[1:4].mean(), single[5], single[6]])


def test_embeddings_are_pooled_as_they_were_made(compare, make_checkpoint, cut) -> None:
    directory = make_checkpoint("bert", "")
    base, slim = (load_checkpoint(path) for path in (directory, cut(directory, "drop_odd")))
    base = checkpoint_of(base.model, embedder=Embedder(Pooling(("cls",))))
    found = compare_predictions(base, slim.model, paired(make_batches(ALL_AT_ONCE)))
    expected = []
    for row in make_rows():
        with torch.inference_mode():
            one, other = (
                each.model(row[None]).last_hidden_state[0, 0].double() for each in (base, slim)
            )
        expected.append((one @ other / one.norm() / other.norm()).item())
    assert found.cosine == pytest.approx(expected, abs=1e-6)


# Vocabularies that differ


@pytest.mark.parametrize("head", ["MaskedLM", "PreTraining"])
def test_words_are_compared_where_both_models_know_them(
    head: str, make_checkpoint, prune_vocabulary
) -> None:
    """Against a plain loop. Some rows of the base's embeddings belong to no token at all."""
    directory = make_checkpoint("bert", head, tokenizer=True)
    pruned = prune_vocabulary(directory, ["good film"])
    base, slim = load_checkpoint(directory), load_checkpoint(pruned)
    with torch.no_grad():  # so that the two agree on some words, but not on all
        for model in (base.model, slim.model):
            model.get_output_embeddings().bias.zero_()
        for parameter in slim.model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    tokenizers = [load_tokenizer(path) for path in (directory, pruned)]
    rows = Rows(PlainText(), Dataset.from_dict({"text": ["good film", "a b c d", "film"]}))
    batches = paired_batches(rows, *tokenizers, batch_size=2, max_length=9)
    assert all(batch.alike for batch in batches)
    shared = shared_tokens(*tokenizers)
    assert len(shared.base) == len(tokenizers[1]) < len(tokenizers[0])
    found = compare_predictions(base, slim.model, batches, shared=shared)
    names = [{number: name for name, number in one.get_vocab().items()} for one in tokenizers]
    kl, agreement = [], []
    for text in rows.table["text"]:
        with torch.inference_mode():
            outputs = [
                one.model(**tokenizer(text, return_tensors="pt"))
                for one, tokenizer in zip((base, slim), tokenizers, strict=True)
            ]
        pairs = list(
            zip(
                *(
                    (out.logits if head == "MaskedLM" else out.prediction_logits)[0].tolist()
                    for out in outputs
                ),
                strict=True,
            )
        )
        divergences, same = [], []
        for teacher, student in pairs:
            known = [
                {name: logits[number] for number, name in naming.items()}
                for logits, naming in zip((teacher, student), names, strict=True)
            ]
            both = sorted(known[0].keys() & known[1].keys())
            divergences.append(slow_kl(*([side[name] for name in both] for side in known)))
            tops = [side.index(max(side)) for side in (teacher, student)]
            same.append(names[0].get(tops[0], "base") == names[1].get(tops[1], "slim"))
        kl.append(sum(divergences) / len(pairs))
        agreement.append(sum(same) / len(pairs))
    assert found.kl == pytest.approx(kl, rel=1e-4, abs=1e-7)
    assert found.agreement == pytest.approx(agreement)
    assert 0 < found.agreement.mean() < 1


@every_head
def test_rows_of_other_tokens_are_left_out_where_each_token_counts(
    model_type: str, head: str, make_checkpoint, cut
) -> None:
    directory = make_checkpoint(model_type, head)
    base, slim = (load_checkpoint(path) for path in (directory, cut(directory, "drop_odd")))
    one, other = make_batches([[0, 2, 3], [1, 4, 5, 6]])
    (longer,) = make_batches([[1, 4, 5, 6]], width=14)

    def run(batches: list[PairedBatch]) -> PredictionComparison:
        return compare_predictions(base, slim.model, batches)

    usual = run(paired([one, other]))
    found = run([PairedBatch(one, one), PairedBatch(other, longer, alike=False)])
    per_token = head in ("TokenClassification", "MaskedLM", "PreTraining", "QuestionAnswering")
    chosen = [0, 2, 3] if per_token else list(range(len(LENGTHS)))
    assert found.rows == len(chosen)
    assert columns(found).keys() == columns(usual).keys()
    for name, values in columns(found).items():
        assert values == pytest.approx(columns(usual)[name][chosen], abs=1e-5), name
    nothing = run([PairedBatch(one, one, alike=False)])
    assert nothing.rows == (0 if per_token else 3)
    assert bool(columns(nothing)) is not per_token


def test_no_texts_make_an_empty_comparison(compare) -> None:
    assert compare("bert", "SequenceClassification", []) == PredictionComparison()


@pytest.mark.parametrize("head", ["SequenceClassification", "QuestionAnswering", "MaskedLM", ""])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_compared_in_float64(head: str, dtype: str, compare) -> None:
    found = columns(compare("bert", head, make_batches(ALL_AT_ONCE), dtype=dtype))
    for values in found.values():
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
