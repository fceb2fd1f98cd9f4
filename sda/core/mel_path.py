"""From slider positions to mel magnitudes, cell by cell: glide, latent point, grains, and freeze, which holds what sounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sda.core import settle
from sda.core.glide import Glide
from sda.core.grains import CELL, Grains, GrainState
from sda.core.latent import LatentMap
from sda.core.settings import Settings
from sda.core.sound_map import SoundMap
from sda.core.travel import Travel
from sda.core.vocoder import Vocoder
from sda.params import Value
from sda.spec import MelSpec

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Voice:
    """A model ready to sound: its latent map, its decoder on its own grid, and a vocoder, maybe on another."""

    latent_map: LatentMap
    slider_names: tuple[str, ...]
    decode: Callable[[Floats], Floats]  # [B, Z] -> mel magnitudes [B, M, frames]
    frames: int  # decoder length
    grid: MelSpec  # on which the grains add
    vocoder: Vocoder
    id: str = ""  # of the model
    sound_map: SoundMap | None = None

    def like(self, other: Voice) -> bool:
        """Whether it is of the same model, and its vocoder hears as far ahead on the same grid."""
        spec, theirs = self.vocoder.spec, other.vocoder.spec
        return (
            bool(self.id)
            and (self.id, self.grid, self.frames) == (other.id, other.grid, other.frames)
            and self.latent_map.spread.shape == other.latent_map.spread.shape
            and (spec.grid, spec.eats, spec.look_ahead) == (theirs.grid, theirs.eats, theirs.look_ahead)
        )


@dataclass(frozen=True, slots=True)
class PathState:
    """Where the stream of magnitudes stands: a value, so that it can be kept and taken up again."""

    glide: Glide
    travel: Travel
    rest: settle.Rest
    grains: GrainState
    held: Floats | None  # [M, 1], the last frame, which freeze holds

    def undecoded(self) -> PathState:
        """The same without what the decoder makes again."""
        grains = tuple(replace(grain, magnitude=None) for grain in self.grains.grains)
        return replace(self, grains=replace(self.grains, grains=grains, point=None))


class MelPath:
    """The stream of mel magnitudes of one model."""

    def __init__(self, voice: Voice) -> None:
        self._map, self._frames = voice.latent_map, voice.frames
        self._sound_map = voice.sound_map or SoundMap.empty(len(voice.latent_map.home))
        self._cells_a_ms = voice.grid.frame_rate / CELL / 1000
        self._grains = Grains(voice.decode, voice.frames, voice.grid.frame_rate, voice.latent_map.spread)
        self._measure = settle.measuring(voice.decode, voice.grid, voice.latent_map)

    def start(
        self, glide: Glide, settings: Settings, home: Floats | None = None, values: Mapping[str, Value] | None = None
    ) -> PathState:
        """Before the first cell, with the grains as dense as they will be.

        home [Z]: not the model's own. values: of the registry, by id, for the rows of travel.
        """
        travel = Travel.at(self._map.home if home is None else home, values or {})
        rest = settle.begin(self._map, glide.position, travel.home(self._sound_map))
        state, settings = PathState(glide, travel, rest, self._grains.start(), None), replace(settings, freeze=False)
        for _ in range(self._frames // CELL):
            _, state = self.cell(settings, state)
        return state

    def cell(self, settings: Settings, state: PathState) -> tuple[Floats, PathState]:
        """The next magnitudes [M, CELL]. While they are frozen sliders move on, and no grain does."""
        glide, travel = state.glide.step(), state.travel.step()
        if settings.freeze and state.held is not None:
            return np.repeat(state.held, CELL, axis=1), replace(state, glide=glide, travel=travel)
        home = travel.home(self._sound_map)
        point, rest = settle.step(self._map, state.rest, glide.position, home, self._measure)
        magnitudes, grains = self._grains.cell(point, settings.grains, state.grains)
        return magnitudes, PathState(glide, travel, rest, grains, magnitudes[:, -1:])

    def moved(self, slider: int, value: float, settings: Settings, state: PathState) -> PathState:
        """A slider, by its number from 1, sent to a value."""
        cells = round(settings.glide_ms * self._cells_a_ms)
        return replace(state, glide=state.glide.to(slider - 1, value, cells))

    def travelled(self, row: str, value: float, settings: Settings, state: PathState) -> PathState:
        """One of the rows of travel sent to a value."""
        return replace(state, travel=state.travel.to(row, value, round(settings.glide_ms * self._cells_a_ms)))

    def place(self, state: PathState) -> tuple[float, float, int] | None:
        """Where on the map it sounds, x, y and the index of the nearest chunk; None without a map."""
        if not len(self._sound_map):
            return None
        return self._sound_map.place(self._map.point(state.glide.position[None], state.rest.home)[0] + state.rest.present)

    def struck(self, velocity: float, settings: Settings, state: PathState) -> PathState:
        """A grain that begins with the next cell, unless all is frozen.

        Its level is the velocity's square, as MIDI's makers recommend (40 dB for a tenth; MMA, RP-036).
        """
        if settings.freeze:
            return state
        return replace(state, grains=self._grains.struck(velocity**2, settings.grains, state.grains))
