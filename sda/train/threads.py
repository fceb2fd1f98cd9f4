"""How many processor threads a training takes, tasks side by side in them, and a vocoder for each."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import threadpoolctl
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


@contextmanager
def side_by_side() -> Iterator[Executor]:
    """As many threads as torch may have, for whole tasks; meanwhile torch counts in one thread, in each of them.

    Nets as small as a decoder for a few points gain nothing from being shared out: 100 recordings' sliders were found in
    25.3 s by two threads together and in 23.5 by one. Nor do numpy's products, whose threads keep a core busy for 25 ms
    after each, waiting for the next: with them the names of these sliders were tested in 103 s, without in 80.
    """
    count = torch.get_num_threads()
    torch.set_num_threads(1)  # of this thread, and of those that begin after it
    try:
        with threadpoolctl.threadpool_limits(1, "blas"), ThreadPoolExecutor(count, "analysis") as pool:
            yield pool
    finally:
        torch.set_num_threads(count)


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
