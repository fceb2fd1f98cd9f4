"""What listeners are shown of the sound: levels, and to those who want it the look of what was heard last."""

from __future__ import annotations

import numpy as np

from sda.core.scope import FLOOR, FRAMES, Scope
from sda.live.facts import Facts
from sda.live.ports import Ports
from sda.live.ring import CHANNELS, Ring

AGAIN = 10  # reports after which a place that rests is told again: somebody may have come meanwhile


class Show:
    """Looks into the ring from the engine's side: the player only counts its peaks."""

    def __init__(self, facts: Facts, ports: Ports) -> None:
        self._facts, self._ports = facts, ports
        self._scope = Scope(1)
        self._reports = 0  # of the renderer
        self._pointed: tuple[float, float, int] | None = None

    def look(self, ring: Ring) -> None:
        """Tell the levels of now and the last 2048 frames; called when the player reported, 20 times a second."""
        self._ports.push("/sda/meter", *map(decibel, self._facts.peaks))
        if not self._ports.wanted("scope"):
            return
        if self._scope.rate != self._facts.rate:
            self._scope = Scope(self._facts.rate)
        frames = np.zeros((FRAMES, CHANNELS), np.float32)
        if not ring.muted:
            ring.mirror_to(frames, 0)
        looks = self._scope.wave(frames[::-1]), self._scope.spectrum(frames[::-1])
        self._ports.push("/sda/scope", *(look.astype(">f4").tobytes() for look in looks), topic="scope")

    def point(self) -> None:
        """Tell where on the map it sounds; called when the renderer reported, 10 times a second."""
        self._reports += 1
        if self._facts.place != self._pointed or self._reports % AGAIN == 0:
            self._pointed = self._facts.place
            if self._pointed is not None:
                self._ports.push("/sda/map/here", *self._pointed)


def decibel(level: float) -> float:
    """A level, 1 of full scale, in dB of it; silence is -120."""
    return max(FLOOR, 20 * float(np.log10(max(level, 1e-9))))
