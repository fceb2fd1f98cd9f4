"""From slider positions to a latent point: the map that analysis finds and a model file carries.

Each slider owns a curve through the latent space: its displacement from home at positions spread evenly over -10..10.
Positions between them are interpolated, several sliders' displacements add. The map has no state: the same positions
give the same point whatever came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.params import SLIDER_RANGE

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Slider:
    """A named direction of one model's sound."""

    number: int  # from 1
    name: str  # the slug under which it is set
    low: float  # positions
    high: float
    safe_low: float  # positions between which the sound stays inside the recordings' 5 to 95 %
    safe_high: float
    explains: str  # what it moves, in words and units


@dataclass(frozen=True, slots=True)
class LatentMap:
    """What analysis knows of a latent space. Arrays are float32."""

    home: Floats  # [Z], where all sliders stand at 0
    curves: Floats  # [S, P, Z], displacement at P positions; zero at position 0
    spread: Floats  # [Z, K], a matrix A with A A^T the covariance of the recordings' latents

    def point(self, positions: NDArray[np.float64] | Floats) -> Floats:
        """Latent points [n, Z] of slider positions [n, S]."""
        low, high = SLIDER_RANGE
        sliders, count, _ = self.curves.shape
        z = np.repeat(self.home[None], len(positions), axis=0)
        if sliders == 0:
            return z
        place = (np.clip(np.asarray(positions, np.float64), low, high) - low) / (high - low) * (count - 1)  # [n, S] in steps
        before = np.minimum(place.astype(np.int64), count - 2)
        share = (place - before)[..., None].astype(np.float32)
        index = np.arange(sliders)
        steps = self.curves[index, before] * (1 - share) + self.curves[index, before + 1] * share  # [n, S, Z]
        moved: Floats = z + steps.sum(axis=1)
        return moved

    def tensors(self) -> dict[str, Floats]:
        """The arrays by the names they have in a model file."""
        return {"analysis.home": self.home, "analysis.curves": self.curves, "analysis.spread": self.spread}

    @classmethod
    def without_sliders(cls, latent: int) -> LatentMap:
        """Of a model that nobody analysed: home is the prior's mean, the spread the prior's."""
        none = np.zeros((0, 2, latent), np.float32)
        return cls(np.zeros(latent, np.float32), none, np.eye(latent, dtype=np.float32))

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[Any]]) -> LatentMap:
        return cls(*(tensors[f"analysis.{name}"].astype(np.float32) for name in ("home", "curves", "spread")))
