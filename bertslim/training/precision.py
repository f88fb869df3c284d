"""In which type to train, and by which kernels: what is quick on the device at hand."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

_OF_A_CPU = ("avx512_bf16", "amx_bf16")
_SHORT = 128


def trains_in_bfloat16() -> bool:
    """Whether the device that training runs on multiplies bfloat16 itself."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = torch.cpu.get_capabilities()
    return any(known.get(name, False) for name in _OF_A_CPU)


def attention_kernels(device: str, length: int, *, bfloat16: bool) -> AbstractContextManager[None]:
    """Return a context whose attention is the quickest to train through.

    On a CPU, the backward pass of flash attention in bfloat16 takes up to ten times as long as that
    of plain products where sequences are short, and a third of a training step.

    Args:
        device: Its type.
        length: Tokens of a sequence.
        bfloat16: Whether products are worked out in it.
    """
    if device == "cpu" and bfloat16 and length <= _SHORT:
        return sdpa_kernel(SDPBackend.MATH)
    return nullcontext()
