"""In which type to train: bfloat16 where the processor has instructions for it."""

from __future__ import annotations

import torch

_OF_A_CPU = ("avx512_bf16", "amx_bf16")


def trains_in_bfloat16() -> bool:
    """Whether the device that training runs on multiplies bfloat16 itself."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = torch.cpu.get_capabilities()
    return any(known.get(name, False) for name in _OF_A_CPU)
