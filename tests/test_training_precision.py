"""bfloat16 where the processor has it, and the kernels that suit it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from bertslim.training.precision import attention_kernels, trains_in_bfloat16


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


@pytest.mark.parametrize(
    ("device", "length", "bfloat16", "plain"),
    [
        ("cpu", 16, True, True),
        ("cpu", 128, True, True),
        ("cpu", 129, True, False),
        ("cpu", 16, False, False),
        ("cuda", 16, True, False),
    ],
)
def test_short_sequences_go_through_plain_products(
    device: str, length: int, bfloat16: bool, plain: bool
) -> None:
    flash = torch.backends.cuda.flash_sdp_enabled
    assert flash()
    with attention_kernels(device, length, bfloat16=bfloat16):
        assert flash() is not plain
    assert flash()


def test_the_kernels_come_to_the_same() -> None:
    draw = torch.Generator().manual_seed(0)
    query = torch.randn(2, 3, 8, 4, generator=draw, requires_grad=True)
    gradients = []
    for bfloat16 in (False, True):
        with attention_kernels("cpu", 8, bfloat16=bfloat16):
            out = scaled_dot_product_attention(query, query, query)
        gradients.append(torch.autograd.grad(out.square().sum(), query)[0])
    torch.testing.assert_close(*gradients)
