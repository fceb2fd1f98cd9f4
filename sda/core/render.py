"""The signal path of one model, as DESIGN draws it: controls, latent path, decoder, grains, feed, vocoder, resampler, stage.

Live and offline are the same object; they differ in who asks for the next block. A block is a whole number of cells
(2 mel frames, about 23 ms); a changed control acts at the next block's first frame, or its first sample for stage rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sda.core import feed, settle
from sda.core.chain import Chain
from sda.core.grains import CELL, Grains, GrainSettings
from sda.core.head import Place
from sda.core.latent import LatentMap
from sda.core.loops import Looper
from sda.core.space import SpaceSettings
from sda.core.stage import StageSettings
from sda.core.vocoder import Vocoder
from sda.errors import ControlError
from sda.params import PARAMS, Param, Value, check, slider_rows
from sda.spec import MelSpec

Floats = NDArray[np.float32]

ROWS_OF_SPACE = ("spatial", "width", "azimuth", "elevation", "distance")
RING_OUT_CELLS = 10  # 0.23 s after play went off, far more than its ramp, the networks rest


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


@dataclass(frozen=True, slots=True)
class Glide:
    """Slider positions [S] on their way: each moves evenly until it has arrived."""

    position: NDArray[np.float64]
    target: NDArray[np.float64]
    cells_left: NDArray[np.int64]

    def to(self, index: int, target: float, cells: int) -> Glide:
        """One slider sent to a new target, to arrive after so many cells (0: at once)."""
        targets, left, position = self.target.copy(), self.cells_left.copy(), self.position.copy()
        targets[index], left[index] = target, cells
        if cells == 0:
            position[index] = target
        return Glide(position, targets, left)

    def after(self, names: tuple[str, ...], other: Glide, others: tuple[str, ...]) -> Glide:
        """This glide of sliders by these names, those that another one has as well being where they are there."""
        pairs = [(names.index(name), others.index(name)) for name in names if name in others]
        mine, its = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        position, target, left = self.position.copy(), self.target.copy(), self.cells_left.copy()
        position[mine], target[mine], left[mine] = other.position[its], other.target[its], other.cells_left[its]
        return Glide(position, target, left)

    def step(self) -> Glide:
        """One cell later."""
        moving = self.cells_left > 0
        if not moving.any():
            return self
        share = 1 / np.maximum(1, self.cells_left)
        position = np.where(self.cells_left <= 1, self.target, self.position + (self.target - self.position) * share)
        return Glide(np.where(moving, position, self.position), self.target, np.maximum(0, self.cells_left - 1))


def _moved(space: SpaceSettings, identity: str, value: Value) -> SpaceSettings:
    """The space with one of its rows at a new value."""
    if identity == "spatial":
        return replace(space, spatial=str(value))
    if identity == "width":
        return replace(space, width=float(value))
    place = {"azimuth": space.place.azimuth, "elevation": space.place.elevation, "distance": space.place.distance}
    return replace(space, place=Place(**{**place, identity: float(value)}))


def space_of(values: Mapping[str, Value]) -> SpaceSettings:
    """What the rows of space among `values` say, defaults for the rest. Raises `ControlError` for what a row does not take."""
    space = SpaceSettings()
    for row in PARAMS:
        if row.id in ROWS_OF_SPACE:
            space = _moved(space, row.id, check(row, values.get(row.id, row.default)))
    return space


class Renderer:
    """One model's endless sound, in blocks at the output rate."""

    def __init__(
        self,
        voice: Voice,
        rate: int,
        values: Mapping[str, Value] | None = None,
        *,
        channels: int = 2,
        for_file: bool = False,
        home: Floats | None = None,
    ) -> None:
        """rate: of the output, in Hz; values: by control id, for whatever is not at its default.

        channels: 1 for sound that will be mono for ever. for_file: see `Chain`. home [Z]: where the sliders start from, if
        not from the model's own home.
        """
        self.voice, self.rate = voice, rate
        self.position = 0  # model-rate samples made so far
        self._rows = {row.id: row for row in (*PARAMS, *slider_rows(voice.slider_names))}
        self._frame_rate = voice.grid.frame_rate
        self._feed = feed.between(voice.grid, voice.vocoder.spec)
        self._grains = Grains(voice.decode, voice.frames, self._frame_rate, voice.latent_map.spread)
        self._chain, self.looper = Chain(voice.vocoder, rate, channels=channels, for_file=for_file), Looper(rate)
        none = np.zeros(len(voice.slider_names))
        self._glide, self._glide_ms = Glide(none, none, none.astype(np.int64)), 0.0
        self._settings, self._stage = GrainSettings(), StageSettings()
        for identity in (values or {}).keys() - self._rows.keys():
            self._row(identity)
        for row in sorted(self._rows.values(), key=lambda r: r.id == "glide"):  # last: the first positions are there at once
            self.set(row.id, (values or {}).get(row.id, row.default))
        self._chain_state, self._grain_state = self._chain.start(self._stage), self._grains.start()
        self._feed_state = self._feed.start()
        self._measure = settle.measuring(voice.decode, voice.grid, voice.latent_map)
        self._home = voice.latent_map.home if home is None else home
        self._rest = settle.begin(voice.latent_map, self._glide.position, self._home)
        self._resting_after = 0  # cells without play
        for _ in range(voice.frames // CELL):  # so that the grains are as dense at the start as they will be
            self._magnitudes()

    @property
    def delay(self) -> float:
        """Seconds from a block's first frame to the first sample that can show it, blocks and buffers not counted."""
        return self._feed.look_ahead + self._chain.reaction

    @property
    def stage_delay(self) -> int:
        """Output samples before the first one that belongs to the sound."""
        return self._chain.delay

    def cells_for(self, samples: int) -> int:
        """Cells a block by which so many output samples are made with the least work."""
        return -(-self._chain.block_for(samples) // CELL)

    @property
    def slider_names(self) -> tuple[str, ...]:
        """Of the model, slider 1 first."""
        return self.voice.slider_names

    def follow(self, other: object) -> int | None:
        """Stand where another renderer of the same model stands: its grains, its sliders on their way, its clock.

        From then on both make as many samples a block. Returns how many of them this one needs to have a past of its own: its
        vocoder starts from silence. None, and nothing is changed, where the two cannot be in step or the other plays a loop.
        """
        if not isinstance(other, Renderer) or other.looper.plays or not self._in_step_with(other):
            return None
        self.position, self._resting_after = other.position, other._resting_after
        self._glide = self._glide.after(self.slider_names, other._glide, other.slider_names)
        self._feed_state, self._rest = other._feed_state, other._rest
        self._grain_state = replace(other._grain_state, point=None)  # sounding grains are decoded anew, by this decoder
        self._chain_state = replace(other._chain_state, vocoder=self.voice.vocoder.start())
        spec = self.voice.vocoder.spec
        return math.ceil((spec.memory * spec.hop / spec.rate + self._chain.reaction) * self.rate)

    def _in_step_with(self, other: Renderer) -> bool:
        mine, its = self.voice, other.voice
        spec, theirs = mine.vocoder.spec, its.vocoder.spec
        return (
            bool(mine.id)
            and (mine.id, self.rate, mine.grid, mine.frames) == (its.id, other.rate, its.grid, its.frames)
            and mine.latent_map.spread.shape == its.latent_map.spread.shape
            and (spec.grid, spec.eats, spec.look_ahead) == (theirs.grid, theirs.eats, theirs.look_ahead)
            and self._chain.like(other._chain)
        )

    def set(self, identity: str, value: Value) -> None:
        """Change a control. Raises `ControlError` for one that does not exist or a value it does not take."""
        row = self._row(identity)
        self._apply(row, check(row, value))

    def _row(self, identity: str) -> Param:
        if identity not in self._rows:
            raise ControlError(f"no control {identity!r}; this model has {', '.join(self._rows)}")
        return self._rows[identity]

    def _apply(self, row: Param, value: Value) -> None:
        if row.id in ROWS_OF_SPACE:
            self._stage = replace(self._stage, space=_moved(self._stage.space, row.id, value))
            return
        if isinstance(value, str) or row.id == "morph":  # names of the model and the vocoder; all these the owner acts on
            return
        match row.id:
            case "play":
                self._stage = replace(self._stage, play=bool(value))
            case "gain":
                self._stage = replace(self._stage, gain_db=float(value))
            case "limiter":
                self._stage = replace(self._stage, limiter=bool(value))
            case "glide":
                self._glide_ms = float(value)
            case "variation":
                self._settings = replace(self._settings, variation=float(value))
            case "drift":
                self._settings = replace(self._settings, drift=float(value))
            case "density":
                self._settings = replace(self._settings, density=float(value))
            case "seed":
                self._settings = replace(self._settings, seed=int(value))
            case _:
                assert row.id.startswith("slider."), row.id
                cells = round(self._glide_ms / 1000 * self._frame_rate / CELL)
                self._glide = self._glide.to(int(row.id.removeprefix("slider.")) - 1, float(value), cells)

    def block(self, cells: int = 1) -> Floats:
        """The next block [C, T] at the output rate, of `cells` times two mel frames."""
        self._resting_after = 0 if self._stage.play else self._resting_after + cells
        if self._resting_after > RING_OUT_CELLS:
            frames, self._feed_state = self._feed.rest(cells * CELL, self._feed_state)
            out, self._chain_state = self._chain.rest(frames, self._stage, self._chain_state)
        else:
            sound = self.looper.mix(self.sound(cells))
            out, self._chain_state = self._chain.finish(sound, self._chain_state, self._stage)
        self.position += cells * CELL * self.voice.grid.hop
        return out

    def sound(self, cells: int = 1) -> Floats:
        """The next samples [1, T] as they are before the stage. A renderer is asked for these or for blocks, not both."""
        magnitudes = np.concatenate([self._magnitudes() for _ in range(cells)], axis=1)  # [M, cells * CELL]
        mel, self._feed_state = self._feed.step(magnitudes, self._feed_state)
        if mel.shape[1] == 0:  # a vocoder of much longer frames may still wait for its next one
            return np.zeros((1, 0), np.float32)
        sound, self._chain_state = self._chain.sound(mel, self._chain_state)
        return sound

    def _magnitudes(self) -> Floats:
        self._glide = self._glide.step()
        point, self._rest = settle.step(self.voice.latent_map, self._rest, self._glide.position, self._home, self._measure)
        magnitudes, self._grain_state = self._grains.cell(point, self._settings, self._grain_state)
        return magnitudes
