"""Public forms of words with tags, and of questions, held to a second implementation.

As in `test_data_forms.py`: scores of the base are those of seqeval, and of SQuAD's own rules.
"""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from seqeval.metrics import f1_score as span_f1
from sklearn.metrics import accuracy_score

from support.reference_models import ROWS, TEXTS, WORDS, Reference, ReferenceModels

TYPES = ["PER", "LOC"]
TAGS = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in TYPES)]


@pytest.fixture(scope="module")
def reference(
    make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> ReferenceModels:
    return ReferenceModels(make_checkpoint, tmp_path_factory.mktemp("references"))


# Words with tags

SENTENCES = [text.replace(",", " ,").replace('"', "").split() for text in TEXTS]
COLUMNS: dict[str, tuple[str, str, Callable[[str, str], str], str]] = {
    # file name, prefixes of its tags, the line of a word, what stands before a sentence
    "CoNLL-2003": ("a.conll", "IB", lambda word, tag: f"{word} NN I-NP {tag}", ""),
    "two columns of tabs": ("a.bio", "BI", lambda word, tag: f"{word}\t{tag}", ""),
    "MultiCoNER": ("a.conll", "BI", lambda word, tag: f"{word} _ _ {tag}", "# id 1f domain=en\n"),
    "IOBES": ("a.iob", "BIES", lambda word, tag: f"{word} {tag}", ""),
}


@pytest.mark.parametrize("form", COLUMNS)
def test_words_with_tags(form: str, reference: ReferenceModels, tmp_path: Path) -> None:
    name, prefixes, line, before = COLUMNS[form]
    model = reference("TokenClassification", TAGS)
    answers = [_tags_of(model, words) for words in SENTENCES]
    allowed = {"O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in TYPES)}
    truth = [
        [tag if tag in allowed and (n + place) % 5 else "O" for place, tag in enumerate(tags)]
        for n, tags in enumerate(answers)
    ]
    document = "-DOCSTART- -X- -X- O\n\n" if form == "CoNLL-2003" else ""
    sentences = [
        before + "".join(line(*pair) + "\n" for pair in zip(words, tags, strict=True))
        for words, tags in zip(SENTENCES, truth, strict=True)
    ]
    (tmp_path / name).write_text(document + "\n".join(sentences))

    recorded = model.recorded(tmp_path / name)

    flat = [[tag for tags in side for tag in tags] for side in (truth, answers)]
    assert recorded["accuracy.span_f1"] == pytest.approx(span_f1(truth, answers), abs=1e-6)
    assert recorded["accuracy.token_accuracy"] == pytest.approx(accuracy_score(*flat), abs=1e-6)


def _tags_of(model: Reference, words: list[str]) -> list[str]:
    encoded = model.tokenizer(words, is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        chosen = model.model(**encoded).logits[0].argmax(dim=-1).tolist()
    places = encoded.word_ids()
    return [TAGS[chosen[places.index(number)]] for number in range(len(words))]


# Questions

CONTEXTS = [f"{text} the hut has a {WORDS[n % 11]}" for n, text in enumerate(TEXTS)]
CONTEXTS = [" ".join(context.split()[-6:]) for context in CONTEXTS]
QUESTIONS = [f"a {WORDS[n % 5]}?" for n in range(ROWS)]


@pytest.mark.parametrize("version", ["1.1", "v2.0"])
def test_questions(version: str, reference: ReferenceModels, tmp_path: Path) -> None:
    may_be_none = version == "v2.0"
    model = reference("QuestionAnswering")
    given = [
        _answer_of(model, question, context, may_be_none=may_be_none)
        for question, context in zip(QUESTIONS, CONTEXTS, strict=True)
    ]
    truth = [_truth(n, given[n], may_be_none=may_be_none) for n in range(ROWS)]
    paragraphs = [_paragraph(n, truth[n], may_be_none=may_be_none) for n in range(ROWS)]
    content = {"version": version, "data": [{"title": "t", "paragraphs": paragraphs}]}
    (tmp_path / "a.json").write_text(json.dumps(content))

    pairs = list(zip(truth, given, strict=True))
    assert model.recorded(tmp_path / "a.json") == pytest.approx(
        {
            "accuracy.f1": sum(max(_f1(one, got) for one in right) for right, got in pairs) / ROWS,
            "accuracy.exact_match": sum(
                max(_words(one) == _words(got) for one in right) for right, got in pairs
            )
            / ROWS,
        },
        abs=1e-6,
    )


def _truth(number: int, given: str, *, may_be_none: bool) -> list[str]:
    """Return the right answers to a question: the model's own, another, two, or none."""
    words = CONTEXTS[number].split()
    if may_be_none and number % 4 == 0:
        return [""]
    if number % 3 == 0 and given:
        return [given, words[0]]
    return [" ".join(words[: 1 + number % 3])]


def _paragraph(number: int, answers: list[str], *, may_be_none: bool) -> dict[str, Any]:
    context = CONTEXTS[number]
    spans = [{"text": one, "answer_start": context.index(one)} for one in answers if one]
    question: dict[str, Any] = {"id": str(number), "question": QUESTIONS[number], "answers": spans}
    if may_be_none:
        question["is_impossible"] = not spans
        question["plausible_answers"] = [] if spans else [{"text": "hut", "answer_start": 0}]
    return {"context": context, "qas": [question]}


def _answer_of(model: Reference, question: str, context: str, *, may_be_none: bool) -> str:
    encoded, outputs = model(question, context, return_offsets_mapping=True)
    start, end = outputs.start_logits[0].double(), outputs.end_logits[0].double()
    places = [place for place, side in enumerate(encoded.sequence_ids()) if side == 1]
    spans = [(a, b) for a in places for b in places if a <= b < a + 30]
    first, last = max(spans, key=lambda span: float(start[span[0]] + end[span[1]]))
    if may_be_none and float(start[0] + end[0]) > float(start[first] + end[last]):
        return ""
    offsets = encoded["offset_mapping"][0]
    return context[offsets[first][0] : offsets[last][1]]


def _words(text: str) -> list[str]:
    """Normalise an answer as the official script of SQuAD does."""
    text = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def _f1(right: str, given: str) -> float:
    right_words, given_words = _words(right), _words(given)
    if not right_words or not given_words:
        return float(right_words == given_words)
    common = sum((Counter(right_words) & Counter(given_words)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(given_words), common / len(right_words)
    return 2 * precision * recall / (precision + recall)
