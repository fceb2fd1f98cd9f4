"""Where the sound goes: the player process as the engine's main thread sees it, and what is said while its device is away."""

from __future__ import annotations

import time
from collections.abc import Callable

from sda.errors import AudioError
from sda.live import specs
from sda.live.facts import Facts
from sda.live.options import Options
from sda.live.ring import Ring
from sda.live.supervisor import Events, Role
from sda.live.wire import Message

FINISHING = 60.0  # s for a long file to be flushed to the disk
CLOSING = 3.0  # s for a device
LAST_FADE = 0.03  # s for the player to fade out before it is ended


class Outlet:
    """The player of one run, and each that takes its place."""

    def __init__(self, options: Options, facts: Facts, events: Events, say: Callable[[str], None]) -> None:
        self.ring: Ring | None = None
        self.to_file = options.audio.startswith("file:")
        self.role = Role("player", self._spec, events)
        self._options, self._facts, self._say = options, facts, say
        self._count = 0  # players so far
        self._missing = ""  # what the last one failed for, already said

    @property
    def waits(self) -> bool:
        """Whether it is known that there is no device."""
        return bool(self._missing)

    def opened(self, message: Message) -> bool:
        """A player is ready; returns whether its device has another rate than the last one."""
        before = self._facts.rate
        self._facts.ready(message)
        if self._missing:
            self._missing = self._facts.trouble = ""
            self._say(f"sound is back: {self._facts.device}")
        return before not in (0, self._facts.rate)

    def failed(self, text: str) -> None:
        """The device went away; it is waited for, and said so once. Raises `AudioError` for a file: the disk is full."""
        if self.to_file:
            raise AudioError(text)
        if not self._missing:
            self._say(f"{text}; trying again until it is back")
        self._missing = self._facts.trouble = text

    def stop(self) -> None:
        """End the player; a device is faded out before, so that it ends without a click."""
        if self.ring is not None and not self.to_file:
            self.ring.muted = True
            time.sleep(LAST_FADE)
        self.role.stop(FINISHING if self.to_file else CLOSING)

    def _spec(self) -> Message:
        assert self.ring is not None
        self._count += 1
        return specs.player(self._options, self.ring, self._facts, self._count)
