"""SQuAD JSON, version 1.1 and 2: articles of paragraphs of questions -> a row a question."""

from __future__ import annotations

from typing import Any

from datasets import Dataset, Features, List, Value

from bertslim.errors import DataError
from bertslim.wording import shown

_LARGEST = 2**31


def read_squad(content: Any, *, source: str) -> Dataset | None:
    """Read columns `question`, `context` and, if any, `answers`; None for JSON of another form.

    Args:
        content: What the file holds.
        source: What to call it in messages.

    Raises:
        DataError: It is SQuAD JSON, but a part is missing.
    """
    articles = _articles(content)
    if articles is None:
        return None
    rows: dict[str, list[Any]] = {"question": [], "context": [], "answers": []}
    try:
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    rows["question"].append(_text(question, "question"))
                    rows["context"].append(_text(paragraph, "context"))
                    rows["answers"].append(_answers(question))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"looks like SQuAD JSON, but question {len(rows['answers']) + 1} is not of its form "
            f"({type(error).__name__}: {error})",
            where=source,
        ) from error
    if all(answers is None for answers in rows["answers"]):
        del rows["answers"]
    kind = {"text": List(Value("string")), "answer_start": List(Value("int64"))}
    text = Value("string")
    features = {"question": text, "context": text, "answers": kind}
    return Dataset.from_dict(rows, features=Features({name: features[name] for name in rows}))


def _articles(content: Any) -> list[Any] | None:
    articles = content.get("data") if isinstance(content, dict) else None
    if not isinstance(articles, list) or not articles:
        return None
    return articles if isinstance(articles[0], dict) and "paragraphs" in articles[0] else None


def _answers(question: dict[str, Any]) -> dict[str, list[Any]] | None:
    """Return the answers, None where they are kept secret; plausible ones do not count."""
    answers = [] if question.get("is_impossible") else question.get("answers")
    if answers is None:
        return None
    return {
        "text": [_text(answer, "text") for answer in answers],
        "answer_start": [_start(answer) for answer in answers],
    }


def _text(part: dict[str, Any], name: str) -> str:
    text = part[name]
    if not isinstance(text, str):
        raise TypeError(f"{name} is {shown(text)}")
    text.encode()  # half a character cannot be held
    return text


def _start(answer: dict[str, Any]) -> int:
    start = int(str(answer["answer_start"]))
    if abs(start) > _LARGEST:
        raise ValueError("answer_start is beyond any text")
    return start
