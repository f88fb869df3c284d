"""The content of data files of every task, on the words that tiny checkpoints know."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

ROWS = 60
WORDS = ["good", "bad", "film", "ada", "a", "b", "cab", "dab"]
TEXTS = [" ".join(WORDS[(n * step) % 8] for step in range(1, 6)) + f" {n}" for n in range(ROWS)]


def lines(*rows: dict[str, Any]) -> str:
    return "\n".join(map(json.dumps, rows))


def table(header: str, row: Callable[[int], str]) -> str:
    return header + "\n" + "\n".join(map(row, range(ROWS))) + "\n"


CLASSES = table("text\tlabel", lambda n: f"{TEXTS[n]}\tLABEL_{n % 3}")
PAIRS = table("query\tpassage\tscore", lambda n: f"{TEXTS[n]}\t{TEXTS[n - 1]}\t{n % 7 / 2}")
SEVERAL = lines(*({"text": TEXTS[n], "labels": [0, 2][: n % 3]} for n in range(ROWS)))
TAGGED = "\n\n".join(
    "\n".join(f"{word}\tLABEL_{len(word) % 3}" for word in text.split()) for text in TEXTS
)
QUESTIONS = lines(
    *(
        {
            "question": f"what {n}?",
            "context": TEXTS[n] * 4,
            "answers": {"text": [TEXTS[n].split()[0]], "answer_start": [0]},
        }
        for n in range(ROWS)
    )
)
