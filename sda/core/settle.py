"""Where the hand rests, the decoder has the last word: a correction that comes in slowly and goes out slowly.

While sliders move, their point is guessed by the surrogate (`sda.core.steering`) in half a millisecond. Once they have
stood still for `WAIT` cells, one step a cell is taken towards what the decoder really makes of it, and the point glides
there. When they move again the correction fades. It depends on the positions and the cells they have stood, on nothing else,
so live and offline, in blocks of any size, it is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sda.core.descriptors import describe
from sda.core.latent import NEARER, LatentMap
from sda.core.steering import Measure, Nearing
from sda.spec import MelSpec

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

WAIT = 4  # cells, 93 ms: longer than a hand takes from one controller message to the next
PACE = 0.25  # of the way, per cell
ARRIVED = 1e-4  # of the longest way, below which it is gone


@dataclass(frozen=True, slots=True)
class Rest:
    """A correction under way."""

    positions: Doubles  # [S] at which the sliders are
    home: Floats  # [Z] from which they start
    still: int  # cells for which both have not changed
    found: Nearing | None  # so far; None while they move
    present: Floats  # [Z] correction applied


def measuring(decode: Callable[[Floats], Floats], spec: MelSpec, latent_map: LatentMap) -> Measure:
    """What a map's steering wants to know of a decoder, which makes magnitudes [B, M, F] of latent points [B, Z]."""
    steering = latent_map.steering

    def measure(z: Floats) -> Floats:
        assert steering is not None, "asked by nobody else"
        known = len(steering.ranges)  # descriptors of the program that analysed it; later ones are put at the end
        found: Floats = describe(decode(z), spec)[..., :known] / steering.ranges
        return found

    return measure


def begin(latent_map: LatentMap, positions: Doubles, home: Floats) -> Rest:
    """Before the first cell."""
    return Rest(positions, home, 0, None, np.zeros_like(latent_map.home))


def step(latent_map: LatentMap, rest: Rest, positions: Doubles, home: Floats, measure: Measure) -> tuple[Floats, Rest]:
    """The latent point [Z] of the next cell for positions [S] from a home [Z]."""
    moved = not (np.array_equal(positions, rest.positions) and np.array_equal(home, rest.home))
    still = 0 if moved else min(rest.still + 1, WAIT + NEARER)
    found = None if moved else rest.found
    if still == WAIT:
        found = latent_map.first(positions, measure, home)
    if WAIT <= still < WAIT + NEARER and found is not None:
        found = latent_map.nearer(found, positions, measure, home)
    point = latent_map.point(positions[None], home)[0]
    wanted = np.zeros_like(point) if found is None else found.point - point
    present = rest.present + np.float32(PACE) * (wanted - rest.present)
    if float(np.abs(wanted - present).max(initial=0)) <= ARRIVED:
        present = wanted
    return point + present, replace(rest, positions=positions, home=home, still=still, found=found, present=present)
