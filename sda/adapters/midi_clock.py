"""The tempo of a MIDI clock: 24 ticks a beat (MIDI 1.0, "System real time messages"), each late by what its way took.

The tempo is the slope of a straight line through the last ticks (least squares), which tells 120 from 121 beats a minute
where single ticks are off by several milliseconds.
"""

from __future__ import annotations

from collections import deque

TICKS = 24  # in a beat
WINDOW = 2 * TICKS  # ticks that are looked at
GAP_S = 0.5  # s without a tick after which a clock starts anew; 5 beats a minute
NEWS = 0.005  # relative change of tempo that is worth telling
LEAP = 0.15  # relative difference of half a beat to the window at which the tempo has jumped


class Tempo:
    """Beats per minute, from the moments of ticks."""

    def __init__(self) -> None:
        self._ticks: deque[float] = deque(maxlen=WINDOW)
        self._told = 0.0

    def restart(self) -> None:
        """Forget the ticks: their source or position changed."""
        self._ticks.clear()

    def tick(self, now: float) -> float | None:
        """A tick at a moment (s): the tempo where it is another than the one last told, else None."""
        ticks = self._ticks
        if ticks and not 0 <= now - ticks[-1] < GAP_S:
            ticks.clear()
        ticks.append(now)
        if len(ticks) < TICKS:
            return None
        tick_s = _slope(ticks)
        recent = _slope([*ticks][-TICKS // 2 :])
        if tick_s <= 0:
            return None
        if abs(recent / tick_s - 1) > LEAP:
            self._ticks = deque([*ticks][-TICKS // 2 :], maxlen=WINDOW)
            return None
        tempo = 60 / (TICKS * tick_s)
        if self._told and abs(tempo / self._told - 1) < NEWS:
            return None
        self._told = tempo
        return tempo


def _slope(moments: deque[float] | list[float]) -> float:
    """Seconds from one tick to the next, by least squares."""
    count = len(moments)
    middle = (count - 1) / 2
    spread = count * (count * count - 1) / 12  # sum of (n - middle)^2
    return sum((n - middle) * moment for n, moment in enumerate(moments)) / spread
