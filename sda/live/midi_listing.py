"""The MIDI ports of this machine, and what comes in at them, without an engine: through a MIDI process of our own."""

from __future__ import annotations

import queue
import time
from collections.abc import Generator, Sequence
from contextlib import closing

from sda.errors import DeviceError
from sda.live.supervisor import Child, Events
from sda.live.wire import Message

PATIENCE = 10.0  # s for the MIDI system to answer
CLOSING = 2.0  # s for the ports to be closed
CLIENT = "sda-lists"


def ports() -> Message:
    """What there is: the fields of `sda.adapters.midi_found.Found`, with nothing open.

    Raises `DeviceError` where the MIDI system does not answer.
    """
    until = time.monotonic() + PATIENCE
    with closing(_said(None)) as said:
        for message in said:
            if message["kind"] == "ports":
                return message
            if time.monotonic() > until:
                break
    raise DeviceError(f"the MIDI system did not answer within {PATIENCE:g} s")


def monitor(wanted: Sequence[str]) -> Generator[Message, None, None]:
    """`ports` as they change, `midi` as it comes, `tick` where nothing does; for ever.

    wanted: parts of the names of inputs, none for all. Raises `DeviceError` where the MIDI process ends.
    """
    return _said(wanted)


def _said(wanted: Sequence[str] | None) -> Generator[Message, None, None]:
    events: Events = queue.SimpleQueue()
    child = Child("midi", {"client": CLIENT, "wanted": wanted if wanted is None else list(wanted), "told": []}, events)
    try:
        while True:
            try:
                _, message = events.get(timeout=0.25)
            except queue.Empty:
                message = {"kind": "tick"}
            if message is None:
                raise DeviceError("the MIDI process ended")
            yield message
    finally:
        child.stop(CLOSING)
