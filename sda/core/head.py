"""One sound heard from a place around a head: the structural model of Brown & Duda (1998), streamed.

C. P. Brown and R. O. Duda, "A structural model for binaural sound synthesis", IEEE Trans. Speech and Audio Processing 6(5).
A sphere of a = 8.75 cm with ears at +-90 degrees; c = 343 m/s; theta is the angle between the source and an ear.

* Time (after Woodworth 1938): -(a / c) cos theta where the ear sees the source, (a / c) (theta - pi / 2) where not.
* Shadow: H = (1 + j alpha w / 2 w0) / (1 + j w / 2 w0), w0 = c / a, alpha = (1 + m / 2) + (1 - m / 2) cos(pi theta / 150
  degrees), m = 0.1: +6 dB of treble at an ear that faces the source, -20 dB in its deepest shadow. H = alpha + (1 - alpha) L
  with one fixed low-pass L, so that only a mix changes with the place.
* Pinna (table I, D of the subjects PB and NH): five echoes within 0.5 ms, tau = A cos(lateral / 2) sin(D (90 - up)) + B, which
  carry the elevation. They are given for the front; behind, they mirror it and fade to half (our choice).
* Distance: 1 / r at both ears, 0 dB at 1 m. What the model leaves out is left out here: shoulders, room, the near field.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, atan2, ceil, cos, log, pi, radians, sin

import numpy as np
from numpy.typing import NDArray

from sda.core import delay_line
from sda.core.motion import Basis, Motion, after, course, parts

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RADIUS = 0.0875  # m
SOUND = 343.0  # m/s
ALPHA_MIN = 0.1
THETA_MIN = radians(150)
PINNA = ((0.5, 1, 2, 1.0), (-1, 5, 4, 0.5), (0.5, 5, 7, 0.5), (-0.25, 5, 11, 0.5), (0.25, 5, 13, 0.5))  # rho, A, B, D
PINNA_RATE = 44_100  # Hz of the samples in which A and B are given
BEHIND = 0.5  # the echoes' share straight behind
NEGLIGIBLE = 1e-8  # where the low-pass is cut off


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the sound is."""

    azimuth: float = 0.0  # degrees, 0 ahead, positive to the right
    elevation: float = 0.0  # degrees, positive upwards
    distance: float = 1.0  # m


def incidence(place: Place) -> tuple[float, float]:
    """The angles 0..pi between the source and the left and the right ear."""
    right = pi / 2 - asin(cos(radians(place.elevation)) * sin(radians(place.azimuth)))
    return pi - right, right


def arrival(theta: float) -> float:
    """When the sound is at an ear, in s after it would be at the centre of the head."""
    return RADIUS / SOUND * (-cos(theta) if theta < pi / 2 else theta - pi / 2)


def shadow(theta: float) -> float:
    """The factor alpha on the treble at an ear."""
    return (1 + ALPHA_MIN / 2) + (1 - ALPHA_MIN / 2) * cos(pi * theta / THETA_MIN)


def echoes(place: Place) -> list[tuple[float, float]]:
    """The pinna's echoes: (delay in s, factor), the direct sound not among them."""
    azimuth, elevation = radians(place.azimuth), radians(place.elevation)
    ahead = cos(azimuth) * cos(elevation)
    lateral = asin(cos(elevation) * sin(azimuth))
    up = atan2(sin(elevation), abs(ahead))  # around the axis through the ears; the back mirrors the front
    share = 1 - (1 - BEHIND) * max(0.0, -ahead)
    return [((a * cos(lateral / 2) * sin(d * (pi / 2 - up)) + b) / PINNA_RATE, share * rho) for rho, a, b, d in PINNA]


@dataclass(frozen=True, slots=True)
class HeadState:
    """What later samples need of earlier ones."""

    place: Motion  # arrival left, right in samples; alpha left, right; factor of the distance
    pinna: Motion  # [K] taps
    heard: Floats  # [K - 1] inputs
    coloured: Floats  # [low-pass taps - 1] behind the pinna
    late: Floats  # [2, reach] behind the shadow, left and right


