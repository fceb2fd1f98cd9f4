"""From slider positions to a latent point: the map that analysis finds and a model file carries.

Each slider owns a curve through the latent space: its displacement from home at positions spread evenly over -10..10.
Positions between them are interpolated. Several sliders' displacements add, and where the model's analysis has steering
(`sda.core.steering`), a few steps from that sum make each slider do what it does alone. The map has no state: the same
positions give the same point whatever came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.core.steering import Aim, Measure, Nearing, Steering
from sda.errors import ModelError
from sda.params import SLIDER_RANGE

Floats = NDArray[np.float32]

PREFIX, STEERING = "analysis.", "analysis.steering."  # of the arrays' names in a model file
NEARER = 3  # steps by the decoder where sliders rest


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

    steering: Steering | None = None  # for several sliders at once; none in a model that was never analysed by this program

    def point(self, positions: NDArray[np.float64] | Floats, home: Floats | None = None) -> Floats:
        """Latent points [n, Z] of slider positions [n, S].

        home [Z]: another point that the sliders start from.
        """
        return self._aimed(positions, home)[0]

    def settled(self, positions: NDArray[np.float64], measure: Measure, home: Floats | None = None) -> Floats:
        """The latent point [Z] of positions [S] that do not move, with the decoder's own word on it.

        measure: see `sda.core.steering.Measure`.
        """
        found = self.first(positions, measure, home)
        for _ in range(NEARER):
            found = self.nearer(found, positions, measure, home)
        return found.point

    def first(self, positions: NDArray[np.float64], measure: Measure, home: Floats | None = None) -> Nearing:
        """What the steps of `settled` begin with."""
        start, point = self.home if home is None else home, self.point(positions[None], home)[0]
        if self.steering is None or not positions.any():
            return Nearing(point, point[:0], point[:0])
        base, heard = measure(np.stack([start, point]))
        return Nearing(point, heard, base)

    def nearer(self, found: Nearing, positions: NDArray[np.float64], measure: Measure, home: Floats | None = None) -> Nearing:
        """One step of `settled`."""
        if self.steering is None or not positions.any():
            return found
        _, aim = self._aimed(positions[None], home)
        assert aim is not None
        return self.steering.nearer(found, self.home, aim.change[0], measure)

    def _aimed(self, positions: NDArray[np.float64] | Floats, home: Floats | None) -> tuple[Floats, Aim | None]:
        home = self.home if home is None else home
        moves = displacements(self.curves, positions)
        if self.steering is None:
            sums: Floats = home + moves.sum(axis=1)
            return sums, None
        return self.steering.point(home, self.home, moves, displacements(self.steering.changes, positions))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays by the names they have in a model file."""
        steering = self.steering.tensors() if self.steering else {}
        own = {PREFIX + name: getattr(self, name) for name in ("home", "curves", "spread")}
        return own | {STEERING + name: array for name, array in steering.items()}

    @classmethod
    def without_sliders(cls, latent: int) -> LatentMap:
        """Of a model that nobody analysed: home is the prior's mean, the spread the prior's."""
        none = np.zeros((0, 2, latent), np.float32)
        return cls(np.zeros(latent, np.float32), none, np.eye(latent, dtype=np.float32))

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[Any]]) -> LatentMap:
        """Rebuild from `tensors`. Raises `ModelError` where something is missing or does not fit."""
        try:
            home, curves, spread = (tensors[PREFIX + name].astype(np.float32) for name in ("home", "curves", "spread"))
            more = {name.removeprefix(STEERING): array for name, array in tensors.items() if name.startswith(STEERING)}
            steering = Steering.from_tensors(more, spread) if more else None
        except (KeyError, ValueError) as error:
            raise ModelError(f"analysis: not one this program wrote ({error})") from error
        good = curves.ndim == 3 and spread.ndim == 2 and curves.shape[2:] == home.shape == spread.shape[:1]
        if steering is not None:
            good = good and steering.changes.shape[:2] == curves.shape[:2]
        if not good:
            raise ModelError(f"analysis: home {home.shape}, curves {curves.shape} and spread {spread.shape} do not fit")
        return cls(home, curves, spread, steering)


def displacements(curves: Floats, positions: NDArray[np.float64] | Floats) -> Floats:
    """What each slider adds [n, S, Z] at positions [n, S], from curves [S, P, Z] over the sliders' range."""
    low, high = SLIDER_RANGE
    sliders, count, _ = curves.shape
    place = (np.clip(np.asarray(positions, np.float64), low, high) - low) / (high - low) * (count - 1)  # [n, S] in steps
    before = np.minimum(place.astype(np.int64), count - 2)
    share = (place - before)[..., None].astype(np.float32)
    index = np.arange(sliders)
    found: Floats = curves[index, before] * (1 - share) + curves[index, before + 1] * share
    return found
