"""Where the sound goes: the player process as the engine's main thread sees it, and what is said while its device is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from sda.errors import AudioError, DeviceError
from sda.live import specs
from sda.live.deeds import Deed
from sda.live.facts import Facts
from sda.live.options import Options
from sda.live.ring import Ring
from sda.live.supervisor import Events, Role
from sda.live.wire import Message
from sda.params import Value

FINISHING = 60.0  # s for a long file to be flushed to the disk
CLOSING = 3.0  # s for a device
OPEN = "/sda/audio/open"
LAST_FADE = 0.03  # s for the player to fade out before it is ended


class Outlet:
    """The player of one run, and each that takes its place."""

    def __init__(
        self,
        options: Options,
        facts: Facts,
        events: Events,
        say: Callable[[str], None],
        tell: Callable[..., None],
        refuse: Callable[[str, str, str], None],
    ) -> None:
        """`tell` answers a source of an act; `refuse` tells it, of an address, why not."""
        self.ring: Ring | None = None
        self.to_file = options.audio.startswith("file:")
        self.role = Role("player", self._spec, events)
        self._options, self._facts, self._say, self._tell, self._refuse = options, facts, say, tell, refuse
        self._events = events
        self._before: Options | None = None  # while another device opens that was asked for
        self._wisher = ""
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
        if self._before is not None:
            self._before = None
            self._tell(self._wisher, "/sda/done", OPEN, self._facts.device)
            self._say(f"it plays to {self._facts.device}, {self._facts.rate} Hz")
        if self._missing:
            self._missing = self._facts.trouble = ""
            self._say(f"sound is back: {self._facts.device}")
        return before not in (0, self._facts.rate)

    def failed(self, text: str) -> None:
        """The device went away; it is waited for, and said so once. Raises `AudioError` for a file: the disk is full."""
        if self.to_file:
            raise AudioError(text)
        if self._before is not None:
            self._options, self._before = self._before, None
            self._refuse(self._wisher, OPEN, text)
            self._say(f"{text}; back to {self._facts.device}")
            return
        if not self._missing:
            self._say(f"{text}; trying again until it is back")
        self._missing = self._facts.trouble = text

    # Another device.

    @property
    def deeds(self) -> dict[str, Deed]:
        """The act that is done here."""
        return {"audio.open": self._later}

    def _later(self, args: Sequence[Value], source: str) -> None:
        """Raises `DeviceError` for what is no device, and in a run that plays into a file."""
        if self.to_file or str(args[0]).startswith("file:"):
            raise DeviceError("expected a sound device, and a run that plays to one: a file is chosen when the engine starts")
        self._events.put((None, {"kind": "call", "run": partial(self._change, args, source)}))

    def _change(self, args: Sequence[Value], source: str) -> None:
        """End the player and start one for another device; the sound fades out and in."""
        assert self.ring is not None
        first, rate, block = (int(number) for number in (*args[1:], 0, 0, 0)[:3])
        device = str(args[0])
        outs = (first, first + 1) if first and device != "null" else None
        audio = "" if device == "default" else device
        self._before, self._wisher = self._before or self._options, source
        self._options = replace(self._options, audio=audio, outs=outs, rate=rate or self._options.rate, block=block)
        muted, self.ring.muted = self.ring.muted, True
        time.sleep(LAST_FADE)
        self.role.stop(CLOSING)
        self.ring.muted = muted
        self._missing = self._facts.trouble = ""
        self.role.start()

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
