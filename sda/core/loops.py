"""Finished loops in place of the sound that is being made, for a vocoder that is slower than real time.

What sounds, the stream or a loop, gives way to what comes over 30 ms at equal power, as two vocoders do; a loop goes on at
the place where the last one was, so that a grain which is in both is crossfaded with itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CROSSFADE_S = 0.03  # s, between two sounds
SEAM_S = 0.05  # s of sound after a loop's end that are laid over its beginning


def closed(sound: Floats, rate: int) -> Floats:
    """Sound [T + seam] as a loop [T] whose end leads into its beginning: what would have come fades into how it began."""
    seam = round(SEAM_S * rate)
    assert len(sound) > 2 * seam
    loop = sound[:-seam].copy()
    out, into = _shares(seam)
    loop[:seam] = into * loop[:seam] + out * sound[-seam:]
    return loop


def _shares(count: int) -> tuple[Floats, Floats]:
    """Factors [count] of what leaves and of what comes; their squares add to 1, so that the power stays."""
    angle = (np.arange(count, dtype=np.float32) + 0.5) / count * np.float32(math.pi / 2)
    return np.cos(angle), np.sin(angle)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to sound next: a loop, or the stream where it is None."""

    loop: Floats | None


class Looper:
    """Between a stream and the stage: lets the stream through, or plays loops in its place. Invariant: no block size tells."""

    def __init__(self, rate: int) -> None:
        self._out, self._into = _shares(round(CROSSFADE_S * rate))
        self._now: Floats | None = None
        self._coming: Floats | None = None
        self._place = 0  # samples since the first loop began
        self._faded = len(self._out)  # samples of the crossfade that are done
        self._wish: _Wish | None = None

    @property
    def plays(self) -> bool:
        """Whether a loop sounds, or is about to."""
        last = self._wish.loop if self._wish else self._coming if self._faded < len(self._out) else self._now
        return last is not None

    def play(self, loop: Floats) -> None:
        """Let a loop [T] take over, at the output rate; one that is still waiting is forgotten."""
        assert loop.ndim == 1
        assert len(loop)
        self._wish = _Wish(loop)

    def leave(self) -> None:
        """Let the stream take over again."""
        if self.plays:
            self._wish = _Wish(None)

    def mix(self, stream: Floats) -> Floats:
        """The stream's next samples [1, T] to what is heard [1, T]."""
        out, done = stream.copy(), 0
        while done < stream.shape[1]:
            if self._faded == len(self._out) and self._wish is not None:
                self._coming, self._faded, self._wish = self._wish.loop, 0, None
            left = stream.shape[1] - done
            count = min(left, len(self._out) - self._faded) if self._faded < len(self._out) else left
            out[:, done : done + count] = self._part(stream[:, done : done + count])
            self._place += count
            done += count
        return out

    def _part(self, stream: Floats) -> Floats:
        """Samples that lie wholly inside or outside a crossfade."""
        count, start = stream.shape[1], self._faded
        if start == len(self._out):
            return self._sounding(self._now, stream)
        self._faded += count
        leaves = self._out[start : self._faded] * self._sounding(self._now, stream)
        comes = self._into[start : self._faded] * self._sounding(self._coming, stream)
        if self._faded == len(self._out):
            self._now, self._coming = self._coming, None
        return leaves + comes

    def _sounding(self, loop: Floats | None, stream: Floats) -> Floats:
        if loop is None:
            return stream
        return loop[None, (self._place + np.arange(stream.shape[1])) % len(loop)]
