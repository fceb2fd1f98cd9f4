"""The player process: from the ring to the device, a file, or nowhere.

Spec (the first message): `ring` its name, `audio` as in `--audio`, `rate` wished in Hz, `duration` in s or null; of a device
`outs`, its first and last channel or null, and `block` in frames; `transport`, to tell of JACK's.
Sends `ready` (device, rate, latency), `report` 20 times a second, `transport` (rolling) when JACK's starts or stops,
`finished` after the duration, `failed` (text) where the device is not there or goes away.
Ends with the engine, by SIGTERM or Ctrl-C; a file is finished and kept in any case.
"""

from __future__ import annotations

import gc
import os
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path

from sda import priority
from sda.errors import SdaError
from sda.live import wire
from sda.live.player_transport import Transport
from sda.live.ring import Ring
from sda.live.sinks import Feed, PacedSink, Sink

REPORT = 0.05  # s between reports
PATIENCE = 1.0  # s for a device to close; one whose server died never does
FAILED = 3  # exit code after `failed`


class Player:
    """One performance: a sink that pulls from the ring, watched until it ends."""

    def __init__(self, sink: Sink, feed: Feed, send: wire.Send, transport: Transport | None = None) -> None:
        self._sink, self._feed, self._send, self._transport = sink, feed, send, transport

    def run(self, stop: threading.Event) -> int:
        """Play until `stop`, the end of the duration, or a failure; returns the exit code."""
        self._sink.start(self._feed)
        self._send({"kind": "ready", "device": self._sink.name, "rate": self._sink.rate, "latency": self._sink.latency})
        while not stop.wait(REPORT) and not self._feed.done:
            if (text := self._sink.failure()) is not None:
                self._send({"kind": "failed", "text": text})
                return FAILED
            if self._transport is not None and (rolling := self._transport.moved()) is not None:
                self._send({"kind": "transport", "rolling": rolling})
            self._report()
        self._report()
        if self._feed.done:
            self._send({"kind": "finished"})
        return 0

    def _report(self) -> None:
        feed = self._feed
        self._send(
            {
                "kind": "report",
                "mark": feed.take_mark(),  # the clock is that which all processes of a machine share
                "played": feed.played,
                "read": feed.read,
                "underruns": feed.underruns,
                "peaks": feed.take_peaks(),
            }
        )


def open_sink(spec: wire.Message) -> Sink:
    """The sink that a spec asks for. Raises `SdaError` where there is no such device, or the file cannot be written."""
    audio, rate = spec["audio"], spec["rate"]
    if audio == "null":
        return PacedSink(rate, None)
    if audio.startswith("file:"):
        return PacedSink(rate, Path(audio.removeprefix("file:")))
    from sda.live.player_device import DeviceSink  # PortAudio looks for every device of the machine when it is loaded

    return DeviceSink(audio, rate, spec.get("outs"), spec.get("block", 0))


def play(spec: wire.Message, send: wire.Send, stop: threading.Event) -> int:
    """Open what the spec asks for, play, close it whatever happened; returns the exit code."""
    ring = Ring.attach(spec["ring"])
    try:
        sink = open_sink(spec)
        try:
            gc.collect()
            gc.freeze()  # a collection in the callback costs its time
            transport = Transport() if spec.get("transport") else None
            return Player(sink, Feed(ring, sink.rate, spec["duration"]), send, transport).run(stop)
        finally:
            _close(sink)
    except SdaError as error:
        send({"kind": "failed", "text": str(error)})
        return FAILED


def _close(sink: Sink) -> None:
    """Close a sink: a file however long it takes, a device within a second. Raises `SdaError` for a file not kept."""
    if isinstance(sink, PacedSink):
        sink.close()
        return
    closing = threading.Thread(target=sink.close, daemon=True)
    closing.start()
    closing.join(PATIENCE)


def main() -> None:
    """Read the spec and play. Never returns: a library whose server died must not hold up the end of the process."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    priority.ask_for(priority.PLAYER)
    source, sink = wire.of_this_process()
    inbox: queue.SimpleQueue[wire.Message | None] = queue.SimpleQueue()

    def receive(message: wire.Message | None) -> None:
        inbox.put(message)
        if message is None:
            stop.set()

    pipe = wire.Wire(source, sink, receive)
    spec = inbox.get()
    code = 1
    try:
        code = 0 if spec is None else play(spec, pipe.send, stop)
    except Exception:
        traceback.print_exc()
    pipe.close()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
