"""What lies around a latent point: the recordings' chunk that sounds most like it, and ways to go that keep near to them.

A straight line between two chunks leads through points that no recording taught the decoder. A way over other chunks is
longer and stays where it knows what it does: of all ways, the one whose hops' distances in dB have the least sum of
their cubes (Dijkstra 1959), so that it takes many small hops instead of a long one, but no needless ones. Between chunks of
two recordings of five models the worst of nine points is 6 to 10 dB from the nearest chunk, on the straight line 12 to 14
(tests/benchmarks/bench_map.py).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sda.core.likeness import distances
from sda.core.sound_map import Decode, heard_levels

Floats = NDArray[np.float32]

HOP_POWER = 3.0
FINE = 8  # points looked at between two of a way's chunks, to walk it at an even pace


@dataclass(frozen=True, slots=True)
class Way:
    """Latent points from one to another, about equally far apart in what is heard."""

    points: Floats  # [n, Z]
    distances: Floats  # [n] dB from each to the nearest chunk of the recordings
    nearest: NDArray[np.int64]  # [n] which chunk that is, from 0


class Surroundings:
    """The chunks of one model's map, as its decoder makes them."""

    def __init__(self, latents: Floats, decode: Decode) -> None:
        """latents [N, Z] of the chunks, at least one; they are decoded once, here."""
        self._latents, self._decode = latents, decode
        self._levels = heard_levels(latents, decode)

    def apart(self, points: Floats) -> Floats:
        """Distances [n, N] in dB from latent points [n, Z] to every chunk."""
        return distances(heard_levels(points, self._decode), self._levels)

    def between(self, start: Floats, end: Floats, count: int) -> Way:
        """A way of `count` points, two or more, from one latent point [Z] to another, both included."""
        ends = np.stack([start, end]).astype(np.float32)
        stops = self._stops(heard_levels(ends, self._decode))
        corners = np.concatenate([ends[:1], self._latents[stops], ends[1:]])
        share = np.linspace(0, len(corners) - 1, FINE * (len(corners) - 1) + 1)
        fine = _along(corners, share)
        heard = heard_levels(fine, self._decode)
        hops = np.array([distances(a[None], b[None])[0, 0] for a, b in itertools.pairwise(heard)])
        passed = np.concatenate([[0], np.cumsum(hops + 1e-6)])  # strictly rising, also where nothing changes
        points = _along(fine, np.interp(np.linspace(0, passed[-1], count), passed, np.arange(len(fine))))
        found = self.apart(points)
        return Way(points, found.min(1), found.argmin(1))

    def _stops(self, ends: Floats) -> list[int]:
        """The chunks, by number from 0, on the shortest way between two sounds with levels `ends` [2, K]."""
        everything = np.concatenate([self._levels, ends])
        cost = np.power(distances(everything, everything).astype(np.float64), HOP_POWER)
        source, goal = len(cost) - 2, len(cost) - 1
        sums, before = np.full(len(cost), np.inf), np.full(len(cost), source)
        sums[source], done = 0.0, np.zeros(len(cost), bool)
        while not done[goal]:
            here = int(np.where(done, np.inf, sums).argmin())
            done[here] = True
            better = ~done & (sums[here] + cost[here] < sums)
            sums[better], before[better] = (sums[here] + cost[here])[better], here
        stops: list[int] = []
        at = int(before[goal])
        while at != source:
            stops.insert(0, at)
            at = int(before[at])
        return stops


def _along(corners: Floats, place: NDArray[np.float64]) -> Floats:
    """Points [n, Z] at places 0 .. C - 1 of a line through corners [C, Z]."""
    before = np.minimum(place.astype(np.int64), len(corners) - 2)
    share = (place - before)[:, None].astype(np.float32)
    found: Floats = corners[before] * (1 - share) + corners[before + 1] * share
    return found