class Head:
    """One channel to two ears at `rate` Hz. Invariant: `cat(steps)` is the same whatever the block sizes.

    `delay` in samples: what stands straight ahead is that much later. `memory`: inputs after which the past is forgotten.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.delay = delay_line.HALF + ceil(RADIUS / SOUND * rate)
        self._reach = delay_line.reach(self.delay + arrival(pi) * rate + 1)
        longest = max(a + b for _, a, b, _ in PINNA) / PINNA_RATE
        self._pinna_taps = int(longest * rate) + 3
        corner = 2 * SOUND / RADIUS  # rad/s
        pole, factor = (2 * rate - corner) / (2 * rate + corner), corner / (2 * rate + corner)  # bilinear transform
        powers = pole ** np.arange(ceil(log(NEGLIGIBLE) / log(abs(pole))))
        self._low = (factor * (powers + np.concatenate([[0], powers[:-1]]))).astype(np.float32)
        self._low /= self._low.sum()
        self.memory = self._pinna_taps + len(self._low) + self._reach

    def start(self, place: Place) -> HeadState:
        """Silence before the first sample, and the source at rest in its place."""
        silence = np.zeros((2, self._reach), np.float32)
        around, pinna = self._targets(place)
        heard, coloured = np.zeros(self._pinna_taps - 1, np.float32), np.zeros(len(self._low) - 1, np.float32)
        return HeadState(Motion.at(around), Motion.at(pinna), heard, coloured, silence)

    def step(self, x: Floats, place: Place, state: HeadState) -> tuple[Floats, HeadState]:
        """The next block [T], T > 0 -> [2, T], left and right; the source moves to its place within some 50 ms."""
        basis = Basis.of(len(x), self.rate)
        around, pinna = self._targets(place)
        heard = np.concatenate([state.heard, x])
        coloured = np.concatenate([state.coloured, self._through_pinna(heard, pinna, basis, state)])
        low, straight = np.convolve(coloured, self._low, "valid"), coloured[len(self._low) - 1 :]
        moved = course(state.place, around, basis)
        late = np.concatenate([state.late, low + moved[2:4].astype(np.float32) * (straight - low)], axis=1)
        ears = [delay_line.delayed(late[n], self.delay + moved[n], self._reach) for n in (0, 1)]
        end = HeadState(
            after(state.place, around, basis),
            after(state.pinna, pinna, basis),
            heard[len(x) :],
            coloured[len(x) :],
            late[:, len(x) :],
        )
        return np.stack(ears) * moved[4].astype(np.float32), end

    def _through_pinna(self, heard: Floats, target: Doubles, basis: Basis, state: HeadState) -> Floats:
        """Inputs [K - 1 + T] -> [T]; the taps move as a `Motion` does, so that three convolutions hold every moment of it."""
        error, slope = parts(state.pinna, target)
        out = np.convolve(heard, target.astype(np.float32), "valid")
        for taps, weight in ((error, basis.decay), (slope, basis.slope)):
            if taps.any():
                out = out + np.convolve(heard, taps.astype(np.float32), "valid") * weight.astype(np.float32)
        return out

    def _targets(self, place: Place) -> tuple[Doubles, Doubles]:
        """The place's arrivals, alphas and factor [5], and its pinna's taps [K].

        An echo between two samples is split between them in proportion, as in the paper.
        """
        left, right = incidence(place)
        around = [arrival(left) * self.rate, arrival(right) * self.rate, shadow(left), shadow(right), 1 / place.distance]
        taps = np.zeros(self._pinna_taps)
        taps[0] = 1
        for seconds, rho in echoes(place):
            at, part = divmod(seconds * self.rate, 1)
            taps[int(at) : int(at) + 2] += rho * (1 - part), rho * part
        return np.array(around), taps
