"""Two renderers in step, of which one hands over to the other: for a model that is read again while it sounds.

The one that comes has taken over where the other one stands, grains and all, but its vocoder knows nothing of the past. It
runs along unheard until it does. Then they change over 30 ms at equal gain: what both make of the same grains is alike, and
at equal power such sounds would swell by 3 dB.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from sda.core.loops import Looper
from sda.core.render import Moment
from sda.core.schedule import Event
from sda.errors import ControlError
from sda.live.ring import Floats
from sda.params import Value

if TYPE_CHECKING:
    from sda.live.voice import Source

CROSSFADE = 0.03  # s


class Handover:
    """A source that begins as one and ends as another."""

    def __init__(self, leaving: Source, coming: Source, run_in: int, rate: int) -> None:
        """run_in: samples that `coming`, which stands where `leaving` does, makes before it may be heard."""
        self.leaving, self.coming = leaving, coming
        self._made, self._run_in, self._fade = 0, run_in, round(CROSSFADE * rate)

    @property
    def done(self) -> bool:
        """Whether only the one that came sounds."""
        return self._made >= self._run_in + self._fade

    @property
    def origin(self) -> int:
        return self.coming.origin

    @origin.setter
    def origin(self, position: int) -> None:
        """Both stand where the one stood that leaves."""
        raise AssertionError

    @property
    def delay(self) -> float:
        return self.coming.delay

    @property
    def head(self) -> int:
        return self.coming.head

    @property
    def looper(self) -> Looper:
        return self.coming.looper

    @property
    def place(self) -> tuple[float, float, int] | None:
        return self.coming.place

    @property
    def slider_names(self) -> tuple[str, ...]:
        return self.coming.slider_names

    def warm(self, samples: int) -> None:
        """Both are."""

    def moment(self) -> Moment:
        """That of the one that comes."""
        return self.coming.moment()

    def set(self, identity: str, value: Value, source: str = "") -> None:
        """Change a control of both; a slider of the one that leaves only where it is the same. Raises `ControlError`."""
        self.coming.set(identity, value, source)
        with suppress(ControlError):
            if self._both_have(identity):
                self.leaving.set(identity, value, source)

    def schedule(self, event: Event) -> None:
        """The same at a position."""
        self.coming.schedule(event)
        with suppress(ControlError):
            if self._both_have(event.id):
                self.leaving.schedule(event)

    def scheduled(self) -> list[Event]:
        return self.coming.scheduled()

    def applied(self) -> list[Event]:
        self.leaving.applied()
        return self.coming.applied()

    def _both_have(self, identity: str) -> bool:
        return not identity.startswith("slider.") or self.leaving.slider_names == self.coming.slider_names

    def follow(self, other: Source) -> int | None:
        """No handover follows; what comes out of it does."""
        raise AssertionError

    def block(self) -> Floats:
        """The next block [C, T] of both."""
        old, new = self.leaving.block(), self.coming.block()
        assert old.shape[1] == new.shape[1], (old.shape, new.shape)
        place = np.arange(self._made, self._made + new.shape[1]) + 0.5 - self._run_in
        self._made += new.shape[1]
        share = np.sin(np.clip(place / self._fade, 0, 1) * (np.pi / 2)).astype(np.float32) ** 2
        return old * (1 - share) + new * share
