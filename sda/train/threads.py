"""How many processor threads a training takes, and a vocoder for each of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Vocoder = Callable[[Floats], Floats]
"""Log-mel [M, F] -> waveform [T = hop * F]."""


def use_threads(count: int | None, processes: int = 1) -> int:
    """Set torch's threads to `count`, or to this one's share of every core that `processes` like it may use. Returns it."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    chosen = count or max(1, available // processes)
    torch.set_num_threads(chosen)
    return chosen


class PerThread:
    """A vocoder that several threads may call at once: each has its own, made when it first calls."""

    def __init__(self, build: Callable[[], Vocoder]) -> None:
        self._build, self._own = build, threading.local()

    def __call__(self, log_mel: Floats) -> Floats:
        """The waveform [hop * F] of a log-mel [M, F]."""
        if not hasattr(self._own, "vocoder"):
            self._own.vocoder = self._build()
        made: Floats = self._own.vocoder(log_mel)
        return made
