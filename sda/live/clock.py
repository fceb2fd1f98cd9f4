"""When the player is where in the stream: a delay-locked loop over pairs of time and position, and the clocks it is asked by.

F. Adriaensen, "Using a DLL to filter time", Linux Audio Conference 2005. A second-order loop of bandwidth B predicts when the
next position is reached; of what was measured it takes over the share b = sqrt(2) w for the time and c = w^2 for the period,
w = 2 pi B T, T the time between two pairs. Here T is not constant, so b and c are computed for each pair, and at the
beginning B falls from 1 Hz to its final value. A pair far off its prediction is a gap in the sound, not noise: the loop
starts anew there, at the same rate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

BANDWIDTH = 0.05  # Hz
FIRST_BANDWIDTH = 1.0  # Hz, falling as 1 / t
GAP = 5e-3  # s off the prediction, beyond any jitter of the earliest of several callbacks
WANDER = 5e-3  # of the nominal rate that a device's may differ from it
LONGEST_WAIT = 2.0  # s without a pair after which the loop starts anew


@dataclass(frozen=True, slots=True)
class Lock:
    """The line that the player is on: it reaches `position` (samples) at `time` (s) and goes on at `rate` (samples a s)."""

    time: float
    position: int
    rate: float
    nominal: float
    began: float  # s

    @classmethod
    def at(cls, time: float, position: int, rate: float) -> Lock:
        """On the first pair."""
        return cls(time, position, rate, rate, time)

    def with_pair(self, time: float, position: int) -> Lock:
        """The player was seen at a position."""
        passed = position - self.position
        if passed <= 0:
            return self
        predicted = self.time + passed / self.rate
        error, interval = time - predicted, passed / self.rate
        if abs(error) > GAP or interval > LONGEST_WAIT:
            return replace(self, time=time, position=position, began=time)
        bandwidth = max(BANDWIDTH, min(FIRST_BANDWIDTH, 1 / max(time - self.began, 1e-3)))
        w = min(1.0, 2 * math.pi * bandwidth * interval)
        period = 1 / self.rate + w * w * error / passed
        rate = min(max(1 / period, self.nominal * (1 - WANDER)), self.nominal * (1 + WANDER))
        return replace(self, time=predicted + math.sqrt(2) * w * error, position=position, rate=rate)

    def place(self, time: float) -> int:
        """The position that is reached at a time."""
        return self.position + round((time - self.time) * self.rate)


class WallClock:
    """Seconds since 1970 on the clock that all processes of a machine share, which never jumps.

    What the two differ by is read again each time, but only a change that is none of the reading's jitter counts, so that two
    moments keep their distance exactly.
    """

    JUMP = 2.5e-4  # s

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic, tries: int = 3
    ) -> None:
        self._wall, self._steady, self._tries = wall, steady, tries
        self._offset = self._read()

    def steady(self, moment: float) -> float:
        """The steady clock's time at a moment."""
        offset = self._read()
        if abs(offset - self._offset) > self.JUMP:
            self._offset = offset
        return moment - self._offset

    def _read(self) -> float:
        """The wall clock's time less the steady one's: of a few readings the one that was interrupted least."""
        best, offset = math.inf, 0.0
        for _ in range(self._tries):
            before, wall, after = self._steady(), self._wall(), self._steady()
            if after - before < best:
                best, offset = after - before, wall - (before + after) / 2
        return offset
