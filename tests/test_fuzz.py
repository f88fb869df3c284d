"""Damaged inputs of every kind end in a line or in a result, in time, and never in a traceback.

For an hour: FUZZ_MINUTES=60 python -m pytest -s -m slow tests/test_fuzz.py
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from support import fuzz_kinds
from support.example_records import cut_record, full_record, retrain_record, training
from support.fuzz_kinds import Kind

EXAMPLES = 5000
MINUTES = "FUZZ_MINUTES"  # how long the slow form runs
KINDS = (
    *("config", "weights", "recipe", "record", "gate", "analysis"),
    *("data", "tokenizer", "options"),
)


PLAIN = settings(
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def make_kind(
    make_checkpoint: Callable[..., Path], tiny_config: Callable[..., Any]
) -> Callable[[str], Kind]:
    """Return a function that makes a kind by its name."""
    from bertslim.data.task import HeadFacts
    from bertslim.model.families import FAMILIES

    def config(family: str) -> dict[str, Any]:
        made = tiny_config(family, "SequenceClassification").to_dict()
        name = FAMILIES[family].architecture("SequenceClassification")
        return made | {"architectures": [name]}

    def make(name: str) -> Kind:
        record = json.loads(full_record().to_json())
        match name:
            case "config":
                return fuzz_kinds.config_kind({family: config(family) for family in FAMILIES})
            case "weights":
                return fuzz_kinds.weights_kind(make_checkpoint("bert"))
            case "recipe":
                return fuzz_kinds.recipe_kind(config("bert"))
            case "record":
                others = cut_record(training=training()), retrain_record()
                return fuzz_kinds.record_kind(
                    [record, *(json.loads(each.to_json()) for each in others)]
                )
            case "gate":
                return fuzz_kinds.gate_kind(record, make_checkpoint("bert"))
            case "analysis":
                return fuzz_kinds.analysis_kind(record["analysis"])
            case "data":
                labels = ("LABEL_0", "LABEL_1", "LABEL_2")
                classes = ("SequenceClassification", "TokenClassification")
                return fuzz_kinds.data_kind(
                    [
                        *(HeadFacts(kind, labels, 3) for kind in classes),
                        HeadFacts("QuestionAnswering", None, 2),
                        HeadFacts(""),
                    ]
                )
            case "tokenizer":
                return fuzz_kinds.tokenizer_kind(make_checkpoint("bert", tokenizer=True))
            case _:
                return fuzz_kinds.options_kind(config("bert"))

    return make


@pytest.mark.parametrize("name", KINDS)
def test_what_is_damaged_is_refused_in_a_line(
    make_kind: Callable[[str], Kind], tmp_path: Path, name: str
) -> None:
    kind, codes = make_kind(name), set[int]()
    examples = EXAMPLES * kind.share // 1000

    @settings(PLAIN, max_examples=examples, derandomize=True)
    @given(kind.cases)
    def trial(case: Any) -> None:
        ending = kind.run(case, tmp_path)
        codes.add(ending.code)
        assert not ending.faults, f"{case!r:.2000}\n{ending.traceback}"

    trial()
    assert {0, 2} <= codes, "what is sound enough is taken, the rest is refused"


@pytest.mark.slow
def test_the_same_for_as_long_as_is_asked(make_kind: Callable[[str], Kind], tmp_path: Path) -> None:
    """Try all kinds in turns, other cases each time, and list what was wrong at the end."""
    end = time.monotonic() + 60 * float(os.environ.get(MINUTES, "1"))
    kinds = [make_kind(name) for name in KINDS]
    tried, faults = Counter[str](), dict[str, str]()

    def try_some(kind: Kind, number: int) -> None:
        @seed(number)
        @settings(PLAIN, max_examples=max(1, EXAMPLES * kind.share // 10_000))
        @given(kind.cases)
        def trial(case: Any) -> None:
            tried[kind.name] += 1
            ending = kind.run(case, tmp_path)
            if ending.faults:
                place = ending.traceback[-300:] or str(ending.faults)
                faults.setdefault(f"{kind.name}: {place}", f"{case!r:.2000}")

        trial()

    for number, kind in enumerate(cycle(kinds)):
        try_some(kind, number)
        if time.monotonic() > end:
            break
    print(f"tried {dict(tried)}, {sum(tried.values())} in all; {len(faults)} faults")
    assert not faults, "\n\n".join(f"{place}\n{case}" for place, case in faults.items())
