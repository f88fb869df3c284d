"""Public forms of data, held to a second implementation of their scores.

Each form is written from the same fixed rows as public data sets have it. What bertslim records of
the base is what scikit-learn, seqeval, scipy or SQuAD's own rules make of the answers of the model,
run text by text by transformers alone. Right answers are those of the model where the number of the
row allows it, so that a label that is read as another one always changes the score.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import string
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import f1_score as span_f1
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
from transformers import AutoModel, AutoTokenizer

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
OTHERS = [TEXTS[(n * 5 + 3) % ROWS] for n in range(ROWS)]
CLASSES = ["contradiction", "entailment", "neutral"]
TOXIC = ["toxic", "insult", "threat"]
TYPES = ["PER", "LOC"]
TAGS = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in TYPES)]


class Reference:
    """A tiny model of one kind, run by transformers alone."""

    def __init__(self, directory: Path, model_class: Any) -> None:
        self.directory = directory
        self.tokenizer = AutoTokenizer.from_pretrained(directory)
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
        scores = {m.name: m.base for m in found.measurements if m.name.startswith("accuracy")}
        assert all(-1 < score < 1 and score != 0 for score in scores.values()), "they must tell"
        return scores


@pytest.fixture(scope="module")
def reference(
    make_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Reference]:
    """Return a function that makes the tiny model of a head, once for all forms.

    A random model nearly always chooses the same class; one with centred logits does not.
    """
    made: dict[str, Reference] = {}

    def make(head: str, names: Sequence[str] = (), **changes: Any) -> Reference:
        key = f"{head} {names}"
        if key not in made:
            model = made[key] = _random_model(head, names, changes)
            if names:
                found = [model(text)[1].logits.reshape(-1, len(names)) for text in TEXTS]
                spread, mean = torch.std_mean(torch.cat(found), dim=0)
                with torch.no_grad():
                    model.model.classifier.bias.sub_(mean).div_(spread)
                    model.model.classifier.weight.div_(spread[:, None])
                model.directory = Path(
                    shutil.copytree(model.directory, tmp_path_factory.mktemp("centred") / "model")
                )
                model.model.save_pretrained(model.directory)
        return made[key]

    def _random_model(head: str, names: Sequence[str], changes: dict[str, Any]) -> Reference:
        import transformers

        if names:
            changes |= {
                "num_labels": len(names),
                "id2label": dict(enumerate(names)),
                "label2id": {name: number for number, name in enumerate(names)},
            }
        directory = make_checkpoint("bert", head, tokenizer=True, **changes)
        return Reference(directory, getattr(transformers, f"AutoModelFor{head}", AutoModel))

    return make


def delimited(columns: dict[str, Sequence[Any]], separator: str, **style: Any) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator="\n", **style)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return file.getvalue()


def bare(columns: dict[str, Sequence[Any]]) -> str:
    """Write tab-separated columns as GLUE does, where quotes mean nothing."""
    rows = [columns, *zip(*columns.values(), strict=True)]
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def objects(columns: dict[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


# One label a text or pair

NUMBERS = range(ROWS)
SINGLE: dict[str, tuple[str, Callable[..., str], dict[str, Any], bool]] = {
    # file name, content from ids and names of the labels, options, whether the rows are pairs
    "SST-2": ("a.tsv", lambda ids, names: bare({"sentence": TEXTS, "label": ids}), {}, False),
    "MRPC": (
        "a.tsv",
        lambda ids, names: bare(
            {
                "Quality": ids,
                "#1 ID": NUMBERS,
                "#2 ID": NUMBERS,
                "#1 String": TEXTS,
                "#2 String": OTHERS,
            }
        ),
        {"text_columns": ("#1 String", "#2 String"), "label_columns": ("Quality",)},
        True,
    ),
    "QQP": (
        "a.tsv",
        lambda ids, names: bare(
            {
                "id": NUMBERS,
                "qid1": NUMBERS,
                "qid2": NUMBERS,
                "question1": TEXTS,
                "question2": OTHERS,
                "is_duplicate": ids,
            }
        ),
        {"label_columns": ("is_duplicate",)},
        True,
    ),
    "QNLI": (
        "a.tsv",
        lambda ids, names: bare(
            {"index": NUMBERS, "question": TEXTS, "sentence": OTHERS, "label": names}
        ),
        {},
        True,
    ),
    "CSV of commas": (
        "a.csv",
        lambda ids, names: delimited({"text": TEXTS, "label": names}, ","),
        {},
        False,
    ),
    "CSV of semicolons": (
        "a.csv",
        lambda ids, names: delimited({"text": TEXTS, "label": ids}, ";"),
        {},
        False,
    ),
    "CSV of tabs": (
        "a.csv",
        lambda ids, names: delimited({"label": names, "text": TEXTS}, "\t"),
        {},
        False,
    ),
    "JSON list": (
        "a.json",
        lambda ids, names: json.dumps(objects({"text": TEXTS, "label": ids})),
        {},
        False,
    ),
    "JSON lines": (
        "a.jsonl",
        lambda ids, names: "\n".join(map(json.dumps, objects({"text": TEXTS, "label": names}))),
        {},
        False,
    ),
    "JSON under a key": (
        "a.json",
        lambda ids, names: json.dumps({"data": objects({"text": TEXTS, "label": ids})}, indent=1),
        {},
        False,
    ),
    "JSON by columns": (
        "a.json",
        lambda ids, names: json.dumps({"premise": TEXTS, "hypothesis": OTHERS, "label": names}),
        {},
        True,
    ),
}


@pytest.mark.parametrize("form", SINGLE)
def test_one_label_a_text(form: str, reference: Any, tmp_path: Path) -> None:
    name, content, options, paired = SINGLE[form]
    model = reference("SequenceClassification", CLASSES)
    rows = zip(TEXTS, OTHERS, strict=True) if paired else zip(TEXTS)
    answers = [int(model(*row)[1].logits.argmax()) for row in rows]
    truth = [answer if n % 3 else (answer + 1 + n % 2) % 3 for n, answer in enumerate(answers)]
    truth[:3] = [0, 1, 2]

    (tmp_path / name).write_text(content(truth, [CLASSES[label] for label in truth]))

    assert model.recorded(tmp_path / name, **options) == pytest.approx(
        {
            "accuracy.accuracy": accuracy_score(truth, answers),
            "accuracy.macro_f1": f1_score(truth, answers, average="macro", zero_division=0),
            "accuracy.mcc": matthews_corrcoef(truth, answers),
        },
        abs=1e-6,
    )


# Any number of labels a text


def of_sets(truth: list[list[int]]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return file name, content and options of each form."""
    named = [[TOXIC[place] for place in range(3) if row[place]] for row in truth]
    columns = {"id": NUMBERS, "comment_text": TEXTS}
    columns |= {label: [row[place] for row in truth] for place, label in enumerate(TOXIC)}
    return {
        "lists of names": ("a.json", json.dumps(objects({"text": TEXTS, "labels": named})), {}),
        "vectors": ("a.json", json.dumps(objects({"text": TEXTS, "labels": truth})), {}),
        "columns": (
            "a.csv",
            delimited(columns, ","),
            {"text_columns": ("comment_text",), "label_columns": tuple(reversed(TOXIC))},
        ),
        "vectors of floats as text": (
            "a.csv",
            delimited({"text": TEXTS, "labels": [[float(n) for n in row] for row in truth]}, ","),
            {},
        ),
    }


