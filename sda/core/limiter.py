"""A look-ahead peak limiter's gain: never late, never above the ceiling, the same whatever the block sizes.

With p[t] the peak over the channels and c the ceiling, sample t needs the reduction q[t] = max(0, 1 - c / p[t]). Then

    held[t]     = max(q[t - look - hold .. t])
    released[t] = max_k a^k held[t - k],  a = exp(-1 / release)
    gain[t]     = 1 - sum_k w[k] released[t - k],  k = 0 .. look,  w a Hann window of sum 1

and the gain is for the signal `look` samples late. Each released[t - k] with k in 0 .. look has sample t - look in its reach,
so their mean is at least q[t - look]: the product stays under the ceiling by construction. The hold bridges half a period of
low notes, which would otherwise wobble the gain (50 Hz at 6 dB of reduction: 2.9 % of harmonics without it, none measurable
with it). All three are running maxima and one short FIR, so there is no loop over samples: released[t] a^-t is a cumulative
maximum.

It is the samples that stay below the ceiling. Between them the true peak (ITU-R BS.1770-4, annex 2) may stand higher: by 3 dB
for a sine at a quarter of the rate that meets the samples at 45 degrees, measured 2.4 dB for white noise, 0.6 dB for noise that
falls by 6 dB an octave, 0.1 dB for a sawtooth at 110 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

CEILING_DB = -1.0  # dBFS
LOOK_AHEAD = 1.5e-3  # seconds
HOLD = 10e-3  # seconds, half a period of 50 Hz
RELEASE = 60e-3  # seconds to 1/e of the reduction
SILENT = 1e-9  # reductions below it count as none, so that a release ends before it reaches denormal numbers
SCAN = 1 << 15  # samples at once: a^-t stays far from overflow


def _float_below(value: float) -> np.float32:
    """The largest float32 that is not above `value`."""
    rounded = np.float32(value)
    return rounded if float(rounded) <= value else np.nextafter(rounded, np.float32(0))


CEILING = _float_below(10 ** (CEILING_DB / 20))


@dataclass(frozen=True, slots=True)
class LimiterState:
    """What later samples need: the last reductions [look + hold] and their released course [look]."""

    needed: Doubles
    released: Doubles

    @property
    def reduction(self) -> float:
        """The last one, 0..1."""
        return float(self.released[-1])


class Limiter:
    """Peaks [T] at `rate` Hz -> the gain [T] of the signal `delay` samples late."""

    def __init__(self, rate: int) -> None:
        self.delay = round(LOOK_AHEAD * rate)  # samples
        self._reach = self.delay + round(HOLD * rate)
        self._decay = 1 / (RELEASE * rate)  # nepers a sample
        window = np.sin(np.pi * np.arange(1, self.delay + 2) / (self.delay + 2)) ** 2
        self._window = window / window.sum()

    def start(self, reduction: float = 0.0) -> LimiterState:
        """Before the first sample; reduction: in which the limiter is, released from there on."""
        return LimiterState(np.zeros(self._reach), np.full(self.delay, reduction))

    def step(self, peaks: Doubles, state: LimiterState) -> tuple[Doubles, LimiterState]:
        """Peaks [T], at least 0 and finite -> gains [T] in 0..1."""
        needed = np.concatenate([state.needed, 1 - CEILING / np.maximum(peaks, CEILING)])
        if not (needed.any() or state.released.any()):
            return np.ones(len(peaks)), state
        released = self._release(_running_maximum(needed, self._reach + 1), state.released[-1])
        course = np.concatenate([state.released, released])
        gains = 1 - np.convolve(course, self._window, "valid")
        return gains, LimiterState(needed[len(peaks) :], course[len(peaks) :])

    def _release(self, held: Doubles, last: float) -> Doubles:
        """Exponential decay from every peak of [T], continuing from the value before it."""
        released = np.empty_like(held)
        for start in range(0, len(held), SCAN):
            piece = held[start : start + SCAN]
            growth = np.exp(self._decay * np.arange(1, len(piece) + 1))
            course = np.maximum(np.maximum.accumulate(piece * growth), last) / growth
            course[course < SILENT] = 0
            released[start : start + SCAN] = course
            last = course[-1]
        return released


def _running_maximum(x: Doubles, width: int) -> Doubles:
    """Maximum of every `width` successive values, [T] -> [T - width + 1], by doubling."""
    span = 1
    while 2 * span <= width:
        x = np.maximum(x[:-span], x[span:])
        span *= 2
    return np.maximum(x[: len(x) - (width - span)], x[width - span :])
