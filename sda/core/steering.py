"""Several sliders at once: the latent point at which each of them does what it does alone.

Each slider's curve was solved alone, and the sum of several displacements is not the sum of what they do: with four
named sliders anywhere, on a set of ambiences, the descriptors of the plain sum are .055 of the recordings' range off
(tests/benchmarks/bench_steering.py). So from the sum a few steps are taken towards the wanted descriptors

    t = a(home) + sum over the sliders of (a(home + displacement) - a(home)),

where a is a surrogate of the decoder (.046 off then, in half a millisecond). Since both sides use it, one slider alone stays
exactly on its curve, whatever the surrogate's error. Where the hand rests, the decoder itself is asked
(`Steering.nearer`): .023 off. In whitened coordinates w each step minimises

    |t - a(w) - J d|^2 + r |w + d - w0|^2       (Gauss-Newton, damped towards the sum w0; Levenberg 1944)

by d = J^T (J J^T + r I)^-1 (t - a(w) - J e) + e with e = w0 - w, so that only matrices as large as the number of
descriptors are solved. There is no memory: the same positions give the same point.

Another home than the analysed one: sliders reach from it to the same ends, the recordings' 2nd and 98th percentile. A
slider's displacement, and all that it does, is stretched by how much further, or less far, that is from
there; where such a home lies at an end already, nothing is left to do on that side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.core.surrogate import ARRAYS, Surrogate

Floats = NDArray[np.float32]
Measure = Callable[[Floats], Floats]
"""Latent points [B, Z] to the descriptors [B, D] of what the decoder makes of them, in units of the recordings' ranges."""

REGULAR = 0.1  # r while sliders move: .01 comes nearer (.045 of the range instead of .063) in steps up to twice as uneven
RESTING = 0.01  # r where they rest
ROUNDS = 2  # steps by the surrogate
LONGEST = 2.5  # of one step, in the recordings' standard deviations
STRETCH = 2.0  # at most, from another home
OWN = ("owns", "ends", "ranges", "changes")
NEAR_END = 0.02  # of the range: from an end nearer than this, stretching says nothing


@dataclass(frozen=True, slots=True)
class Aim:
    """What sliders at some positions ask for."""

    target: Floats  # [n, D] descriptors, by the surrogate
    change: Floats  # [n, D] of the descriptors against home, by the decoder


@dataclass(frozen=True, slots=True)
class Nearing:
    """How near the decoder has been brought."""

    point: Floats  # [Z]
    heard: Floats  # [D] descriptors of what the decoder makes of it
    base: Floats  # [D] the same of home


