"""Grains: overlapping windows of decoded mel, laid one after another so that a point in latent space sounds on for ever.

The decoder turns a latent point into about a second of mel. A grain is a window of L frames of it, L = min(the whole,
4 / density), so that at most four sound at once. Frames are added as linear magnitudes and divided by the sum of the
window weights where that exceeds 1 (Roads 2001, *Microsound*, ch. 3, for the windows). Measured at points that stand
still (tests/benchmarks/bench_grains.py): at 2 to 16 grains a second the level flutters alike in both domains (within
0.3 dB), but where windows stand alone, at 1 a second, ln turns each into a spike (mean level -41 dB against -10 dB), and
between unrelated grains it loses .68 of the loudness range, since one quiet grain silences the others. A mean of linear
magnitudes keeps the mean level, because magnitudes have no phases to cancel.

Each grain strays from the sliders' point by `variation` times a draw from the recordings' own covariance. The draws
form a first-order autoregressive walk, whose memory fades at `drift` Hz. Everything random comes from a counter-based
generator keyed by (seed, grain number): the same settings give the same sound however the stream is cut.

A struck grain begins at once and with its whole level, from there on it fades. It is laid over the stream of the others: as
one more of their mean it would be a quarter of what sounds, and the others would duck under it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CELL = 2  # frames between two looks at the latent point
OVERLAP = 4.0  # grains that may sound at once
STRUCK = 8  # struck ones beside them


@dataclass(frozen=True, slots=True)
class GrainSettings:
    """What a listener sets; see the registry for ranges."""

    variation: float = 0.3
    drift: float = 0.25  # Hz
    density: float = 2.0  # onsets per second
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Grain:
    """One sounding window."""

    start: int  # frame of the stream at which it begins
    length: int  # frames
    offset: int  # first frame of the decoder's output that it shows
    stray: Floats  # [Z], its distance from the sliders' point
    magnitude: Floats | None  # [M, length], None until decoded
    level: float = 1.0
    struck: bool = False


@dataclass(frozen=True, slots=True)
class GrainState:
    """Where the stream stands: a value, so that it can be kept and taken up again."""

    frame: int  # the next frame
    phase: float  # of the onset clock; an onset falls where it reaches 1
    number: int  # of the next grain
    walk: Floats  # [K], in units of the recordings' standard deviations
    last_onset: int  # frame
    grains: tuple[Grain, ...]
    point: Floats | None  # [Z] at which the sounding grains were decoded


class Grains:
    """The stream of mel magnitudes around a moving latent point."""

    def __init__(self, decode: Callable[[Floats], Floats], frames: int, frame_rate: float, spread: Floats) -> None:
        """decode: latent points [B, Z] to mel magnitudes [B, M, `frames`]; frame_rate in Hz; spread: `LatentMap.spread`."""
        self.decode, self.frames, self.frame_rate, self.spread = decode, frames, frame_rate, spread

    def start(self) -> GrainState:
        """The state before any grain; the first one begins with the first frame."""
        return GrainState(0, 1.0, 0, np.zeros(self.spread.shape[1], np.float32), 0, (), None)

    def cell(self, point: Floats, settings: GrainSettings, state: GrainState) -> tuple[Floats, GrainState]:
        """The next `CELL` frames of mel magnitudes [M, CELL] around `point` [Z]."""
        first = state.frame
        state = self._decoded(point, self._with_onsets(settings, state))
        out = np.zeros((self._bands(state), CELL), np.float32)
        for struck in (False, True):
            out += self._mixed([grain for grain in state.grains if grain.struck is struck], first, len(out))
        sounding = tuple(g for g in state.grains if g.start + g.length > first + CELL)
        return out, replace(state, grains=sounding, frame=first + CELL)

    def struck(self, level: float, settings: GrainSettings, state: GrainState) -> GrainState:
        """A grain that begins now; of those that were struck only the last few go on, so that no drummer is too fast."""
        state = self._with_grain(state.frame, settings, state, level=level, struck=True)
        surplus = max(0, sum(grain.struck for grain in state.grains) - STRUCK)
        oldest = [number for number, grain in enumerate(state.grains) if grain.struck][:surplus]
        return replace(state, grains=tuple(g for number, g in enumerate(state.grains) if number not in oldest))

    def _mixed(self, grains: Sequence[Grain], first: int, bands: int) -> Floats:
        """The sum [M, CELL] of grains from a frame on, divided by that of their weights where it exceeds 1."""
        out, weights = np.zeros((bands, CELL), np.float32), np.zeros(CELL, np.float32)
        for grain in grains:
            assert grain.magnitude is not None
            begin, end = max(0, first - grain.start), min(grain.length, first + CELL - grain.start)
            at = slice(begin + grain.start - first, end + grain.start - first)
            window = np.float32(grain.level) * (_stroke if grain.struck else _hann)(grain.length)[begin:end]
            out[:, at] += window * grain.magnitude[:, begin:end]
            weights[at] += window
        out /= np.maximum(1, weights)
        return out

    def _with_onsets(self, settings: GrainSettings, state: GrainState) -> GrainState:
        """Start the grains whose onsets fall into the coming cell."""
        for frame in range(state.frame, state.frame + CELL):
            if state.phase >= 1 and settings.density > 0:
                state = self._with_grain(frame, settings, replace(state, phase=state.phase - 1))
            state = replace(state, phase=min(state.phase + settings.density / self.frame_rate, 2.0))
        return state

    def _with_grain(
        self, frame: int, settings: GrainSettings, state: GrainState, *, level: float = 1.0, struck: bool = False
    ) -> GrainState:
        length = self.frames
        if settings.density > 0:
            length = min(length, max(CELL, round(OVERLAP / settings.density * self.frame_rate)))
        random = np.random.Generator(np.random.Philox(key=[settings.seed, state.number]))
        draws = random.standard_normal(len(state.walk)).astype(np.float32)
        seconds = (frame - state.last_onset) / self.frame_rate
        memory = 0.0 if state.number == 0 else math.exp(-2 * math.pi * settings.drift * seconds)
        walk = np.float32(memory) * state.walk + np.float32(math.sqrt(1 - memory**2)) * draws
        slack = (self.frames - length) / 2
        offset = round(slack * (1 + settings.variation * random.uniform(-1, 1)))
        grain = Grain(frame, length, offset, np.float32(settings.variation) * (self.spread @ walk), None, level, struck)
        grains = (*state.grains, grain)
        return replace(state, number=state.number + 1, walk=walk, last_onset=frame, grains=grains)

    def _decoded(self, point: Floats, state: GrainState) -> GrainState:
        """Decode in one batch what has no sound yet, or everything if the point moved."""
        moved = state.point is None or not np.array_equal(point, state.point)
        stale = [i for i, g in enumerate(state.grains) if moved or g.magnitude is None]
        if not stale:
            return state
        decoded = self.decode(np.stack([point + state.grains[i].stray for i in stale]))  # [B, M, frames]
        grains = list(state.grains)
        for i, magnitude in zip(stale, decoded, strict=True):
            offset, length = grains[i].offset, grains[i].length
            grains[i] = replace(grains[i], magnitude=magnitude[:, offset : offset + length])
        return replace(state, grains=tuple(grains), point=point)

    def _bands(self, state: GrainState) -> int:
        """Bands [M] of the decoder's, which is asked for them once at the most."""
        known = next((len(grain.magnitude) for grain in state.grains if grain.magnitude is not None), None)
        return self._asked_bands if known is None else known

    @cached_property
    def _asked_bands(self) -> int:
        return int(self.decode(np.zeros((1, self.spread.shape[0]), np.float32)).shape[1])


@lru_cache(maxsize=64)
def _hann(length: int) -> Floats:
    """Window weights [length], symmetric, without zeros at the ends."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(length) + 0.5) / length)).astype(np.float32)


@lru_cache(maxsize=64)
def _stroke(length: int) -> Floats:
    """Window weights [length] of a struck grain: up within a cell, down over the rest as a Hann window does."""
    rise = (np.arange(CELL) + 1) / (CELL + 1)
    fall = 0.5 + 0.5 * np.cos(np.pi * (np.arange(length - CELL) + 0.5) / max(1, length - CELL))
    return np.concatenate([rise, fall]).astype(np.float32)
