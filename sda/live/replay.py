"""A take rendered again: the same models, values and events, at the same frames and samples, through any vocoder.

What is done to a model's sound, crossfades and handovers among it, is done by what does it live. At the take's own rate and
with its own vocoder the samples are those that were written to the ring, but for the fade-in of one begun in mid-sound (20 ms).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from sda.core.grains import CELL
from sda.core.render import Renderer
from sda.core.schedule import Event
from sda.errors import ControlError, TakeError
from sda.formats import moment
from sda.formats.take import Segment, Take
from sda.live.crossfade import crossfade
from sda.live.ring import CHANNELS, Floats
from sda.live.voice import CROSSFADE, Voice
from sda.model import Model
from sda.params import PARAMS

AT_ONCE = 1 << 15  # samples handed over at a time

Open = Callable[[Segment], Model]
"""The model of a segment; raises `SdaError` where it is not here."""


class Replay:
    """One rendering of a take."""

    def __init__(self, take: Take, models: Open, rate: int, vocoder: str = "") -> None:
        """rate: Hz of the output; vocoder: a name that `choose` knows, "" for the one of each segment."""
        self._take, self._models, self.rate, self._vocoder = take, models, rate, vocoder
        self._ratio = rate / take.rate
        self._position = self._scaled(take.position)
        self._voice: Voice | None = None

    @property
    def length(self) -> int:
        """Samples of the whole."""
        return self._scaled(self._take.end) - self._scaled(self._take.position)

    def blocks(self) -> Iterator[Floats]:
        """The sound, [2, T] at a time. Raises `SdaError` where a model cannot be had or is not the one of the take."""
        ends = [*(self._scaled(segment.pos) for segment in self._take.segments[1:]), self._scaled(self._take.end)]
        for number, segment in enumerate(self._take.segments):
            yield from self._begin(segment)
            following = self._take.segments[number + 1 : number + 2]
            if following and following[0].how == "follow":
                yield from self._until_head(ends[number])
            else:
                yield from self._until(ends[number])

    def _begin(self, segment: Segment) -> Iterator[Floats]:
        """From what sounded to a segment."""
        old, self._voice = self._voice, self._voice_of(segment)
        if self._voice is None:
            return
        source, fade = self._voice.source, round(CROSSFADE * self.rate)
        assert isinstance(source, Renderer)
        if segment.how == "follow" and old is not None and self._voice.follow(old, self.rate):
            assert isinstance(old.source, Renderer)
            old.source.cells = source.cells
            self._schedule(segment)
            return
        assert segment.moment is not None
        source.begin_at(segment.moment, self._scaled(segment.origin))
        self._schedule(segment)
        late = max(0, source.made - self._position)  # a join begins where its next cell does
        if late:
            yield self._from(old, late)
        if segment.how in ("fade", "follow"):
            self._position += fade
            yield crossfade(self._from(old, fade, moves=False), self._voice.take(fade))

    def _voice_of(self, segment: Segment) -> Voice | None:
        if segment.moment is None:
            return None
        model, known = self._models(segment), {row.id for row in PARAMS}
        values = {id: value for id, value in segment.moment.values.items() if id in known or id.startswith("slider.")}
        try:
            renderer = model.renderer(
                rate=self.rate, values=values, vocoder=self._vocoder or segment.vocoder, for_file=self._ratio != 1
            )
        except ControlError as error:
            raise TakeError(f"{segment.name}: {error}") from error
        voice = renderer.voice
        latent, spread = voice.latent_map.spread.shape
        moment.check(segment.moment, sliders=len(voice.slider_names), latent=latent, spread=spread, frames=voice.frames,
                     bands=voice.grid.n_mels)  # fmt: skip
        renderer.cells = renderer.cells_for(self.length)
        return Voice(renderer, 0, values, {})

    def _schedule(self, segment: Segment) -> None:
        assert self._voice is not None
        origin = self._scaled(segment.origin)
        for event in segment.events:
            # A position was rounded up to a sample; at another rate the cell's must not be missed by that.
            after = event.pos - segment.origin if self._ratio == 1 else int((event.pos - segment.origin - 1) * self._ratio) + 1
            self._voice.set(replace(event, pos=origin + after), now=False)

    def _until(self, end: int) -> Iterator[Floats]:
        """What sounds, up to a position."""
        while self._position < end:
            yield self._from(self._voice, min(AT_ONCE, end - self._position))

    def _until_head(self, head: int) -> Iterator[Floats]:
        """What sounds, until its next cell is that of a position: there another one is going to follow it."""
        assert self._voice is not None
        while (left := head - self._voice.source.head) > 0:
            source = self._voice.source
            if isinstance(source, Renderer):
                grid = source.voice.grid
                source.cells = max(1, min(source.cells, int(left / self.rate * grid.sample_rate / grid.hop / CELL)))
            block = self._voice.next()
            self._position += block.shape[1]
            yield block

    def _from(self, voice: Voice | None, count: int, *, moves: bool = True) -> Floats:
        self._position += count if moves else 0
        return np.zeros((CHANNELS, count), np.float32) if voice is None else voice.take(count)

    def _scaled(self, position: int) -> int:
        return position if self._ratio == 1 else round(position * self._ratio)


def heard_through(take: Take) -> list[Event]:
    """Where the sound of another vocoder than the segment's was heard, in loops rendered ahead: that is not rendered again."""
    return [e for segment in take.segments for e in segment.events if e.id == "vocoder" and e.value != segment.vocoder]
