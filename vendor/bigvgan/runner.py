"""A network on a device, numpy at its boundary: the one place that chooses between the plain path and the fast one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .network import Config, Network

if TYPE_CHECKING:
    from .fast import FastNetwork

Floats = NDArray[np.float32]

DEVICES = ("cpu", "cuda", "mps")
ADVICE = "BigVGAN runs on the CPU without the extra `fast`; with it, it is about twice as fast: pip install 'sda-engine[fast]'"


class Runner:
    """Log-mel [M, F] in nat -> samples [hop * F] in -1..1. float32 throughout; one thread at a time may use an object."""

    def __init__(self, network: Network, *, device: str = "cpu", cache: Path | None = None, fast: bool | None = None) -> None:
        """Takes the network over: the fast path leaves it without weights.

        device: "cpu", "cuda" (or "cuda:1") or "mps". fast: on the CPU, compiled loops; None takes them where numba is
        installed. cache: the folder that keeps the compiled code for the next process; on a GPU nothing is compiled.
        Raises `ValueError` for a device that is not there.
        """
        self.device = torch.device(_checked(device))
        self.is_fast = self.device.type == "cpu" and (find_spec("numba") is not None if fast is None else fast)
        self._network: FastNetwork | Network = _fast(network, cache) if self.is_fast else network.to(self.device)

    @property
    def config(self) -> Config:
        return self._network.config

    @property
    def advice(self) -> str | None:
        """What a user of this device could gain, in one line."""
        return None if self.is_fast or self.device.type != "cpu" else ADVICE

    def __call__(self, log_mel: Floats) -> Floats:
        with torch.inference_mode(), full_precision():
            x = torch.from_numpy(np.ascontiguousarray(log_mel, np.float32)).to(self.device)
            audio: Tensor = self._network(x.unsqueeze(0))  # [1, 1, T]
            samples: Floats = audio.reshape(-1).cpu().numpy()
            return samples


def _fast(network: Network, cache: Path | None) -> FastNetwork:
    from .fast import FastNetwork  # here, because it needs numba

    return FastNetwork(network, cache=cache, consume=True)


def _checked(device: str) -> str:
    kind = device.split(":")[0]
    if kind not in DEVICES:
        raise ValueError(f"device {device!r}: expected one of {', '.join(DEVICES)}")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[kind]:
        raise ValueError(f"device {device!r}: torch finds none here; found {', '.join(k for k in DEVICES if there[k])}")
    return device


def best_device() -> str:
    """The fastest of the kinds of device that torch finds here."""
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Convolutions in float32 on CUDA too, where torch would use TF32 (10 bits: 1e-3 of full scale), and untuned ones."""
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False):
        yield
