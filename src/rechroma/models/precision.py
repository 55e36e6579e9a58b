"""The precision that pays on a device."""

import logging
from functools import cache

import torch

logger = logging.getLogger(__name__)


def pays_bfloat16(device: str) -> bool:
    """Whether bfloat16 is faster than float32 on a device: 'cpu', 'cuda' or 'mps'."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and has_amx()


@cache
def has_amx() -> bool:
    """Whether the CPU multiplies tiles of bfloat16 in hardware (Intel's AMX).

    Torch has only a private function for this. Should that vanish, the answer is False: networks
    then compute in float32 on every CPU, which is slower on those with AMX, and no less exact.
    """
    supported = getattr(torch.cpu, "_is_amx_tile_supported", None)
    if supported is None:
        logger.info("this torch has no torch.cpu._is_amx_tile_supported, the CPU uses float32")
        return False
    return bool(supported())


def autocast(device: str) -> torch.autocast:
    """A context that computes in bfloat16 on a device that gains by it.

    Args:
        device: 'cpu', 'cuda' or 'mps'.
    """
    return torch.autocast(device, torch.bfloat16, enabled=pays_bfloat16(device))


@cache
def has_bfloat16() -> bool:
    """Whether the CPU has instructions for bfloat16 (AMX or AVX-512), as `has_amx` for torch's."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return has_amx() or (supported is not None and bool(supported()))


def autocast_convolutions() -> torch.autocast:
    """A context for networks of plain convolutions on the CPU.

    They take little more than half the time in bfloat16 on AVX-512 too; depthwise ones do not.
    """
    return torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16())
