"""The groups of mel bands that a generator lets through one by one, fading into each other."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sda.core import grid
from sda.spec import BIGVGAN_GRID as GRID
from sda.spec import EXCITATION_GROUPS

Floats = NDArray[np.float32]

GROUPS = EXCITATION_GROUPS


@cache
def shares() -> Floats:
    """How much each group has of a band [GROUPS, M]: all of its middle, fading to nothing at its neighbours' middles."""
    size = GRID.n_mels / GROUPS
    middles = (np.arange(GROUPS) + 0.5) * size - 0.5
    return np.stack([np.interp(np.arange(GRID.n_mels), middles, row) for row in np.eye(GROUPS)]).astype(np.float32)


@cache
def shares_of_bins(bins: int) -> Floats:
    """The same of so many bins between 0 Hz and half the rate [GROUPS, bins]."""
    places = np.linspace(0, GRID.sample_rate / 2, bins)
    return np.stack([np.interp(places, grid.band_centres(GRID), row) for row in shares()]).astype(np.float32)
