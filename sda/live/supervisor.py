"""The engine's children: started with a spec, talked to over pipes, ended in order or by force, replaced where they die.

A child runs in a session of its own, so that Ctrl-C reaches the engine alone, which then ends its children in order.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from sda.job import environment, last_words
from sda.live.wire import Message, Wire

Events = queue.SimpleQueue["tuple[Child | None, Message | None]"]
"""What a child sent, None where it is gone; the engine's own notes to itself come from no child."""

HEALTHY = 10.0  # s after which a child counts as one that works
HUNG = 20.0  # s without a message after which a child is taken for dead; loading its libraries is the longest silence
PAUSES = (0.0, 0.25, 0.5, 1.0, 1.5)  # s before a new one, by how many died in a row: with its start, never 3 s of silence


class Child:
    """One running child process."""

    def __init__(self, role: str, spec: Message, events: Events) -> None:
        """Start `python -m sda.live.<role>`; its messages go to `events`."""
        self.role = role
        self.born = self.heard = time.monotonic()  # s, when it was started and when it last sent something
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the child
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"sda.live.{role}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=environment(),
            start_new_session=os.name == "posix", creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._events = events
        self._wire = Wire(self.process.stdout, self.process.stdin, self._receive)
        self.send(spec)

    def _receive(self, message: Message | None) -> None:
        self.heard = time.monotonic()
        self._events.put((self, message))

    def send(self, message: Message) -> None:
        """Queue a message for the child; nothing happens where it is gone."""
        self._wire.send(message)

    def stop(self, patience: float) -> str:
        """Close its input, wait `patience` s for its end, then kill it.

        Returns how it ended: its exit code and the last line it wrote to its standard error.
        """
        self._wire.close()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with self._errors:
            words = last_words(self._errors)
        return f"exit code {self.process.returncode}" + (f", {words}" if words else "")


class Role:
    """A role that is always to be filled: where its child dies the next one is started, later each time."""

    def __init__(self, name: str, spec: Callable[[], Message], events: Events) -> None:
        """`spec` is asked anew for every child."""
        self.name = name
        self.crashes = 0  # in a row
        self.child: Child | None = None
        self._spec, self._events = spec, events
        self._due: float | None = None  # s of the monotonic clock, when the next one is started

    def start(self) -> None:
        self._due = None
        self.child = Child(self.name, self._spec(), self._events)

    def send(self, message: Message) -> None:
        """To the child; lost where there is none, since the next one is told everything."""
        child = self.child
        if child is not None:
            child.send(message)

    def bury(self, now: float) -> str:
        """Take note that the child died, and when the next one is due; returns how it ended."""
        assert self.child is not None
        child, self.child = self.child, None
        self.crashes = 1 if now - child.born > HEALTHY else self.crashes + 1
        self._due = now + PAUSES[min(self.crashes, len(PAUSES)) - 1]
        return child.stop(2.0)

    def revive(self, now: float) -> bool:
        """Start the next child where it is due; returns whether that happened. One that hangs is killed for that."""
        if self.child is not None and now - self.child.heard > HUNG:
            self.child.process.kill()
        if self._due is None or now < self._due:
            return False
        self.start()
        return True

    def stop(self, patience: float) -> None:
        """End the child, in order within `patience` s, and start no other."""
        child, self.child, self._due = self.child, None, None
        if child is not None:
            child.stop(patience)
