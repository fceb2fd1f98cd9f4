"""Values on their way to where they are sent: smooth, without overshoot, and the same whatever the block sizes.

Each value is a critically damped spring, x'' = -2 k x' - k^2 (x - target), whose course from any value and speed is

    x(t) = target + (e + (v + k e) t) exp(-k t),   e = x(0) - target, v = x'(0).

The course is in closed form, so a block of it costs one exponential and cutting it anywhere changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

STIFFNESS = 133.0  # 1/s: (1 + k t) exp(-k t) has fallen to 1 % after 50 ms
STILL = 1e-9  # of a value's unit: nearer to its target it has arrived


@dataclass(frozen=True, slots=True)
class Motion:
    """Values [N] and their speeds [N], per second."""

    value: Doubles
    speed: Doubles

    @classmethod
    def at(cls, value: Doubles) -> Motion:
        """At rest."""
        return cls(value, np.zeros_like(value))


@dataclass(frozen=True, slots=True)
class Basis:
    """exp(-k t) and t exp(-k t) at the times of a block's samples, [T] each; what every motion of the block is made of."""

    times: Doubles  # s after the block's beginning, the first one is one sample
    decay: Doubles
    slope: Doubles

    @classmethod
    def of(cls, length: int, rate: int) -> Basis:
        times = np.arange(1, length + 1) / rate
        decay = np.exp(-STIFFNESS * times)
        return cls(times, decay, times * decay)


def parts(motion: Motion, target: Doubles) -> tuple[Doubles, Doubles]:
    """The weights [N] of a basis' decay and slope in the course to `target` [N]; both zero where it has arrived."""
    error = motion.value - target
    slope = motion.speed + STIFFNESS * error
    moving = (np.abs(error) > STILL) | (np.abs(slope) > STIFFNESS * STILL)
    return np.where(moving, error, 0.0), np.where(moving, slope, 0.0)


def course(motion: Motion, target: Doubles, basis: Basis) -> Doubles:
    """The values [N, T] on their way to `target` [N]."""
    error, slope = parts(motion, target)
    still: Doubles = np.broadcast_to(target[:, None], (len(target), len(basis.times)))
    if not (error.any() or slope.any()):
        return still
    moving: Doubles = still + error[:, None] * basis.decay + slope[:, None] * basis.slope
    return moving


def after(motion: Motion, target: Doubles, basis: Basis) -> Motion:
    """Where the values are at the block's last sample."""
    error, slope = parts(motion, target)
    decay, late = basis.decay[-1], basis.slope[-1]
    left = error * decay + slope * late
    return Motion(target + left, slope * decay - STIFFNESS * left)
