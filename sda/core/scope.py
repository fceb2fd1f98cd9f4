"""What a scope shows of the sound that was heard last: its wave, thinned without losing peaks, and its spectrum in bands.

The spectrum is the magnitude of a Hann-windowed Fourier transform, scaled so that a sine of full scale shows as 0 dB: such a
window of n samples sums to n / 2, and half of a sine's amplitude is at its positive frequency. A band shows its loudest
bin, or, where it is narrower than a bin, the bin that it lies in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FRAMES = 2048  # that a look takes
POINTS, THINNED = 160, 6  # of the wave, and the frames that each stands for
BANDS = 128
LOWEST, HIGHEST = 20.0, 20_000.0  # Hz
FLOOR = -120.0  # dB of full scale


class Scope:
    """Looks at sound of one rate."""

    def __init__(self, rate: int) -> None:
        """rate: Hz."""
        self.rate = rate
        self._window = np.hanning(FRAMES + 1)[:-1]
        edges = np.geomspace(LOWEST, min(HIGHEST, rate / 2), BANDS + 1) * FRAMES / rate  # in bins
        self._first = np.minimum(np.ceil(edges[:-1]).astype(int), FRAMES // 2)  # of each band
        behind = np.minimum(np.ceil(edges[1:]).astype(int), FRAMES // 2 + 1)
        self._narrow = behind <= self._first
        self._nearest = np.minimum(np.rint((edges[:-1] + edges[1:]) / 2).astype(int), FRAMES // 2)

    def wave(self, frames: Floats) -> Floats:
        """The last frames of `frames` [FRAMES, 2], both channels' mean [POINTS], of every six the farthest from zero."""
        groups = frames[-POINTS * THINNED :].mean(axis=1).reshape(POINTS, THINNED)
        farthest: Floats = groups[np.arange(POINTS), np.abs(groups).argmax(axis=1)]
        return farthest

    def spectrum(self, frames: Floats) -> Floats:
        """The spectrum of `frames` [FRAMES, 2], both channels' mean, in dB of full scale [BANDS]."""
        bins = np.abs(np.fft.rfft(frames.mean(axis=1) * self._window)) * (4 / FRAMES)
        loudest = np.maximum.reduceat(np.append(bins, 0.0), self._first)
        shown = np.where(self._narrow, bins[self._nearest], loudest)
        level: Floats = np.maximum(20 * np.log10(np.maximum(shown, 1e-9)), FLOOR).astype(np.float32)
        return level
