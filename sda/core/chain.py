"""From log-mel to sound at the output rate: vocoder, resampler, stage, as one stream.

What the vocoder looks ahead and the resampler holds back is cut off at the start, so that output sample 0 belongs to the
beginning of mel frame 0; only the stage's few samples of look-ahead remain (`delay`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.core.file_resample import FileResampler
from sda.core.resample import Resampler
from sda.core.stage import Stage, StageSettings, StageState
from sda.core.vocoder import Vocoder

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ChainState:
    """The states of the three streams and how much of their start is still to be cut."""

    vocoder: Any
    resampler: Any
    stage: StageState
    vocoder_skip: int  # samples at the vocoder's rate
    resampler_skip: int  # samples at the output rate


@dataclass(frozen=True, slots=True)
class Past:
    """The magnitudes [M, n] that a vocoder has not yet forgotten, in the steps in which it got them.

    Beside each is what went on in the vocoder before it (`Vocoder.going_on`). Within a step that is not known, so where there
    is something a past begins with a whole step.
    """

    steps: tuple[tuple[Floats, Floats | None], ...] = ()

    @property
    def going_on(self) -> Floats | None:
        """Before all of it; None also where it is empty, when the vocoder stands as it starts."""
        return self.steps[0][1] if self.steps else None

    def magnitudes(self, bands: int) -> Floats:
        """All of it [M, n]."""
        return np.concatenate([np.zeros((bands, 0), np.float32), *(step for step, _ in self.steps)], axis=1)

    def and_then(self, magnitudes: Floats, going_on: Floats | None, memory: int) -> Past:
        """With one step more, and without what `memory` frames can do without."""
        steps = (*self.steps, (magnitudes, going_on))
        left = sum(step.shape[1] for step, _ in steps)
        while left - steps[0][0].shape[1] >= memory:
            left -= steps[0][0].shape[1]
            steps = steps[1:]
        first, before = steps[0]
        return Past(steps) if before is not None else Past(((first[:, max(0, left - memory) :], None), *steps[1:]))

    def heard_by(self, vocoder: Vocoder, state: Any) -> Past:
        """What it is to another vocoder, which starts behind it in this state: nothing, if something only begins there."""
        if vocoder.going_on(state) is None:
            return Past(tuple((step, None) for step, _ in self.steps))
        return self if all(going_on is not None for _, going_on in self.steps) else Past()


class Chain:
    """Log-mel [M, F] of the vocoder's grid to sound [C, T] at `rate` Hz.

    channels: 2, which all that `StageSettings.space` says needs, or 1, plainly mono. for_file: soxr changes the rate, which
    keeps more of the treble and holds back more than live playing can wait for; such a chain's states serve once.
    """

    def __init__(self, vocoder: Vocoder, rate: int, *, channels: int = 2, for_file: bool = False) -> None:
        self.vocoder, self.rate, self.channels = vocoder, rate, channels
        self.resampler: Resampler | FileResampler = (FileResampler if for_file else Resampler)(vocoder.rate, rate)
        self.stage = Stage(rate, space=channels == 2)
        self.delay = self.stage.delay  # output samples

    def like(self, other: Chain) -> bool:
        """Whether a state of the other's serves this chain, its vocoder's part excepted."""
        kinds = type(self.resampler), self.rate, self.channels, self.vocoder.rate
        return kinds == (type(other.resampler), other.rate, other.channels, other.vocoder.rate)

    @property
    def reaction(self) -> float:
        """Seconds between a mel frame's arrival and its sound's departure, at the least."""
        return self.vocoder.look_ahead / self.vocoder.rate + (self.resampler.delay + self.stage.delay) / self.rate

    def block_for(self, samples: int) -> int:
        """Frames a step by which so many output samples, those of the delay not counted, are made with the least work."""
        late = self.resampler.delay + self.resampler.held_back + self.delay
        frames = ((samples + late) / self.rate * self.vocoder.rate + self.vocoder.look_ahead) / self.vocoder.hop
        return self.vocoder.block_of(math.ceil(frames) + 1)  # one more for what is rounded

    @property
    def lag(self) -> int:
        """Output samples that come for a frame after those that had come before it, at the least; the stage's not counted."""
        return math.ceil(self.vocoder.look_ahead * self.rate / self.vocoder.rate) + round(self.resampler.delay) - 1

    def place(self, frames: int) -> int:
        """The first output sample, those of the stage's delay not counted, that belongs to what comes after so many frames."""
        return math.ceil(frames * self.vocoder.hop * self.rate / self.vocoder.rate)

    def start(
        self,
        settings: StageSettings | None = None,
        *,
        frames: int = 0,
        reduction: float = 0.0,
        going_on: Floats | None = None,
    ) -> ChainState:
        """The state before the first frame, silence behind it; the sound will fade in, the space be as in `settings`.

        frames: those that came before, all of them silence; what comes first is then output sample `place(frames)`.
        reduction: of the limiter, 0..1. going_on: see `Vocoder.start`.
        """
        skip, space = round(self.resampler.delay), (settings or StageSettings()).space
        stage = self.stage.start(StageSettings(space=space), reduction)
        resampler = self.resampler.start(frames * self.vocoder.hop)
        vocoder = self.vocoder.start(frames, going_on)
        return ChainState(vocoder, resampler, stage, self.vocoder.look_ahead, skip)

    def after(
        self, log_mel: Floats, settings: StageSettings, *, frames: int, reduction: float, going_on: Floats | None = None
    ) -> tuple[int, ChainState]:
        """As `start`, but frames [M, F], whose sound is over, have come behind the silence: the next output sample, too.

        going_on: before those frames.
        """
        state = self.start(settings, frames=frames, reduction=reduction, going_on=going_on)
        if not log_mel.shape[1]:
            return self.place(frames), state
        sound, past = self.sound(log_mel, state)
        _, past = self.finish(sound, past, settings)
        known = replace(past.stage.limiter, released=state.stage.limiter.released)
        fading_in = replace(past.stage, amplitudes=state.stage.amplitudes, signal=state.stage.signal, limiter=known)
        return self.place(frames) + sound.shape[1], replace(past, stage=fading_in)

    def step(self, log_mel: Floats, settings: StageSettings, state: ChainState) -> tuple[Floats, ChainState]:
        """Frames [M, F] to the samples [C, T] that they complete."""
        return self.finish(*self.sound(log_mel, state), settings)

    def sound(self, log_mel: Floats, state: ChainState) -> tuple[Floats, ChainState]:
        """Frames [M, F] to the samples [1, T] that they complete, as they are before the stage."""
        audio, vocoder = self.vocoder.step(log_mel, state.vocoder)
        return self._resampled(audio, state, vocoder)

    def rest(self, frames: int, after: int, state: ChainState) -> tuple[Floats, ChainState]:
        """Silence [1, T] in place of `frames` frames, `after` which many the vocoder starts anew."""
        silence = np.zeros(frames * self.vocoder.hop, np.float32)
        return self._resampled(silence, state, self.vocoder.start(after))

    def finish(self, sound: Floats, state: ChainState, settings: StageSettings) -> tuple[Floats, ChainState]:
        """Samples [1, T] through the stage alone: [C, T]."""
        out, stage = self.stage.step(sound, settings, state.stage)
        return out, replace(state, stage=stage)

    def _resampled(self, audio: Floats, state: ChainState, vocoder: Any) -> tuple[Floats, ChainState]:
        cut = min(state.vocoder_skip, len(audio))
        resampled, resampler = self.resampler.step(audio[None, cut:], state.resampler)  # [1, T]
        late = min(state.resampler_skip, resampled.shape[1])
        skips = state.vocoder_skip - cut, state.resampler_skip - late
        return resampled[:, late:], ChainState(vocoder, resampler, state.stage, *skips)
