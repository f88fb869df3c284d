from __future__ import annotations

import pytest
import yaml
from huggingface_hub import ModelCard, ModelCardData

from bertslim.report.card import read_front_matter
from bertslim.report.render import render_model_card
from support.example_records import (
    EXAMPLES,
    cut_record,
    even_record,
    full_record,
    plan,
    retrain_record,
)

SENTENCE_TRANSFORMER_CARD = """---
language: en
license: apache-2.0
library_name: sentence-transformers
tags:
- feature-extraction
pipeline_tag: sentence-similarity
model-index: [{name: x, results: []}]
---

# The base's own text
"""


def front_matter_of(card: str) -> dict[str, object]:
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("---\n")[1])


@pytest.mark.parametrize("example", EXAMPLES)
def test_front_matter_is_yaml_that_the_hub_reads(example):
    metadata = front_matter_of(render_model_card(EXAMPLES[example]()))
    assert metadata["library_name"] == "transformers"
    assert metadata["tags"][:2] == ["bertslim", "bert"]


def test_a_hub_model_is_named_as_the_base():
    assert front_matter_of(render_model_card(even_record()))["base_model"] == "some-org/some-bert"


@pytest.mark.parametrize("record", [cut_record(), retrain_record()])
def test_a_local_or_packaged_base_is_not(record):
    assert "base_model" not in front_matter_of(render_model_card(record))


def test_licence_language_and_library_carry_over():
    card = render_model_card(
        cut_record(measurements=()),
        SENTENCE_TRANSFORMER_CARD,
        sentence_transformers="SentenceTransformer",
    )
    assert front_matter_of(card) == {
        "library_name": "sentence-transformers",
        "tags": ["bertslim", "bert", "pruned", "sentence-transformers"],
        "language": "en",
        "license": "apache-2.0",
        "pipeline_tag": "sentence-similarity",
    }
    assert "The base's own text" not in card


def test_norwegian_is_a_language():
    card = render_model_card(cut_record(), "---\nlanguage: [no, en]\n---\n")
    assert front_matter_of(card)["language"] == ["no", "en"]


@pytest.mark.parametrize(
    ("link", "kept"),
    [("https://example.org/licence", True), ("LICENSE", False), ("/home/x/l", False)],
)
def test_a_link_to_a_licence_carries_over_if_it_leads_somewhere(link, kept):
    card = render_model_card(cut_record(), f"---\nlicense: other\nlicense_link: {link}\n---\n")
    assert ("license_link" in front_matter_of(card)) is kept


@pytest.mark.parametrize(
    "card",
    [
        "",
        "# no front matter",
        "---\nlicense: [unclosed\n---\n",
        "---\n- a list\n---\n",
        "---\nlicense: mit\nnever closed",
        "---\nlicense: !!python/object/apply:os.system {args: [true]}\nlanguage: {a: b}\n---\n",
        "---\nlicense: " + "[" * 3000 + "\n---\n",
        "---\nlicense: \"a\\nb\"\nlanguage: ''\n---\n",
    ],
)
def test_a_card_that_cannot_be_read_carries_nothing_over(card):
    assert "license" not in front_matter_of(render_model_card(cut_record(), card))
    assert "language" not in read_front_matter(card)


def test_an_even_result_loads_with_plain_transformers():
    card = render_model_card(even_record())
    assert 'model = AutoModel.from_pretrained("slim")' in card
    assert "trust_remote_code" not in card
    assert "bertslim.load" not in card


def test_an_uneven_result_loads_with_remote_code_or_with_bertslim():
    card = render_model_card(cut_record())
    assert (
        'model = AutoModelForSequenceClassification.from_pretrained("slim", trust_remote_code=True)'
        in card
    )
    assert 'model = bertslim.load("slim")' in card


def test_a_sentence_transformer_loads_as_one():
    record = cut_record(plan=plan(even=True))
    card = render_model_card(record, sentence_transformers="SentenceTransformer")
    assert 'model = SentenceTransformer("slim")' in card
    assert front_matter_of(card)["library_name"] == "sentence-transformers"


def test_a_classifier_made_from_a_sentence_transformer_loads_as_a_classifier():
    card = render_model_card(cut_record(plan=plan(even=True)), SENTENCE_TRANSFORMER_CARD)
    assert "SentenceTransformer" not in card
    assert front_matter_of(card)["library_name"] == "transformers"


@pytest.mark.parametrize("model_type", ["bert", "slim_bert"])
def test_a_retrained_slim_model_stays_uneven(model_type):
    record = retrain_record()
    changed = record.slim.model_copy(update={"model_type": model_type})
    card = render_model_card(record.model_copy(update={"slim": changed}))
    assert ("trust_remote_code=True" in card) is (model_type == "slim_bert")
    assert front_matter_of(card)["tags"] == ["bertslim", "bert"]


@pytest.mark.parametrize(
    ("architecture", "auto_class"),
    [
        ("RoFormerForMaskedLM", "AutoModelForMaskedLM"),
        ("RoFormerModel", "AutoModel"),
        ("DistilBertForQuestionAnswering", "AutoModelForQuestionAnswering"),
        ("SlimBertForTokenClassification", "AutoModelForTokenClassification"),
    ],
)
def test_the_auto_class_follows_the_head(architecture, auto_class):
    record = even_record()
    changed = record.slim.model_copy(update={"architecture": architecture})
    card = render_model_card(record.model_copy(update={"slim": changed}))
    assert f"model = {auto_class}.from_pretrained" in card


def test_scores_stand_in_the_model_index_as_the_hub_library_reads_it():
    card = ModelCard(render_model_card(full_record()))
    assert card.data.metrics == ["accuracy", "f1"]
    found = {one.metric_name: one for one in card.data.eval_results}
    assert set(found) == {"accuracy", "macro F1"}
    one = found["accuracy"]
    assert (one.metric_type, one.metric_value, one.task_type) == (
        "accuracy",
        0.701,
        "text-classification",
    )
    assert one.dataset_type == "custom"
    assert "/" not in one.dataset_name


def test_data_on_the_hub_are_named():
    record = cut_record()
    data = record.data.model_copy(update={"source": "org/set", "report_source": None})
    metadata = front_matter_of(render_model_card(record.model_copy(update={"data": data})))
    assert metadata["datasets"] == ["org/set"]
    assert metadata["model-index"][0]["results"][0]["dataset"]["type"] == "org/set"


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_hub_library_reads_every_card(example):
    text = render_model_card(EXAMPLES[example](), SENTENCE_TRANSFORMER_CARD)
    data = ModelCard(text).data
    assert data.license == "apache-2.0"
    assert ModelCardData(**data.to_dict()).to_dict() == data.to_dict()


@pytest.mark.network
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_hub_accepts_every_card(example):
    ModelCard(render_model_card(EXAMPLES[example](), SENTENCE_TRANSFORMER_CARD)).validate()
