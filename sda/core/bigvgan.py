"""BigVGAN-v2 as a vocoder: a stream by exact context, and wholes of any length in bounded memory.

A frame's samples depend on `context` mel frames on either side; at the file's own ends the network sees its padding, and so
it does in the stream. The network is handed in; this file needs neither torch nor a device.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sda.core.vocoder import VocoderSpec
from sda.core.windows import WindowVocoder
from sda.errors import ModelError
from sda.spec import BIGVGAN_GRID, MelSpec

Floats = NDArray[np.float32]
WINDOW = 512  # frames: 42 of context then cost a twelfth more work, and an hour needs no more memory than six seconds


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


class BigVganVocoder(WindowVocoder):
    """A BigVGAN network as a stream and as a whole. One thread at a time may use an object."""

    def __init__(self, network: Waves, *, grid: MelSpec = BIGVGAN_GRID, name: str = "bigvgan", window: int = WINDOW) -> None:
        """grid: of the log-mel that the network was trained on. window: frames that are computed at a time, context apart.

        Raises `ModelError` where the network does not fit the grid.
        """
        config = network.config
        if (config.n_mels, config.hop) != (grid.n_mels, grid.hop):
            found = f"{config.n_mels} bands and {config.hop} samples a frame"
            raise ModelError(f"{name}: found a network of {found}; expected the grid's {grid.n_mels} and {grid.hop}")
        context = config.context
        spec = VocoderSpec(name=name, grid=grid, look_ahead=context * config.hop, memory=context)
        super().__init__(spec, edge=None, window=window)
        self._network = network

    def _sound(self, log_mel: Floats, before: int, after: int) -> Floats:
        return self._network(log_mel)[before * self.hop : (log_mel.shape[1] - after) * self.hop]
