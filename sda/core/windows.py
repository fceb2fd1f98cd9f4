"""A vocoder whose network has no memory, as a stream by exact context and as a whole in bounded memory.

A sample depends on `before` mel frames of the past and on `look_ahead` samples of the future and on nothing beyond them. So
a window of frames with that much around it gives, in its middle, the very samples that the whole would have there.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.core.vocoder import Vocoder, VocoderSpec

Floats = NDArray[np.float32]
State = tuple[Floats, Any]
"""The last frames [M, n] that coming samples depend on, and what frames are given beside the mel. Never changed in place."""


class WindowVocoder(Vocoder):
    """One thread at a time may use an object."""

    def __init__(self, spec: VocoderSpec, *, edge: float | None, window: int) -> None:
        """edge: the mel beyond both ends; None where the network's own padding is there. window: frames that are computed
        at a time, context apart."""
        self.spec, self.window = spec, window
        self._edge, self._future = edge, math.ceil(spec.look_ahead / spec.hop)  # frames of it

    @abstractmethod
    def _sound(self, log_mel: Floats, before: int, after: int) -> Floats:
        """Samples of log_mel [M, F]'s frames but the first `before` and the last `after`, which are surroundings.

        The frames are those of `_with_beside`.
        """

    def _start_beside(self, frame: int) -> Any:
        """What goes on beside the mel, before a frame of this number."""
        return None

    def _with_beside(self, log_mel: Floats, beside: Any) -> tuple[Floats, Any]:
        """Frames [M, F] with what else the network must know of them, and what goes on beside the mel after them."""
        return log_mel, beside

    def _going_on(self, beside: Any) -> Floats | None:
        """Of what goes on beside the mel a copy of what no length of past brings back."""
        return None

    def _taken_up(self, beside: Any, going_on: Floats) -> Any:
        """What goes on beside the mel, with what `_going_on` told in its place."""
        return beside

    def start(self, frame: int = 0, going_on: Floats | None = None) -> State:
        """The state before a frame: an endless edge, or where there is none silence until the first answer."""
        frames = 0 if self._edge is None else self.spec.memory + self._future
        known, beside = self._with_beside(self._beyond(frames), self._start_beside(frame - frames))
        return known, beside if going_on is None else self._taken_up(beside, going_on)

    def going_on(self, state: State) -> Floats | None:
        """What no length of past brings back, where the frames are given anything of the kind beside the mel."""
        return self._going_on(state[1])

    def step(self, log_mel: Floats, state: State) -> tuple[Floats, State]:
        """log_mel [M, F] in nat, F >= 1 -> samples [F * hop], full scale 1, `look_ahead` samples late, and the new state.

        Each call computes its frames and their context around them again: only long blocks pay, see `block_of`.
        """
        assert log_mel.shape[:-1] == (self.spec.grid.n_mels,)
        known, beside = state
        new, beside = self._with_beside(log_mel, beside)
        seen = np.concatenate([known, new], axis=1)
        answered = max(known.shape[1] * self.hop - self.look_ahead, 0)  # samples of the state
        ready = max(seen.shape[1] * self.hop - self.look_ahead, 0)  # samples whose future is known as far as it counts
        silence = np.zeros(log_mel.shape[1] * self.hop - (ready - answered), np.float32)
        audio = np.concatenate([silence, *self._windows(seen, answered, ready)])
        return audio, (seen[:, -(self.spec.memory + self._future) :].copy(), beside)

    def __call__(self, log_mel: Floats) -> Floats:
        """The waveform [hop * F] of a whole log-mel [M, F]: sample hop * j begins frame j; the edge beyond both ends."""
        assert log_mel.shape[:-1] == (self.spec.grid.n_mels,)
        if not log_mel.shape[1]:
            return np.zeros(0, np.float32)
        first = 0 if self._edge is None else self.spec.memory
        whole = np.concatenate([self._beyond(first), log_mel, self._beyond(self._future if first else 0)], axis=1)
        seen, _ = self._with_beside(whole, self._start_beside(-first))
        return np.concatenate(list(self._windows(seen, first * self.hop, (first + log_mel.shape[1]) * self.hop)))

    def block_of(self, frames: int) -> int:
        """As few windows as there can be, equally long, so that the last one has no frames that nobody hears."""
        return math.ceil(frames / max(1, math.ceil(frames / self.window)))

    def _beyond(self, frames: int) -> Floats:
        return np.full((self.spec.grid.n_mels, frames), self._edge or 0.0, np.float32)

    def _windows(self, log_mel: Floats, start: int, end: int) -> Iterator[Floats]:
        """The samples start..end, a window at a time."""
        for place in range(start, end, self.window * self.hop):
            yield self._between(log_mel, place, min(place + self.window * self.hop, end))

    def _between(self, log_mel: Floats, start: int, end: int) -> Floats:
        """The samples start..end, exact as far as log_mel holds their context."""
        first, last = start // self.hop, math.ceil(end / self.hop)  # frames they lie in
        left = max(first - self.spec.memory, 0)
        right = min(math.ceil((end + self.look_ahead) / self.hop), log_mel.shape[1])
        audio = self._sound(np.ascontiguousarray(log_mel[:, left:right]), first - left, right - last)
        return audio[start - first * self.hop : end - first * self.hop]
