"""Steps from sample to sample: how a click is known from the sound around it."""

from __future__ import annotations

import numpy as np

NEAR = 480  # samples on either side, 10 ms at 48 kHz
SILENCE = 1e-3  # -60 dB: below this nothing stands out


class Steps:
    """The steps of a sound from sample to sample, told block by block."""

    def __init__(self) -> None:
        self.largest = 0.0  # of full scale
        self.prominent = 0.0  # the most that one stands out from the 10 ms on either side of it
        self.finite = True
        self._before = np.zeros((1, 2), np.float32)

    def add(self, block: np.ndarray) -> None:
        """The next samples [t, C]."""
        joined = np.concatenate([self._before, block])
        self._before = block[-1:]
        self.finite = self.finite and bool(np.isfinite(block).all())
        steps = np.abs(np.diff(joined, axis=0)).max(axis=1)
        self.largest = max(self.largest, float(steps.max(initial=0.0)))
        self.prominent = max(self.prominent, _prominence(steps.astype(np.float64)))


def _prominence(steps: np.ndarray) -> float:
    """The largest ratio of a step to the root mean square of its neighbours; silence counts as -60 dB."""
    if len(steps) <= 2 * NEAR:
        return 0.0
    power = np.cumsum(np.concatenate([[0.0], steps**2]))
    around = (power[2 * NEAR + 1 :] - power[: -2 * NEAR - 1]) - steps[NEAR:-NEAR] ** 2
    return float((steps[NEAR:-NEAR] / (np.sqrt(np.maximum(around, 0.0) / (2 * NEAR)) + SILENCE)).max())