@dataclass(frozen=True, slots=True)
class Steering:
    """What is needed beside a model's curves to play several of them at once."""

    surrogate: Surrogate
    spread: Floats  # [Z, Z], that of the map
    whiten: Floats  # [Z, Z], its inverse
    owns: NDArray[np.int64]  # [S] number of the descriptor that a slider is named after, -1 for an axis
    ends: Floats  # [2, D] 2nd and 98th percentile of the decoded descriptors, in units of the ranges
    ranges: Floats  # [D] 5-95 % ranges of the decoded descriptors, each in its unit
    changes: Floats  # [S, P, D] what each curve changes at its positions, by the decoder

    def point(self, home: Floats, origin: Floats, moves: Floats, changes: Floats) -> tuple[Floats, Aim]:
        """Latent points [n, Z] for displacements [n, S, Z] from a home [Z], and what was aimed at.

        origin [Z]: the analysed home, to which the displacements belong; changes [n, S, D]: what each does there.
        """
        steps: Floats = moves @ self.whiten.T  # [n, S, K]
        away = np.asarray((home - origin) @ self.whiten.T, np.float32)[None]  # [1, K]
        aim, share = self._aim(steps, away, changes)
        start = away + (steps * share).sum(1)
        w = start
        for _ in range(ROUNDS):
            values, slopes = self.surrogate.slopes(w)
            w = w + _step(aim.target - values, slopes, start - w, REGULAR)
        return home + (moves * share).sum(1) + (w - start) @ self.spread.T, aim

    def nearer(self, found: Nearing, origin: Floats, change: Floats, measure: Measure) -> Nearing:
        """One step of asking the decoder: what is nearer to `change` [D] from home than what was found, or just that."""
        miss = found.base + change - found.heard
        whitened = np.asarray((found.point - origin) @ self.whiten.T, np.float32)  # [K]
        _, slopes = self.surrogate.slopes(whitened[None])
        step = _step(miss[None], slopes, np.zeros((1, len(self.whiten)), np.float32), RESTING)
        trial = found.point + self.spread @ step[0]
        heard = measure(trial[None])[0]
        left = found.base + change - heard
        return Nearing(trial, heard, found.base) if float(left @ left) < float(miss @ miss) else found

    def _aim(self, steps: Floats, away: Floats, changes: Floats) -> tuple[Aim, Floats]:
        """The aim for whitened displacements [n, S, K] from a home that lies `away` [1, K] from the analysed one.

        Also what share of them is left to do [n, S, 1].
        """
        count, sliders, wide = steps.shape
        values = self.surrogate(np.concatenate([np.zeros_like(away), away, steps.reshape(-1, wide)]))
        origin, base = values[0], values[1]
        guessed = (values[2:] - origin).reshape(count, sliders, len(origin))  # [n, S, D]
        share = self._share(origin, base, guessed) if away.any() else np.ones((count, sliders, 1), np.float32)
        return Aim(base + (guessed * share).sum(1), (changes * share).sum(1)), share

    def _share(self, origin: Floats, base: Floats, guessed: Floats) -> Floats:
        """What is left [n, S, 1] of moves that change descriptors so [n, S, D], from a home of descriptors `base` [D]."""
        share = np.ones((*guessed.shape[:2], 1), np.float32)
        for slider, own in enumerate(self.owns):
            if own >= 0:
                end = np.where(guessed[:, slider, own] > 0, self.ends[1, own], self.ends[0, own])
                there, here = end - origin[own], end - base[own]
                left = np.where(np.abs(there) > NEAR_END, here / np.where(there == 0, 1, there), 1.0)
                share[:, slider, 0] = np.clip(left, 0.0, STRETCH)
        return share

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays by the names they have in a model file, after its prefix."""
        own = {name: getattr(self, name) for name in OWN}
        own["owns"] = self.owns.astype(np.float32)  # model files hold no integers
        return own | {f"surrogate.{name}": array for name, array in self.surrogate.tensors().items()}

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[Any]], spread: Floats) -> Steering:
        """Rebuild from `tensors` and the map's spread [Z, Z].

        Raises `KeyError` or `ValueError` where something is missing or does not fit.
        """
        surrogate = Surrogate.from_tensors({name: tensors[f"surrogate.{name}"] for name in ARRAYS})
        owns, ends, ranges, changes = (np.asarray(tensors[name], np.float32) for name in OWN)
        made = cls(surrogate, spread, np.linalg.inv(spread), owns.astype(np.int64), ends, ranges, changes)
        count, sliders = len(surrogate.third), len(made.owns)
        good = (
            len(spread) == surrogate.first.shape[1]
            and made.ends.shape == (2, count)
            and made.ranges.shape == (count,)
            and made.changes.ndim == 3
            and made.changes.shape[::2] == (sliders, count)
            and bool(((made.owns >= -1) & (made.owns < count)).all())
        )
        if not good:
            raise ValueError("the arrays that steer several sliders do not fit each other")
        return made


def _step(miss: Floats, slopes: Floats, pull: Floats, regular: float) -> Floats:
    """One damped step [n, K]: misses [n, D], slopes [n, D, K], the way back to where it began [n, K]."""
    square = slopes @ slopes.swapaxes(1, 2) + regular * np.eye(miss.shape[1])  # [n, D, D]
    left = miss - np.einsum("ndk,nk->nd", slopes, pull)
    weights = np.linalg.solve(square, left[..., None].astype(np.float64))[..., 0]
    step = np.einsum("ndk,nd->nk", slopes, weights) + pull
    length = np.sqrt(np.square(step).sum(1, keepdims=True))
    return np.asarray(step * np.minimum(1, LONGEST / np.maximum(length, 1e-9)), np.float32)
