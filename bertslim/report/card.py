"""The YAML front matter of a model card, as the Hugging Face Hub reads it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from bertslim.model.families import head_of
from bertslim.printable import printable
from bertslim.records import Record
from bertslim.records.sources import is_hub_id, last_component, shown_source

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_LONGEST = 65_536
_CARRIED_OVER = ("language", "license", "license_name", "license_link")

# The Hub's names of tasks.
_HUB_TASKS = {
    "text-classification": "text-classification",
    "regression": "text-classification",
    "text-ranking": "text-ranking",
    "token-classification": "token-classification",
    "question-answering": "question-answering",
    "fill-mask": "fill-mask",
    "feature-extraction": "feature-extraction",
}
# What the Hub runs a model for, by its head or its class of sentence-transformers: the first,
# unless the base's card has another of them.
_PIPELINES = {
    "SentenceTransformer": ("sentence-similarity", "feature-extraction"),
    "MultiVectorEncoder": ("feature-extraction", "sentence-similarity"),
    "SparseEncoder": ("feature-extraction",),
    "CrossEncoder": ("text-classification", "text-ranking"),
    "": ("feature-extraction",),
    "SequenceClassification": ("text-classification", "text-ranking", "zero-shot-classification"),
    "TokenClassification": ("token-classification",),
    "QuestionAnswering": ("question-answering",),
    "MultipleChoice": ("multiple-choice",),
    "MaskedLM": ("fill-mask",),
}
_DIGITS = 5
_CUSTOM = "custom"  # the type of data that are not on the Hub

Value = str | list[str]


def front_matter(
    record: Record, base_card: str | None, sentence_transformers: str | None = None
) -> str:
    """Write the metadata of the result: what runs it, its base, and its scores on held-out rows.

    Licence and language are those of the base's card.
    """
    base = read_front_matter(base_card or "")
    library = "sentence-transformers" if sentence_transformers else "transformers"
    family = record.slim.model_type.removeprefix("slim_")
    tags = ["bertslim", family, *(["pruned"] if record.kind == "cut" else [])]
    if library != "transformers":
        tags.append(library)
    metadata: dict[str, Any] = {"library_name": library, "tags": tags}
    if is_hub_id(record.base.source):
        metadata["base_model"] = record.base.source
    metadata |= {key: base[key] for key in _CARRIED_OVER if key in base}
    if not str(metadata.get("license_link", "https://")).startswith("https://"):
        del metadata["license_link"]  # a file beside the base, which is not beside the result
    metadata |= _pipeline(
        sentence_transformers or head_of(record.slim.architecture), base.get("pipeline_tag")
    )
    metadata |= _results(record)
    text = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---"


def _pipeline(kind: str | None, of_base: Value | None) -> dict[str, Any]:
    """Return what the Hub runs a result for; nothing where it has no name for that."""
    known = () if kind is None else _PIPELINES.get(kind, ())
    if not known:
        return {}
    return {"pipeline_tag": of_base if of_base in known else known[0]}


def _results(record: Record) -> dict[str, Any]:
    """Return data sets, metrics and scores, as the Hub shows them beside a model."""
    scores = [measurement for measurement in record.measurements if measurement.metric.hub]
    task = _HUB_TASKS.get((record.data and record.data.task) or "")
    if record.data is None or task is None or not scores:
        return {}
    from huggingface_hub import EvalResult
    from huggingface_hub.repocard_data import eval_results_to_model_index

    source = record.data.report_source or record.data.source
    on_hub = is_hub_id(source)
    results = [
        EvalResult(
            task_type=task,
            dataset_type=source if on_hub else _CUSTOM,
            dataset_name=printable(shown_source(source)),
            metric_type=score.metric.hub,
            metric_name=score.metric.words,
            metric_value=round(score.slim, _DIGITS),
        )
        for score in scores
        if score.slim is not None
    ]
    return {
        **({"datasets": [source]} if on_hub else {}),
        "metrics": list(dict.fromkeys(result.metric_type for result in results)),
        "model-index": eval_results_to_model_index(
            printable(last_component(record.slim.source)), results
        ),
    }


def read_front_matter(card: str) -> dict[str, Value]:
    """Read the plain values of a card's front matter; {} where it has none that can be read.

    All scalars are read as text: as YAML 1.1, the language code "no" would be false.
    """
    match = _FRONT_MATTER.match(card[:_LONGEST])
    if match is None:
        return {}
    try:
        raw = yaml.load(match.group(1), Loader=yaml.BaseLoader)  # noqa: S506  builds no objects
    except (yaml.YAMLError, RecursionError):
        return {}
    if not isinstance(raw, dict):
        return {}
    return {str(key): value for key, value in raw.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(
        isinstance(text, str) and 0 < len(text) <= 200 and text == printable(text) for text in texts
    )
