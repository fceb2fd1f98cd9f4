"""The MIDI process: the machine's ports, looked at every second. Drivers may print, block or crash in here.

Spec (the first message): `client` our name, `wanted` parts of the names of inputs ([] all, null none), `told` parts of the
names of outputs. Takes `told` (parts) and `send` (port, data). Sends `ports` (the fields of `Found`) when they change, `midi`
(port, data, time in s of the monotonic clock) as it comes, and `alive` every second. Ends with its engine, and with the
MIDI system: then another process is to start afresh.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
import traceback
from dataclasses import asdict

from sda.adapters.midi_found import Found
from sda.adapters.midi_ports import MidiPorts
from sda.live import wire

LOOK_S = 1.0  # s between two looks at the ports
DEAF_S = 5.0  # s to the next look where no MIDI system answered: each asking makes libraries complain


class Midi:
    """The ports, and what the engine asks of them."""

    def __init__(self, spec: wire.Message, inbox: queue.SimpleQueue[wire.Message | None], send: wire.Send) -> None:
        self._inbox, self._send = inbox, send
        self._ports = MidiPorts(spec["client"], spec["wanted"], self._receive, lambda: inbox.put({"kind": "ended"}))
        self._ports.tell(spec["told"])
        self._found: Found | None = None

    def run(self) -> None:
        """Serve until the engine is gone."""
        look_at = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= look_at:
                look_at = now + (LOOK_S if self._look() else DEAF_S)
            try:
                message = self._inbox.get(timeout=max(0.0, look_at - time.monotonic()))
            except queue.Empty:
                continue
            if message is None:
                break
            if message["kind"] == "ended":  # closing what is left of it takes a second a port: the process ends instead
                self._send({"kind": "ports", **asdict(Found(trouble="the MIDI system ended"))})
                return
            if message["kind"] == "send":
                self._ports.send(message["port"], bytes(message["data"]))
            elif message["kind"] == "told":
                self._ports.tell(message["told"])
                look_at = 0.0
        self._ports.close()

    def _look(self) -> bool:
        """Whether there is any MIDI."""
        found = self._ports.look()
        if found != self._found:
            self._found = found
            self._send({"kind": "ports", **asdict(found)})
        self._send({"kind": "alive"})
        return not found.trouble

    def _receive(self, port: str, data: bytes, now: float) -> None:
        self._send({"kind": "midi", "port": port, "data": list(data), "time": now})


def main() -> None:
    """Read the spec and serve. Never returns: a library whose server died must not hold up the end of the process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    source, sink = wire.of_this_process()
    inbox: queue.SimpleQueue[wire.Message | None] = queue.SimpleQueue()
    pipe = wire.Wire(source, sink, inbox.put)
    spec = inbox.get()
    code = 0
    try:
        if spec is not None:
            Midi(spec, inbox, pipe.send).run()
    except Exception:
        traceback.print_exc()
        code = 1
    pipe.close()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
