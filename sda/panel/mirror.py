"""The engine as it is seen over the wire of CONTROL.md, and nothing else: rows, values, presets, levels, messages.

One thread of its own asks and hears, and fills the picture (`sda.panel.picture`) that the window reads without a lock. An
engine that is gone is looked for until it is back, and then everything is asked anew.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from sda.adapters.osc_acts import Status
from sda.adapters.osc_packet import Arg, OscError, encode
from sda.adapters.osc_probe import Asker
from sda.errors import ControlError
from sda.panel.picture import SILENCE, Picture
from sda.params import Value, check

Address = tuple[str, int]

STATUS_S = 0.25  # s between two questions for the state
LISTS_S = 2.0  # s between two looks at presets, models and maps
TURN_S = 0.05  # s after which what is due is looked at again
SILENT_S = 3.0  # s of silence after which an engine is gone; it sends something every second
RETRY_S = 0.5  # s between two looks for an engine that is gone
SETTLED_S = 0.5  # s after our own last move in which values are not asked for: the answer would be older than the move


class Mirror(Picture):
    """An engine, seen from another process."""

    def __init__(self, place: Address) -> None:
        """place: where it receives OSC. `start` begins to listen."""
        super().__init__(place[0])
        self.place = place
        self.there = False  # whether it answers
        self.begun = False  # whether it ever did
        self._asker: Asker | None = None
        self._said: dict[str, Value] = {}  # what we last sent to each address
        self._said_at = 0.0
        self._asked_rev = -1
        self._shade, self._mapped = 1, -1  # the slider that the map is shaded by, and the table for which it was asked for
        self._begun_with = 0  # restarts of the engine that we know of
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)

    def start(self) -> None:
        """Look for the engine, and listen."""
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._closing.set()
        self._thread.join(2.0)

    # What the window asks for. Any thread; nothing waits.

    def send(self, address: str, *args: Arg) -> None:
        """An act, or a question. Nothing happens where no engine is there."""
        self.outcomes.pop(address, None)
        asker = self._asker
        if asker is not None:
            with suppress(OSError, OscError):
                asker.send(encode(address, *args))

    def set(self, id: str, value: Value) -> None:
        """Move a control. Nothing happens where the row is not there, or does not take the value."""
        row = self.row(id)
        asker = self._asker
        if row is None or asker is None:
            return
        with suppress(ControlError, OSError, OscError):
            checked = check(row, value)
            self.outcomes.pop(row.address, None)
            packet = encode(row.address, checked)
            if self._said.get(id) == checked:  # it would count as no move, though somebody else moved it meanwhile
                with Asker(self.place) as stranger:
                    stranger.send(packet)
            else:
                asker.send(packet)
            self._said[id] = self.values[id] = checked
            self._said_at = time.monotonic()

    def shade(self, slider: int) -> None:
        """Have the map's places shaded by where they lie along a slider, by its number from 1."""
        self._shade = slider
        self.send("/sda/q/map", slider)

    # The thread.

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with Asker(self.place, RETRY_S) as asker:
                    self._greet(asker)
                    self._follow(asker)
            except (OSError, OscError):
                pass
            self._lose()
            self._closing.wait(RETRY_S)

    def _lose(self) -> None:
        self._asker = None
        if self.there:
            self.there = False
            self.status = Status(state="gone")
            self.peaks, self.files = (SILENCE, SILENCE), ("", "")
            self.note("panel", f"the engine at {self.place[0]}:{self.place[1]} is gone; looking for it")

    def _greet(self, asker: Asker) -> None:
        """Ask for everything, and to be told of every change. Raises `OSError` where nobody answers."""
        asker.ask("/sda/ping", answer="/sda/pong")
        self._said.clear()
        self._coming.clear()
        self._rev = self._asked_rev = self._mapped = -1
        for question in ("log/listen", "scope/listen", "monitor/listen", "q/params", "listen", "q/oscquery"):
            asker.send(encode(f"/sda/{question}"))
        self._asker = asker
        self.there = self.begun = True
        self.note("panel", f"joined the engine at {self.place[0]}:{self.place[1]}")

    def _follow(self, asker: Asker) -> None:
        """Hear what it tells until it is gone. Raises `OSError` then."""
        heard_at, state_at, lists_at = time.monotonic(), 0.0, 0.0
        while not self._closing.is_set():
            for message in asker.heard(TURN_S):
                heard_at = time.monotonic()
                self.take(message)
                if message.address == "/sda/done":  # something was begun or ended
                    asker.send(encode("/sda/q/files"))
                if heard_at >= state_at:
                    break  # a flood does not keep us from asking
            now = time.monotonic()
            if self._restarts != self._begun_with:  # another engine in this place knows nothing of what we sent
                self._begun_with = self._restarts
                raise ConnectionResetError
            if now - heard_at > SILENT_S:
                raise TimeoutError
            if now >= state_at:
                state_at = now + STATUS_S
                asker.send(encode("/sda/status"))
            if now >= lists_at:
                lists_at = now + LISTS_S
                self._ask_lists(asker, now)
        with suppress(OSError):
            asker.send(encode("/sda/unlisten"))

    def _ask_lists(self, asker: Asker, now: float) -> None:
        """What is not pushed; and all values where some changed, since a datagram may be lost."""
        for question in ("q/presets", "q/models", "midi/map", "q/safe", "q/files"):
            asker.send(encode(f"/sda/{question}"))
        if self._mapped != self._table:  # told anew for another model
            self._mapped, self._shade, self.here = self._table, 1, None
            asker.send(encode("/sda/q/map", self._shade))
        if self._rev != self._asked_rev and now - self._said_at > SETTLED_S:
            self._asked_rev = self._rev
            asker.send(encode("/sda/q/all"))
