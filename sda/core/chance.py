"""Slider positions drawn by chance, where the sound stays inside what the recordings do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sda.core.latent import Slider

FINEST = 2  # decimals of a position that a person can read and type again


def randomized(sliders: Sequence[Slider], seed: int) -> dict[int, float]:
    """A position for each slider by its number, even over its safe range. The same seed (0 or more), the same positions.

    Each is drawn by itself, from the seed and its slider's number, so that a model that gains or loses sliders keeps
    what a seed does to the others.
    """
    return {slider.number: _drawn(slider, seed) for slider in sliders}


def _drawn(slider: Slider, seed: int) -> float:
    place = np.random.default_rng([seed, slider.number]).uniform(slider.safe_low, slider.safe_high)
    return min(max(round(float(place), FINEST), slider.safe_low), slider.safe_high)
