"""The random numbers that generators of before there was an excitation hear beside their mel.

A net that sees nothing but frames answers equal frames with equal sound: what should be a steady noise repeats every hop,
a buzz of 86 Hz. A few random numbers a frame break that. They are a fixed table, gone through in a circle by the number of
the frame, so that streams stay exact, and start anywhere.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

PERIOD = 4099  # frames after which they come again, a prime; 48 s


@cache
def table(channels: int) -> Floats:
    """Standard normal numbers [channels, PERIOD], the same on every machine (`RandomState` is frozen, NEP 19)."""
    numbers = np.random.RandomState(0).standard_normal((channels, PERIOD)).astype(np.float32)
    numbers.setflags(write=False)
    return numbers


def noise_of(channels: int, first: int, frames: int) -> Floats:
    """The numbers [channels, frames] of successive frames from number `first` on, which may be negative."""
    return table(channels)[:, np.arange(first, first + frames) % PERIOD]
