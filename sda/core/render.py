"""The signal path of one model, as DESIGN draws it: controls, latent path, decoder, grains, feed, vocoder, resampler, stage.

Live and offline are the same object; they differ in who asks for the next block. A block is a whole number of cells
(2 mel frames, about 23 ms).

A renderer works at two places at once. Its head makes mel, cell by cell; its stage finishes samples, later by what the
vocoder looks ahead. What changes the mel acts at a cell, what changes the stage at a sample, and a block is split there.
Positions are output samples since the engine's start; a cell's is that of the first sample that belongs to it. The networks
rest 0.23 s after `play` went off, which the head learns when it is as far as the stage was, so that this, too, does not
depend on how the stream is cut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sda.core import feed, travel
from sda.core.chain import Chain, Past
from sda.core.glide import Glide
from sda.core.grains import CELL
from sda.core.loops import Looper
from sda.core.mel_path import MelPath, PathState, Voice
from sda.core.schedule import STRIKE, Event, Lane, thinned
from sda.core.settings import Settings
from sda.core.switches import Switches
from sda.errors import ControlError
from sda.params import PARAMS, Kind, Param, Value, check, slider_rows

Floats = NDArray[np.float32]

RING_OUT = 0.23  # s after play went off, far more than its ramp, the networks rest
SLIDER = "slider."
VELOCITY = Param(id=STRIKE, kind=Kind.FLOAT, default=1.0, help="How hard; its square is the level.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where a renderer's head stands: with that alone another one of its kind makes the same samples once it has faded in."""

    samples: int  # of the model's rate, made so far
    values: Mapping[str, Value]  # of every control
    path: PathState  # nothing decoded
    switches: Switches
    reduction: float  # of the limiter, 0..1
    past: Floats | None = None  # [M, n] magnitudes that the vocoder has not yet forgotten, where they are known
    phases: Floats | None = None  # what went on in the vocoder before the past, see `Vocoder.going_on`


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
        self.origin = 0  # stream position of its first output sample
        self.cells = 1  # of a block
        self._rows = {row.id: row for row in (*PARAMS, *slider_rows(voice.slider_names), VELOCITY)}
        self._values = {row.id: row.default for row in self._rows.values() if row.id != STRIKE} | dict(values or {})
        self._settings, positions = Settings(), np.zeros(len(voice.slider_names))
        for identity, value in self._values.items():
            checked = check(self._row(identity), value)
            if identity.startswith(SLIDER):
                positions[int(identity.removeprefix(SLIDER)) - 1] = float(checked)
            self._settings = self._settings.moved(identity, checked)
        self._path = MelPath(voice)
        self._path_state = self._path.start(Glide.at(positions), self._settings, home, self._values)
        self._feed = feed.between(voice.grid, voice.vocoder.spec)
        self._feed_state = self._feed.start()
        self._chain, self.looper = Chain(voice.vocoder, rate, channels=channels, for_file=for_file), Looper(rate)
        self._chain_state, self._made = self._chain.start(self._settings.stage), 0  # output samples
        spec, memory_s = voice.vocoder.spec, self._feed.look_ahead + self._chain.reaction
        memory_s += spec.memory * spec.hop / spec.rate
        self._memory = math.ceil(memory_s * voice.grid.sample_rate / (CELL * voice.grid.hop)) + 1  # cells
        self._past = Past()
        self._lag = math.ceil(self._feed.look_ahead * rate) + self._chain.lag  # samples from the head to the stage
        self._switches = Switches.at(self._settings.stage.play)
        self._head_lane, self._stage_lane = Lane(), Lane()
        self._applied: list[Event] = []

    # Where it stands.

    @property
    def delay(self) -> float:
        """Seconds from a block's first frame to the first sample that can show it, blocks and buffers not counted."""
        return self._feed.look_ahead + self._chain.reaction

    @property
    def stage_delay(self) -> int:
        """Output samples before the first one that belongs to the sound."""
        return self._chain.delay

    @property
    def head(self) -> int:
        """The position of the next cell."""
        return self.origin + math.ceil(self.position * self.rate / self.voice.grid.sample_rate)

    @property
    def made(self) -> int:
        """The position of the next output sample."""
        return self.origin + self._made

    @property
    def place(self) -> tuple[float, float, int] | None:
        """Where on the model's map it sounds now, x, y and the index of the nearest chunk; None without a map."""
        return self._path.place(self._path_state)

    @property
    def slider_names(self) -> tuple[str, ...]:
        """Of the model, slider 1 first."""
        return self.voice.slider_names

    def cells_for(self, samples: int) -> int:
        """Cells a block by which so many output samples are made with the least work."""
        return -(-self._chain.block_for(samples) // CELL)

    def warm(self, samples: int) -> None:
        """Run the networks for so many samples, of which nothing is kept: they are slowest the first time."""
        other, made = copy(self), 0
        other.looper, other._head_lane, other._stage_lane, other._applied = Looper(self.rate), Lane(), Lane(), []
        other._chain_state = self._chain.start()
        other._switches = Switches.at(True)
        while made < samples:
            made += other.block().shape[1]

    def moment(self) -> Moment:
        """Where its head stands, to be kept. The stage's settings are those of now."""
        return Moment(
            samples=self.position,
            values=dict(self._values),
            path=self._path_state.undecoded(),
            switches=self._switches,
            reduction=self._chain_state.stage.limiter.reduction,
            past=self._past.magnitudes(self.voice.grid.n_mels),
            phases=self._past.going_on,
        )

    def begin_at(self, moment: Moment, origin: int) -> None:
        """Stand, before the first block, where another one stood: `made` is then the position of its next cell's samples."""
        done = moment.samples // self.voice.grid.hop
        past = np.zeros((self.voice.grid.n_mels, 0), np.float32) if moment.past is None else moment.past
        past = past[:, max(0, past.shape[1] - done) :]
        frames, self._feed_state = self._feed.rest(done - past.shape[1], self._feed.start())
        self.position, self.origin = moment.samples, origin
        vocoder, stage, reduction, phases = self.voice.vocoder, self._settings.stage, moment.reduction, moment.phases
        self._past = Past(((past, vocoder.going_on(vocoder.start(frames, phases))),))  # none, where it is no such vocoder
        mel, self._feed_state = self._feed.step(past, self._feed_state)
        self._made, self._chain_state = self._chain.after(mel, stage, frames=frames, reduction=reduction, going_on=phases)
        self._path_state, self._switches = moment.path, moment.switches

    def follow(self, other: object) -> int | None:
        """Stand where another renderer of the same model stands: its grains, its sliders on their way, its clock.

        From then on both make as many samples a block. Returns how many this one needs to have a past of its own: its vocoder
        has that of silence and the other's partials. None, and nothing changes, where they cannot be in step or a loop plays.
        """
        if not isinstance(other, Renderer) or other.looper.plays or not self._in_step_with(other):
            return None
        self.position, self.origin, self._made = other.position, other.origin, other._made
        glide = self._path_state.glide.after(self.slider_names, other._path_state.glide, other.slider_names)
        self._path_state = replace(other._path_state.undecoded(), glide=glide)  # by this decoder
        frames, _ = self._feed.rest(self.position // self.voice.grid.hop, self._feed.start())
        vocoder, spec = self.voice.vocoder, self.voice.vocoder.spec
        state = vocoder.start(frames, other.voice.vocoder.going_on(other._chain_state.vocoder))
        self._chain_state, self._past = replace(other._chain_state, vocoder=state), other._past.heard_by(vocoder, state)
        self._feed_state, self._switches = other._feed_state, other._switches
        return math.ceil((spec.memory * spec.hop / spec.rate + self._chain.reaction) * self.rate)

    def _in_step_with(self, other: Renderer) -> bool:
        return self.rate == other.rate and self.voice.like(other.voice) and self._chain.like(other._chain)

    # What is asked of it.

    def set(self, identity: str, value: Value, source: str = "") -> None:
        """Change a control from now on, or strike. Raises `ControlError` for an unknown one or a value it does not take."""
        row = self._row(identity)
        self._lane(row).overtake(identity)
        self._act(Event(self._place(row), identity, check(row, value), source))

    def schedule(self, event: Event) -> None:
        """The same at a position, or now where that is past. Raises as `set`."""
        row = self._row(event.id)
        if event.pos <= self._place(row):
            self.set(event.id, event.value, event.source)
        else:
            self._lane(row).add(replace(event, value=check(row, event.value)))

    def scheduled(self) -> list[Event]:
        """What waits for its position."""
        return [*self._head_lane.waiting, *self._stage_lane.waiting]

    def applied(self) -> list[Event]:
        """What took effect since the last call, each at the position where it did."""
        applied, self._applied = self._applied, []
        return thinned(applied)

    def _row(self, identity: str) -> Param:
        if identity not in self._rows:
            raise ControlError(f"no control {identity!r}; this model has {', '.join(self._rows)}")
        return self._rows[identity]

    def _lane(self, row: Param) -> Lane:
        return self._head_lane if row.spectral else self._stage_lane

    def _place(self, row: Param) -> int:
        return self.head if row.spectral else self.made

    def _act(self, event: Event) -> None:
        """Let an event take effect at its position."""
        self._applied.append(event)
        if event.id == STRIKE:
            self._path_state = self._path.struck(float(event.value), self._settings, self._path_state)
            return
        self._values[event.id] = event.value
        if event.id == "play":
            self._switches = self._switches.with_switch(event.pos - self.origin, bool(event.value))
        if event.id.startswith(SLIDER):
            number = int(event.id.removeprefix(SLIDER))
            self._path_state = self._path.moved(number, float(event.value), self._settings, self._path_state)
        elif event.id in travel.ROWS:
            self._path_state = self._path.travelled(event.id, float(event.value), self._settings, self._path_state)
        else:
            self._settings = self._settings.moved(event.id, event.value)

    # The sound.

    def block(self, cells: int | None = None) -> Floats:
        """The next block [C, T] at the output rate, of `cells` times two mel frames."""
        sound, parts, done = self.looper.mix(self.sound(cells)), [], 0
        while True:
            for event in self._stage_lane.due(self.made):
                self._act(replace(event, pos=self.made))
            ahead = self._stage_lane.next
            end = sound.shape[1] if ahead is None else min(sound.shape[1], done + ahead - self.made)
            out, self._chain_state = self._chain.finish(sound[:, done:end], self._chain_state, self._settings.stage)
            parts.append(out)
            self._made, done = self._made + end - done, end
            if done == sound.shape[1]:
                return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def sound(self, cells: int | None = None) -> Floats:
        """The next samples [1, T] as they are before the stage. A renderer is asked for these or for blocks, not both."""
        parts, magnitudes = [np.zeros((1, 0), np.float32)], list[Floats]()
        for _ in range(cells or self.cells):
            for event in self._head_lane.due(self.head):
                self._act(replace(event, pos=self.head))
            if self._rests():
                parts += [self._sounding(magnitudes), self._resting()]
                magnitudes, self._past = [], Past()
            else:
                cell, self._path_state = self._path.cell(self._settings, self._path_state)
                magnitudes.append(cell)
            self.position += CELL * self.voice.grid.hop
        parts.append(self._sounding(magnitudes))
        return np.concatenate(parts, axis=1)

    def _rests(self) -> bool:
        position = self.head - self.origin - self._lag
        self._switches = self._switches.seen(position)
        coming = [(e.pos - self.origin, bool(e.value)) for e in self._stage_lane.waiting if e.id == "play"]
        return self._switches.rests(position, round(RING_OUT * self.rate), coming)

    def _sounding(self, magnitudes: list[Floats]) -> Floats:
        """The samples [1, T] that cells of magnitudes [M, CELL] complete."""
        if not magnitudes:
            return np.zeros((1, 0), np.float32)
        step, going_on = np.concatenate(magnitudes, axis=1), self.voice.vocoder.going_on(self._chain_state.vocoder)
        self._past = self._past.and_then(step, going_on, self._memory * CELL)
        mel, self._feed_state = self._feed.step(step, self._feed_state)
        if mel.shape[1] == 0:  # a vocoder of much longer frames may still wait for its next one
            return np.zeros((1, 0), np.float32)
        sound, self._chain_state = self._chain.sound(mel, self._chain_state)
        return sound

    def _resting(self) -> Floats:
        """As many samples [1, T] of silence as a cell of sound has."""
        before, _ = self._feed.rest(self.position // self.voice.grid.hop, self._feed.start())
        frames, self._feed_state = self._feed.rest(CELL, self._feed_state)
        sound, self._chain_state = self._chain.rest(frames, before + frames, self._chain_state)
        return sound
