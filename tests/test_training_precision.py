"""bfloat16 where the processor has it."""

from __future__ import annotations

import pytest
import torch

from bertslim.training.precision import trains_in_bfloat16


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"avx2": True}, False),
        ({}, False),
    ],
)
def test_a_cpu_needs_instructions_for_it(
    known: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    assert trains_in_bfloat16() is expected


def test_a_gpu_that_only_plays_it_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation
    )
    assert trains_in_bfloat16() is False
