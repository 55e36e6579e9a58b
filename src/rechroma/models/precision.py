"""Which device computes, and in which precision."""

import torch


def pays_bfloat16(device: str) -> bool:
    """Whether bfloat16 is faster than float32 on a device: 'cpu', 'cuda' or 'mps'."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and bool(torch.cpu._is_amx_tile_supported())


def autocast(device: str) -> torch.autocast:
    """Computes in bfloat16 on a device that gains by it."""
    return torch.autocast(device, torch.bfloat16, enabled=pays_bfloat16(device))
