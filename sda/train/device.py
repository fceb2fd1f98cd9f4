"""Which processor trains."""

from __future__ import annotations

import torch

from sda.errors import DeviceError

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick(wish: str) -> str:
    """ "auto" is CUDA, else MPS, else the CPU. Raises `DeviceError` for a processor that is not here."""
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wish == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if here[name])
    if not here.get(wish, False):
        have = ", ".join(name for name, present in here.items() if present)
        raise DeviceError(f"device {wish!r} is not available to torch here; expected auto or one of: {have}")
    return wish
