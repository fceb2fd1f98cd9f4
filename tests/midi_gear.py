"""A MIDI controller that is nobody's: a program of its own on JACK, by mido, whose knobs are moved and whose lamps are read."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

GEAR = """
import sys
import mido
mido.set_backend("mido.backends.rtmidi/UNIX_JACK")
name = sys.argv[1]
lamps = mido.open_input("in", virtual=True, client_name=name + " lamps", callback=lambda m: print(m.hex(), flush=True))
knobs = mido.open_output("out", virtual=True, client_name=name + " knobs")
print("ready", flush=True)
for line in sys.stdin:
    for part in line.strip().split(","):
        knobs.send(mido.Message.from_hex(part))
"""


class Gear:
    """A running controller: `NAME knobs:out` sends, `NAME lamps:in` hears."""

    def __init__(self, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", GEAR, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.lamps: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self.lamps.get(timeout=10) == "ready"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lamps.put(line.strip())

    def move(self, *messages: str) -> None:
        """Send messages, in hex, all at once."""
        assert self.process.stdin is not None
        self.process.stdin.write(",".join(messages) + "\n")

    def lit(self, seconds: float) -> list[str]:
        """The first messages that come in within some time, in hex."""
        found = []
        try:
            found.append(self.lamps.get(timeout=seconds))
            while True:
                found.append(self.lamps.get(timeout=0.02))
        except queue.Empty:
            return found

    def unplug(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._reader.join(5)


@contextmanager
def gear(name: str) -> Iterator[Gear]:
    made = Gear(name)
    try:
        yield made
    finally:
        made.unplug()


@contextmanager
def program(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody else's MIDI program, ended by a signal."""
    made = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        yield made
    finally:
        made.terminate()
        made.wait(10)
