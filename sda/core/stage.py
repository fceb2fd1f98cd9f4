"""The last box before the ring or the file: space, play, gain and limiter, none of which ever clicks.

Play and gain are one amplitude, 0 where it does not play or the gain is -60 dB. Its steps go through an FIR shaped as half a
sine of 5 ms, whose response to a step is the raised cosine (1 - cos(pi t / 5 ms)) / 2; steps that follow each other faster add
up. Where one channel becomes two, `sda.core.space` does it first, so that no echo outlasts `play`. The limiter
(`sda.core.limiter`) comes last, with one gain for all channels so that the image stays; on or off it costs the same delay and
its switch fades the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sda.core.limiter import CEILING, Limiter, LimiterState
from sda.core.space import Space, SpaceSettings, SpaceState

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RAMP = 5e-3  # seconds
SILENCE_DB = -60.0  # at and below which the gain is no sound at all
LOUDEST = 1e3  # +60 dBFS: inputs are clipped there, so that no arithmetic below overflows


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """Where the stage is heading from a block's first sample on."""

    play: bool = False
    gain_db: float = 0.0
    limiter: bool = True
    space: SpaceSettings = field(default_factory=SpaceSettings)  # of a stage that has space

    @property
    def amplitude(self) -> float:
        """Factor on the samples."""
        return 10 ** (self.gain_db / 20) if self.play and self.gain_db > SILENCE_DB else 0.0


@dataclass(frozen=True, slots=True)
class StageState:
    """What later samples need of earlier ones."""

    amplitudes: Doubles  # [ramp - 1 + delay of space] targets
    switches: Doubles  # [ramp - 1 + delay of the limiter] targets of the limiter's share, 0 or 1
    signal: Floats  # [1 or C, delay of the limiter], behind the gain
    limiter: LimiterState
    space: SpaceState | None  # of a stage that has space


class Stage:
    """Space, play, gain and limiter at `rate` Hz. Invariant: `cat(steps)` is the same whatever the block sizes.

    A stage with space takes one channel and gives two; one without gives as many as it takes. `delay` is in samples (1.5 ms,
    with space 2.0 ms). While the limiter is wholly on, 5 ms after its switch, |y| <= 10 ** (-1 / 20) exactly,
    whatever comes in: NaN counts as 0, infinity as loud.
    """

    def __init__(self, rate: int, *, space: bool = False) -> None:
        self.rate = rate
        self._limiter = Limiter(rate)
        self._space = Space(rate) if space else None
        self._early = self._space.delay if self._space else 0  # samples by which the gain is known before its sound
        self.delay = self._limiter.delay + self._early
        ramp = max(1, round(RAMP * rate))
        kernel = np.sin(np.pi * (np.arange(ramp) + 0.5) / ramp)
        self._kernel = kernel / kernel.sum()

    def start(self, settings: StageSettings | None = None, reduction: float = 0.0) -> StageState:
        """Silence before the first sample, `settings` (not playing, if None) and the limiter's reduction already reached."""
        settings = settings or StageSettings()
        return StageState(
            np.full(len(self._kernel) - 1 + self._early, settings.amplitude),
            np.full(len(self._kernel) - 1 + self._limiter.delay, float(settings.limiter)),
            np.zeros((1, self._limiter.delay), np.float32),
            self._limiter.start(reduction),
            self._space.start(settings.space) if self._space else None,
        )

    def step(self, x: Floats, settings: StageSettings, state: StageState) -> tuple[Floats, StageState]:
        """The next block [C, T] -> the block [C, T] heard `delay` samples later; the channels share one gain.

        With space C is 1 on the way in and 2 on the way out. Settings that differ from the last step's are ramped to from
        this block's first sample on.
        """
        length = x.shape[1]
        if not length:
            return (np.zeros((2, 0), np.float32) if self._space else x), state
        amplitudes = np.concatenate([state.amplitudes, np.full(length, settings.amplitude)])
        switches = np.concatenate([state.switches, np.full(length, float(settings.limiter))])
        wide, space = _bounded(x), state.space
        if self._space and space:
            wide, space = self._space.step(wide, settings.space, space)
        loud = wide * self._ramp(amplitudes[: len(amplitudes) - self._early]).astype(np.float32)
        late = self._limiter.delay
        signal = np.concatenate([np.broadcast_to(state.signal, (len(loud), late)), loud], axis=1)
        gains, limiter = self._limiter.step(np.abs(loud).max(axis=0).astype(np.float64), state.limiter)
        share = self._ramp(switches[: len(switches) - late])
        y = signal[:, :length] * (1 - share * (1 - gains)).astype(np.float32)
        bound = np.where(share == 1, CEILING, np.float32(np.inf))  # takes off the product's last bit of rounding
        after = StageState(amplitudes[length:], switches[length:], signal[:, length:].copy(), limiter, space)
        return np.clip(y, -bound, bound), after

    def _ramp(self, targets: Doubles) -> Doubles:
        """Targets [ramp - 1 + T] -> their smoothed course [T], exactly the target where it has stood for a ramp."""
        width = len(self._kernel)
        changes = np.concatenate([[0], np.cumsum(np.diff(targets) != 0)])  # up to each target
        settled = changes[width - 1 :] == changes[: len(changes) - width + 1]
        if settled.all():
            return targets[width - 1 :]
        return np.where(settled, targets[width - 1 :], np.convolve(targets, self._kernel, "valid"))


def _bounded(x: Floats) -> Floats:
    return np.clip(np.nan_to_num(x, nan=0.0, posinf=LOUDEST, neginf=-LOUDEST), -LOUDEST, LOUDEST).astype(np.float32)
