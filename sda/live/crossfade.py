"""From one sound to another that has nothing to do with it, at equal power and below the limiter's ceiling."""

from __future__ import annotations

import numpy as np

from sda.core.limiter import CEILING
from sda.live.ring import Floats


def crossfade(old: Floats, new: Floats) -> Floats:
    """`old` [C, T] going, `new` [C, T] coming, over all of their frames.

    Two sounds at the ceiling may add to sqrt(2) of it: there, the weights are divided by their sum, which is equal gain.
    """
    count = old.shape[1]
    angle = (np.arange(count, dtype=np.float32) + 0.5) / count * np.float32(np.pi / 2)
    going, coming = np.cos(angle), np.sin(angle)
    mixed: Floats = old * going + new * coming
    if np.abs(mixed).max(initial=0.0) > CEILING >= max(np.abs(old).max(initial=0.0), np.abs(new).max(initial=0.0)):
        mixed = np.clip(mixed / (going + coming), -CEILING, CEILING)  # the clip takes off the last bit of rounding
    return mixed
