"""Which of a mel's bands are partials' and which are noise's: each belongs to what explains it better.

Both are worked out from the mel (`partials`, `shaped_noise`), and of both it is known what mel they would have: of steady
partials exactly, of noise but for its own chance. A frame nearly is enough to tell, since a partial is a peak of one shape
between valleys that noise could not leave; but what sounded as a partial goes on as one unless noise explains it much better,
so that tones do not flicker and noise does not chirp.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sda.core import grid
from sda.spec import BIGVGAN_GRID as GRID

Floats = NDArray[np.float32]

GOES_ON = 0.4  # nat by which noise must be nearer to end what sounds
LOW, RATHER = 1000.0, 0.4  # Hz, below which bands are narrower than a partial, and noise has peaks as well; nat more at 0 Hz
FADING = 0.1  # nat, on either side of even, over which a band goes from the one to the other
FARTHEST = 2.0  # nat: what is further off does not count for more
BESIDE = np.array([0.25, 0.5, 0.25], np.float32)  # of a band and the two beside it


def nearness(magnitudes: Floats, of_partials: Floats, of_noise: Floats) -> Floats:
    """By how many nat partials are nearer to a mel than noise is, for each band [M, F].

    Mel magnitudes [M, F]: the recording's and what those of its partials alone and of its noise alone would be.
    """
    off = np.log(np.stack([of_partials, of_noise]) / magnitudes)
    np.minimum(np.abs(off, out=off), FARTHEST, out=off)
    padded = np.pad(off, ((0, 0), (1, 1), (0, 0)), mode="edge")
    partials, noise = BESIDE[0] * padded[:, :-2] + BESIDE[1] * padded[:, 1:-1] + BESIDE[2] * padded[:, 2:]
    nearer: Floats = noise - partials + _rather()
    return nearer


def tonality(nearer: Floats, sounding: NDArray[np.bool_]) -> Floats:
    """How much of each band of a frame [M] partials have, 0..1, nearly always all or nothing.

    nearer [M]: of `nearness`. sounding [M]: where there were partials the frame before.
    """
    near = sounding.copy()
    near[1:] |= sounding[:-1]
    near[:-1] |= sounding[1:]
    share: Floats = np.clip((nearer + GOES_ON * near) / (2 * FADING) + 0.5, 0, 1, dtype=np.float32)
    return share


@cache
def _rather() -> Floats:
    """Nat by which noise must be nearer to have a band [M, 1] at all."""
    rather: Floats = (RATHER * np.clip(1 - grid.band_centres(GRID) / LOW, 0, 1)).astype(np.float32)[:, None]
    return rather
