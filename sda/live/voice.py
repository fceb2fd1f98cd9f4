"""What sounds: a source of blocks, how it hands over to the next one, and how long it takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Protocol

import numpy as np

from sda.core.loops import Looper
from sda.core.render import Moment
from sda.core.schedule import Event
from sda.errors import ControlError
from sda.live.handover import Handover
from sda.live.ring import CHANNELS, Floats
from sda.params import Value

CROSSFADE = 0.03  # s
WINDOW = 5.0  # s of sound that the reported load is taken over


class Source(Protocol):
    """What sounds: `sda.core.render.Renderer`, or a test's stand-in."""

    origin: int

    @property
    def delay(self) -> float: ...

    @property
    def head(self) -> int:
        """Stream position from which a control may still act on the mel."""
        ...

    @property
    def looper(self) -> Looper: ...

    @property
    def place(self) -> tuple[float, float, int] | None:
        """Where on the model's map it sounds, x, y and the index of the nearest chunk; None without a map."""
        ...

    @property
    def slider_names(self) -> tuple[str, ...]: ...

    def warm(self, samples: int) -> None:
        """Run the networks for so many samples, of which nothing is kept."""
        ...

    def moment(self) -> Moment: ...

    def follow(self, other: Source) -> int | None:
        """Stand where another source stands; the samples to run in step with it unheard, or None where that cannot be."""
        ...

    def set(self, identity: str, value: Value, source: str = "") -> None: ...

    def schedule(self, event: Event) -> None: ...

    def scheduled(self) -> list[Event]: ...

    def applied(self) -> list[Event]: ...

    def block(self) -> Floats: ...


class Voice:
    """A source whose blocks can be taken in any size."""

    def __init__(self, source: Source, token: int, values: Mapping[str, Value], label: Mapping[str, str]) -> None:
        """label: what a take says of the model, its id, name, hash and vocoder."""
        self.source, self.token, self.label = source, token, label
        self._values = dict(values)
        self._ready = np.zeros((CHANNELS, 0), np.float32)

    def set(self, event: Event, *, now: bool) -> None:
        """Change a control, or strike; one that this source has not is none of its business."""
        with suppress(ControlError):
            if now:
                self.source.set(event.id, event.value, event.source)
            else:
                self.source.schedule(event)

    def catch_up(self, values: Mapping[str, Value]) -> None:
        """Take over what changed while the source was loaded."""
        for identity, value in values.items():
            if self._values.get(identity) != value:
                with suppress(ControlError):
                    self.source.set(identity, value)

    def inherit(self, events: Iterable[Event], sliders: tuple[str, ...]) -> None:
        """Take over what another voice, with these sliders, has not come to yet."""
        mine = {f"slider.{n}": f"slider.{self.source.slider_names.index(s) + 1}"
                for n, s in enumerate(sliders, start=1) if s in self.source.slider_names}  # fmt: skip
        for event in events:
            identity = mine.get(event.id, "") if event.id.startswith("slider.") else event.id
            if identity:
                self.set(Event(event.pos, identity, event.value, event.source), now=False)

    def follow(self, old: Voice, rate: int) -> bool:
        """Go on from a voice of the same model, without a break; False where that cannot be, and nothing is changed."""
        run_in = self.source.follow(old.source)
        if run_in is None:
            return False
        self.inherit(old.source.scheduled(), old.source.slider_names)
        self.source.applied()  # that is no news of its own
        self.source, self._ready = Handover(old.source, self.source, run_in, rate), old._ready
        return True

    def next(self) -> Floats:
        """What there is, or the next block [2, T]."""
        out = self._ready if self._ready.shape[1] else self._block()
        self._ready = out[:, :0]
        return out

    def take(self, count: int) -> Floats:
        """Exactly `count` frames [2, count]."""
        parts, have = [self._ready], self._ready.shape[1]
        while have < count:
            parts.append(self._block())
            have += parts[-1].shape[1]
        out = np.concatenate(parts, axis=1)
        self._ready = out[:, count:]
        return out[:, :count]

    def _block(self) -> Floats:
        if isinstance(self.source, Handover) and self.source.done:
            self.source = self.source.coming
        block = self.source.block()
        while block.shape[1] == 0:  # a stream's first blocks may lie wholly in its delay
            block = self.source.block()
        if not np.isfinite(block).all():
            raise ArithmeticError("the model made samples that are not numbers")
        return np.broadcast_to(block, (CHANNELS, block.shape[1]))


class Meter:
    """Compute time against audio time, over the last seconds of sound."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[float, float]] = deque()
        self._audio = 0.0

    def add(self, compute: float, audio: float) -> None:
        self._blocks.append((compute, audio))
        self._audio += audio
        while self._audio > WINDOW:
            self._audio -= self._blocks.popleft()[1]

    @property
    def mean(self) -> float:
        return sum(compute for compute, _ in self._blocks) / self._audio if self._blocks else 0.0

    @property
    def worst(self) -> float:
        return max((compute / audio for compute, audio in self._blocks), default=0.0)
