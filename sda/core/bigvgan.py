"""BigVGAN-v2 as a vocoder: a stream by exact context, and wholes of any length in bounded memory.

A frame's samples depend on `context` mel frames on either side and on nothing beyond them. So a window of frames with that
much around it gives, in its middle, the very samples that the whole would have there; at the file's own ends, where the
network sees its padding, a window ends too. The network is handed in; this file needs neither torch nor a device.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sda.core.vocoder import Vocoder, VocoderSpec
from sda.errors import ModelError
from sda.spec import BIGVGAN_GRID, MelSpec

Floats = NDArray[np.float32]
WINDOW = 512  # frames: 42 of context then cost a twelfth more work, and an hour needs no more memory than six seconds
State = Floats
"""The last mel frames [M, at most 2 * context]; fewer near the beginning, none at the start. Never changed in place."""


class Shape(Protocol):
    """What must be known of a network."""

    @property
    def n_mels(self) -> int: ...
    @property
    def hop(self) -> int: ...
    @property
    def context(self) -> int: ...


class Waves(Protocol):
    """A network on its device: `sda._vendor.bigvgan.runner.Runner`."""

    @property
    def config(self) -> Shape: ...
    def __call__(self, log_mel: Floats) -> Floats:
        """log_mel [M, F] in nat, F >= 1 -> samples [hop * F] in -1..1, the network's padding beyond both edges."""
        ...


class BigVganVocoder(Vocoder):
    """A BigVGAN network as a stream and as a whole. One thread at a time may use an object."""

    def __init__(self, network: Waves, *, grid: MelSpec = BIGVGAN_GRID, name: str = "bigvgan", window: int = WINDOW) -> None:
        """grid: of the log-mel that the network was trained on. window: frames that are computed at a time, context apart.

        Raises `ModelError` where the network does not fit the grid.
        """
        config = network.config
        if (config.n_mels, config.hop) != (grid.n_mels, grid.hop):
            found = f"{config.n_mels} bands and {config.hop} samples a frame"
            raise ModelError(f"{name}: found a network of {found}; expected the grid's {grid.n_mels} and {grid.hop}")
        self._network, self._context, self.window = network, config.context, window
        self.spec = VocoderSpec(name=name, grid=grid, look_ahead=config.context * config.hop)

    def start(self) -> State:
        """The state before the first frame; its first `look_ahead` samples are silence."""
        return np.zeros((self.spec.grid.n_mels, 0), np.float32)

    def step(self, log_mel: Floats, state: State) -> tuple[Floats, State]:
        """log_mel [M, F] in nat, F >= 1 -> samples [F * hop] in -1..1, `look_ahead` samples late, and the new state.

        Each call computes its frames and up to 2 * context around them again: only long blocks pay, see `block_of`.
        """
        assert log_mel.shape[:-1] == (self.spec.grid.n_mels,)
        known, seen = state.shape[1], np.concatenate([state, log_mel], axis=1)
        answered = max(known - self._context, 0)  # frames of the state
        ready = max(seen.shape[1] - self._context, 0)  # frames whose future is known as far as it counts
        silence = np.zeros((log_mel.shape[1] - (ready - answered)) * self.hop, np.float32)
        return np.concatenate([silence, *self._windows(seen, answered, ready)]), seen[:, -2 * self._context :].copy()

    def __call__(self, log_mel: Floats) -> Floats:
        """The waveform [hop * F] of a whole log-mel [M, F]: sample hop * j begins frame j; the edges are the network's own."""
        assert log_mel.shape[:-1] == (self.spec.grid.n_mels,)
        return np.concatenate([np.zeros(0, np.float32), *self._windows(log_mel, 0, log_mel.shape[1])])

    def block_of(self, frames: int) -> int:
        """As few windows as there can be, equally long, so that the last one has no frames that nobody hears."""
        return math.ceil(frames / max(1, math.ceil(frames / self.window)))

    def _windows(self, log_mel: Floats, start: int, end: int) -> Iterator[Floats]:
        """Samples of the frames start..end, a window at a time."""
        for place in range(start, end, self.window):
            yield self._between(log_mel, place, min(place + self.window, end))

    def _between(self, log_mel: Floats, start: int, end: int) -> Floats:
        """Samples of the frames start..end, exact as far as log_mel holds their context."""
        left, right = max(start - self._context, 0), min(end + self._context, log_mel.shape[1])
        audio = self._network(np.ascontiguousarray(log_mel[:, left:right]))
        return audio[(start - left) * self.hop : (end - left) * self.hop]
