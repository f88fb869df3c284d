"""Damaged inputs of every kind end in a line or in a result, in time, and never in a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from support import fuzz_kinds
from support.example_records import cut_record, full_record, retrain_record, training
from support.fuzz_kinds import Kind

EXAMPLES = 5000
KINDS = ("recipe", "record", "gate", "analysis", "options")


@pytest.fixture(scope="module")
def make_kind(
    make_checkpoint: Callable[..., Path], tiny_config: Callable[..., Any]
) -> Callable[[str], Kind]:
    """Return a function that makes a kind by its name."""
    from bertslim.data.pooling import Pooling
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
                        HeadFacts("", pooling=Pooling()),
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
    kind = make_kind(name)

    @settings(
        max_examples=EXAMPLES * kind.share // 1000,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(kind.cases)
    def trial(case: Any) -> None:
        ending = kind.run(case, tmp_path)
        assert not ending.faults, f"{case!r:.2000}\n{ending.traceback}"

    trial()
