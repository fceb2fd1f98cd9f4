"""What goes to the renderer, and where in the stream it is to act.

Moves wait `GATHER` s for each other and go as one message, each control by its last value. A hand on all sliders sends
thousands of them a second, of which the renderer, which takes a new point every 23 ms, can use few: after a message sliders
alone wait for `PAUSE` s more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from sda.control import Change
from sda.core.schedule import STRIKE
from sda.formats.preset import SLIDER
from sda.live.clock import Lock, WallClock
from sda.live.facts import Facts
from sda.live.wire import Message, Send
from sda.params import Value

GATHER = 0.002  # s
PAUSE = 0.008  # s
MARGIN = 0.05  # s on the way to the renderer, beyond what it works ahead: one that comes late acts late


class Stream:
    """The way of changes and struck grains to the renderer. Any thread may use it, but `played` only one."""

    def __init__(self, facts: Facts, send: Send, token: Callable[[], int]) -> None:
        """`send` reaches the renderer; `token` tells for which model a slider's value is."""
        self._facts, self._send, self._token = facts, send, token
        self._lock: Lock | None = None
        self._wall = WallClock()
        self._gate = threading.Lock()
        self._moves: dict[tuple[str, int | None], Message] = {}  # by control and position, in the order of their last word
        self._news, self._urgent = threading.Event(), threading.Event()
        threading.Thread(target=self._gather, name="stream", daemon=True).start()

    def played(self, message: Message) -> None:
        """A player's report."""
        when, position = message["mark"]
        if self._lock is None or self._lock.nominal != self._facts.rate:
            self._lock = Lock.at(when, position, float(self._facts.rate))
        else:
            self._lock = self._lock.with_pair(when, position)

    def place(self, moment: float) -> int | None:
        """The position that the player takes at a moment, in s since 1970; None while nothing is played."""
        lock = self._lock
        return None if lock is None else lock.place(self._wall.steady(moment))

    @property
    def lead(self) -> float:
        """Seconds before its moment by which something must be sent to act there."""
        return self._facts.buffer + self._facts.delay + MARGIN

    def move(self, changes: Iterable[Change]) -> None:
        """Controls moved."""
        token, urgent = self._token(), False
        with self._gate:
            for change in changes:
                key = (change.id, change.place)
                self._moves.pop(key, None)
                self._moves[key] = _event(change.id, change.value, token, change.source, change.place)
                urgent = urgent or not change.id.startswith(SLIDER)
        self._news.set()
        if urgent:
            self._urgent.set()

    def strike(self, args: Sequence[Value], source: str, place: int | None = None) -> None:
        """A grain now, or at a position."""
        with self._gate:
            self._hand_over(_event(STRIKE, args[0] if args else 1.0, self._token(), source, place))

    def flush(self) -> None:
        """Let nothing wait any longer."""
        with self._gate:
            self._hand_over()

    def _gather(self) -> None:
        while True:
            self._news.wait()
            time.sleep(GATHER)
            self._news.clear()
            self.flush()
            if self._urgent.wait(PAUSE):
                self._urgent.clear()

    def _hand_over(self, *more: Message) -> None:
        events = [*self._moves.values(), *more]
        self._moves.clear()
        if events:
            self._send({"kind": "set", "events": events})


def _event(identity: str, value: Value, token: int, source: str, place: int | None) -> Message:
    return {"id": identity, "value": value, "token": token, "source": source} | ({} if place is None else {"pos": place})
