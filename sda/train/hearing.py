"""Aims of sliders corrected by what the vocoder makes of them, so that names hold for the ear and not for the mel alone.

A vocoder turns tones a little noisy and attacks a little soft, and what moves one descriptor of the mel may move another of
the sound. So each curve is heard at its knots; by what is missed there its aims on the mel are moved the other way, and the
curves are solved anew: a fixed-point iteration that takes the sound to follow the mel one to one in units of the ranges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sda.core.curves import KNOTS, POSITIONS
from sda.core.survey import spans
from sda.train.verdict import Judge

Floats = NDArray[np.float32]

SHARE = 0.7  # of what is missed that is corrected at once
MOST = 0.5  # of the ranges by which an aim may be moved in all
HEARD = np.array([1, 3, 5])  # knots of a side, from home outwards


def corrected(judge: Judge, wanted: Floats, aims: Floats, curves: Floats) -> Floats:
    """New aims [D, 2, K, D] after hearing the curves [D, P, Z] that were solved for the old ones.

    wanted [D, 2, K, D]: what the sliders are to change in the sound, in units of the recordings' ranges.
    """
    better = aims.copy()
    for own in np.flatnonzero(wanted.any((1, 2, 3))):
        missed = heard(judge, curves[own]) - wanted[own][:, HEARD - 1]  # [2, 3, D]
        better[own] -= SHARE * np.stack([_smooth(side) for side in missed])
    return np.asarray(np.clip(better, wanted - MOST, wanted + MOST), np.float32)


def heard(judge: Judge, curve: Floats) -> Floats:
    """What a curve [P, Z] changes in the sound at some of its knots [2, 3, D], below and above home, outwards."""
    home, step = POSITIONS // 2, POSITIONS // 2 // KNOTS
    places = np.concatenate([[home], home - step * HEARD, home + step * HEARD])
    found = judge.measure(judge.seen.latents[judge.seen.home] + curve[places])
    change = (found[1:] - found[0]) / spans(judge.recorded)
    return np.asarray(change.reshape(2, len(HEARD), -1), np.float32)


def _smooth(missed: Floats) -> Floats:
    """Least squares of a k + b k^2 through what was missed [3, D], at all knots [K, D]: chance at one is not corrected."""
    basis = np.stack([np.arange(1, KNOTS + 1) / KNOTS, (np.arange(1, KNOTS + 1) / KNOTS) ** 2], 1)
    fitted: Floats = (basis @ np.linalg.lstsq(basis[HEARD - 1], missed.astype(np.float64), rcond=None)[0]).astype(np.float32)
    return fitted
