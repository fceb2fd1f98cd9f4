"""Where a model meets its vocoder: linear magnitudes on the model's grid to the mel that the vocoder eats, as a stream.

Where the grids are the same this is arithmetic on each number; where they differ, the adapter stands between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sda.core import grid
from sda.core.adapter import AdapterState, MelAdapter
from sda.core.vocoder import VocoderSpec
from sda.errors import ModelError
from sda.spec import LOG1P_POWER, LOG_MEL, MelSpec

Floats = NDArray[np.float32]


class Feed(Protocol):
    """A stream of mel frames. Invariant: `cat(steps)` is the same whatever the blocks."""

    @property
    def look_ahead(self) -> float:
        """Seconds by which it answers late."""
        ...

    def start(self) -> Any:
        """The state before the first frame."""
        ...

    def step(self, magnitudes: Floats, state: Any) -> tuple[Floats, Any]:
        """Linear magnitudes [M, n] of the model's grid to the vocoder's frames [M', n'] that they complete, maybe none."""
        ...

    def rest(self, frames: int, state: Any) -> tuple[int, Any]:
        """How many frames of the vocoder's so much silence completes."""
        ...


def between(model: MelSpec, vocoder: VocoderSpec) -> Feed:
    """The feed from a model's grid to a vocoder. Raises `ModelError` where this program knows no way."""
    if vocoder.eats == LOG_MEL and model == vocoder.grid:
        return Pointwise(lambda magnitudes: grid.to_log(magnitudes, model))
    if vocoder.eats == LOG1P_POWER and model == vocoder.grid:
        return Pointwise(lambda magnitudes: np.log1p(np.square(magnitudes)))
    if vocoder.eats == LOG_MEL:
        return Adapted(MelAdapter(model, vocoder.grid))
    raise ModelError(f"{vocoder.name}: it was trained on the mel powers of another model's grid and suits no other")


class Pointwise:
    """Two ends on one grid."""

    look_ahead = 0.0

    def __init__(self, convert: Callable[[Floats], Floats]) -> None:
        self._convert = convert

    def start(self) -> None:
        return None

    def step(self, magnitudes: Floats, state: None) -> tuple[Floats, None]:
        return self._convert(magnitudes), None

    def rest(self, frames: int, state: None) -> tuple[int, None]:
        return frames, None


class Adapted:
    """An old model's grid of powers before a vocoder of log-mel."""

    def __init__(self, adapter: MelAdapter) -> None:
        self._adapter = adapter

    @property
    def look_ahead(self) -> float:
        return self._adapter.look_ahead

    def start(self) -> AdapterState:
        return self._adapter.start()

    def step(self, magnitudes: Floats, state: AdapterState) -> tuple[Floats, AdapterState]:
        return self._adapter.step(np.square(magnitudes), state)

    def rest(self, frames: int, state: AdapterState) -> tuple[int, AdapterState]:
        seen = state.seen + frames
        made = self._adapter.out_count(seen)
        silence = np.zeros((self._adapter.target.n_mels, 1), np.float32)
        return made - state.made, replace(state, seen=seen, made=made, last=silence)


def fed(magnitudes: Iterable[Floats], feed: Feed) -> Iterator[Floats]:
    """A whole stream of blocks [M, n] through a feed: blocks [M', n'], none of them empty."""
    state = feed.start()
    for block in magnitudes:
        mel, state = feed.step(block, state)
        if mel.shape[1]:
            yield mel
