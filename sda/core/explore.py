"""Sounds of one model that are as unlike each other as it can make them without leaving what it knows.

Many states are drawn: a chunk of the recordings or the model's own home to start from, some sliders anywhere in their safe
range, the others at 0. The half of them that lies nearer to the recordings stays, and of these each next one is the one
farthest, in descriptors, from all before it (Gonzalez 1985, *Clustering to minimize the maximum intercluster distance*,
whose greedy choice is at worst half as spread as the best one).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sda.core.chance import randomized
from sda.core.latent import Slider

Floats = NDArray[np.float32]

EACH, LEAST = 20, 200  # states drawn for each sound that is wanted, and at least
AT_HOME = 0.2  # share that starts from the model's own home
MOVED = 0.5  # share of the sliders that a state moves
KEPT = 0.5  # share that stays, the nearer one
QUIETEST_DB = 35.0  # below the loud ones (95th percentile) a state is left out
LOUDNESS = 0  # which descriptor


@dataclass(frozen=True, slots=True)
class State:
    """Where a model is set: a chunk of its map, 0 for its own home, and slider positions by number; the rest stand at 0."""

    home: int
    positions: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What states sound like."""

    descriptors: Floats  # [N, D], loudness in dB first
    distances: Floats  # [N] dB to the nearest chunk; all 0 for a model without a map


def diverse(
    sliders: Sequence[Slider], chunks: int, hear: Callable[[Sequence[State]], Heard], count: int, seed: int
) -> list[State]:
    """Up to `count` states, the most unlike ones first; the same seed gives the same. chunks: on the map."""
    drawn = states(sliders, chunks, max(LEAST, EACH * count), seed)
    heard = hear(drawn)
    level = heard.descriptors[:, LOUDNESS]
    audible = np.flatnonzero(level >= np.percentile(level, 95) - QUIETEST_DB)
    nearer = audible[np.argsort(heard.distances[audible], kind="stable")]
    kept = np.sort(nearer[: max(count, round(KEPT * len(nearer)))])
    return [drawn[kept[index]] for index in farthest(heard.descriptors[kept], count)]


def states(sliders: Sequence[Slider], chunks: int, count: int, seed: int) -> list[State]:
    """Up to `count` different states drawn by chance."""
    found: dict[State, None] = {}
    for number in range(count):
        random = np.random.default_rng([seed, number])
        home = 0 if not chunks or random.random() < AT_HOME else int(random.integers(1, chunks + 1))
        moved = [slider for slider in sliders if random.random() < MOVED]
        found[State(home, tuple(randomized(moved, int(random.integers(2**31))).items()))] = None
    return list(found)


def farthest(values: Floats, count: int) -> list[int]:
    """Up to `count` rows of values [N, D]: the most usual one, then always the one farthest from all that were chosen.

    Each column counts in units of its 5-95 % range.
    """
    if not len(values):
        return []
    low, high = np.percentile(values, (5, 95), axis=0)
    scaled = np.asarray((values - np.median(values, axis=0)) / np.maximum(high - low, 1e-6), np.float64)
    chosen = [int(np.square(scaled).sum(1).argmin())]
    left = np.square(scaled - scaled[chosen[0]]).sum(1)
    left[chosen[0]] = -1
    while len(chosen) < min(count, len(values)):
        chosen.append(int(left.argmax()))
        left = np.minimum(left, np.square(scaled - scaled[chosen[-1]]).sum(1))
        left[chosen] = -1
    return chosen
