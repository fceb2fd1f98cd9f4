"""A WebSocket client of the OSCQuery port: what it listens to, and what it is still to be sent.

Of each control it is sent the last value, at most 60 times a second, and not what it set itself (`osc_clients.Listening`).
No sockets; moments come as arguments, in seconds.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterator

from sda.adapters.osc_clients import Address, Listening, source_of
from sda.adapters.osc_packet import encode
from sda.adapters.oscquery_tree import Tree
from sda.control import Change, Controls
from sda.errors import ControlError

WAITING = 1024  # answers that may wait to be sent
IDLE = 60.0  # s between two looks where nothing is due


class Listener:
    """One WebSocket. All but `pass_on` is called in the thread of the port."""

    def __init__(self, peer: Address, tree: Tree, loop: asyncio.AbstractEventLoop) -> None:
        self.woken = asyncio.Event()
        self._loop, self._nudged = loop, False
        self._source = source_of(peer)
        self._tree = tree
        self._wanted: set[str] = set()  # ids
        self._listening = Listening(prefix="", rev_at=float("inf"))
        self._out: deque[bytes | str] = deque(maxlen=WAITING)

    def command(self, text: str) -> None:
        """Do what a text message asks; one that asks for nothing we know is passed over."""
        try:
            asked = json.loads(text)
        except (ValueError, RecursionError):
            return
        path = asked.get("DATA") if isinstance(asked, dict) else None
        id = self._tree.control(path) if isinstance(path, str) else None
        if id is None:
            return
        if asked.get("COMMAND") == "IGNORE":
            self._wanted.discard(id)
        elif asked.get("COMMAND") == "LISTEN":
            self._wanted.add(id)
            self.note(Change(id, 0, "", 0))  # so that the value of this moment is sent: it may have moved since it was read

    def follow(self, tree: Tree, path: str | None) -> None:
        """Take the rows of another model; `path` is the container that changed, None if none did."""
        self._tree = tree
        self._wanted &= {row.id for row in tree.rows}
        if path is not None:
            self.pass_on(json.dumps({"COMMAND": "PATH_CHANGED", "DATA": path}))

    def note(self, change: Change) -> None:
        """Take a change of a control."""
        if change.id in self._wanted:
            self._listening.note(change, self._source)
            self.woken.set()

    def pass_on(self, message: bytes | str) -> None:
        """Have a message sent, the oldest lost where too many wait; from any thread.

        Raises `RuntimeError` where the port is closed.
        """
        self._out.append(message)
        if not self._nudged:
            self._nudged = True
            self._loop.call_soon_threadsafe(self.woken.set)

    def wait(self, now: float) -> float:
        """Seconds until something is due."""
        return 0.0 if self._out else min(max(0.0, self._listening.next() - now), IDLE)

    def due(self, now: float, controls: Controls) -> Iterator[bytes | str]:
        """What goes out now."""
        self._nudged = False
        while self._out:
            yield self._out.popleft()
        for id in self._listening.due(now):
            try:
                row, value = controls.row(id), controls.get(id)
            except ControlError:
                continue  # the slider left with its model
            yield encode(row.address, value)
