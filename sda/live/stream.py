"""What goes to the renderer, and where in the stream it is to act."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sda.control import Change
from sda.core.schedule import STRIKE
from sda.live.clock import Lock, WallClock
from sda.live.facts import Facts
from sda.live.wire import Message, Send
from sda.params import Value

MARGIN = 0.05  # s on the way to the renderer, beyond what it works ahead: one that comes late acts late


class Stream:
    """The way of changes and struck grains to the renderer. Any thread may use it, but `played` only one."""

    def __init__(self, facts: Facts, send: Send, token: Callable[[], int]) -> None:
        """`send` reaches the renderer; `token` tells for which model a slider's value is."""
        self._facts, self._send, self._token = facts, send, token
        self._lock: Lock | None = None
        self._wall = WallClock()

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

    def change(self, change: Change) -> None:
        """A control moved."""
        self._pass(change.id, change.value, change.source, change.place)

    def strike(self, args: Sequence[Value], source: str, place: int | None = None) -> None:
        """A grain now, or at a position."""
        self._pass(STRIKE, args[0] if args else 1.0, source, place)

    def _pass(self, identity: str, value: Value, source: str, place: int | None) -> None:
        message = {"kind": "set", "id": identity, "value": value, "token": self._token(), "source": source}
        self._send(message if place is None else {**message, "pos": place})
