"""Which number format training computes in."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def computes_bfloat16(device: torch.device) -> bool:
    """Return whether the device computes bfloat16 itself.

    A processor needs AVX512-BF16 or AMX. Others emulate it, and a training step takes ten times as long.
    """
    if device.type != "cpu":
        return True
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def autocast(device: torch.device, enabled: bool = True) -> AbstractContextManager[None]:
    """Return the context in which nets compute: bfloat16 where the device has it, else float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled and computes_bfloat16(device))
