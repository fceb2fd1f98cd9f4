"""Random equalisers: filters as smooth over the octaves as a room's, a microphone's or a mixing desk's."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

OCTAVES = 10  # below half the rate, the lowest of which hold all below


def response(bins: int, most_db: float, random: np.random.Generator) -> Floats:
    """Gains [bins] from 0 Hz to half the rate: in dB a sum of three cosines over the octaves, within ± `most_db`."""
    octave = np.log2(1 + np.arange(bins) / bins * (2**OCTAVES - 1)) / OCTAVES  # 0..1
    waves = [random.uniform(-1, 1) * np.cos(math.pi * turns * octave + random.uniform(0, math.pi)) for turns in (1, 2, 4)]
    gains: Floats = (10 ** (most_db * np.mean(waves, axis=0) / 20)).astype(np.float32)
    return gains


def equalised(audio: Floats, most_db: float, random: np.random.Generator) -> Floats:
    """A waveform [T] through such a filter, the same length; what rings beyond its end comes in at its beginning."""
    spectrum = np.fft.rfft(audio)
    filtered: Floats = np.fft.irfft(spectrum * response(len(spectrum), most_db, random), n=len(audio)).astype(np.float32)
    return filtered