@pytest.mark.parametrize("form", of_sets([[0, 0, 0]] * ROWS))
def test_any_number_of_labels_a_text(form: str, reference: Any, tmp_path: Path) -> None:
    model = reference("SequenceClassification", TOXIC, problem_type="multi_label_classification")
    answers = [(model(text)[1].logits[0] > 0).int().tolist() for text in TEXTS]
    truth = [
        [label ^ (n % 3 == place) for place, label in enumerate(row)] if n % 2 else row
        for n, row in enumerate(answers)
    ]
    name, content, options = of_sets(truth)[form]
    (tmp_path / name).write_text(content)

    assert model.recorded(tmp_path / name, **options) == pytest.approx(
        {
            "accuracy.micro_f1": f1_score(truth, answers, average="micro"),
            "accuracy.macro_f1": f1_score(truth, answers, average="macro", zero_division=0),
            "accuracy.subset_accuracy": accuracy_score(truth, answers),
        },
        abs=1e-6,
    )


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
def test_words_with_tags(form: str, reference: Any, tmp_path: Path) -> None:
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
def test_questions(version: str, reference: Any, tmp_path: Path) -> None:
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


# Scores of pairs

STS = {
    "STS-B": ("a.tsv", bare, str),
    "decimal commas": (
        "a.csv",
        lambda columns: delimited(columns, ";"),
        lambda score: str(score).replace(".", ","),
    ),
    "percentages": ("a.csv", lambda columns: delimited(columns, ","), lambda score: f"{score} %"),
}


@pytest.mark.parametrize("form", STS)
def test_scores_of_pairs(form: str, reference: Any, tmp_path: Path) -> None:
    name, write, number = STS[form]
    model = reference("")
    pairs = zip(TEXTS, OTHERS, strict=True)
    cosines = [
        float(torch.cosine_similarity(*(_embedding(model, text) for text in pair), dim=0))
        for pair in pairs
    ]
    truth = [round(5 * cosine + n % 3, 2) for n, cosine in enumerate(cosines)]
    columns = {"sentence1": TEXTS, "sentence2": OTHERS, "score": list(map(number, truth))}
    (tmp_path / name).write_text(write(columns))

    assert model.recorded(tmp_path / name) == pytest.approx(
        {
            "accuracy.spearman": spearmanr(truth, cosines).statistic,
            "accuracy.pearson": pearsonr(truth, cosines).statistic,
        },
        abs=1e-6,
    )


def _embedding(model: Reference, text: str) -> Any:
    return model(text)[1].last_hidden_state[0].mean(dim=0)
