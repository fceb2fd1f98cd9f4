"""Messages between the engine and its children: JSON objects, each behind its length, over pipes.

Four bytes of big-endian length, then UTF-8 JSON. The first message a child gets is its spec; the end of its input
means that the engine is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

Message = dict[str, Any]
Send = Callable[[Message], None]

LIMIT = 1 << 24  # bytes; a longer message can only be a broken stream


class WireError(Exception):
    """Bytes that no child or engine of ours sends."""


def pack(message: Message) -> bytes:
    """A message as bytes. Numbers must be finite: JSON has no others."""
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    return len(body).to_bytes(4, "big") + body


def read(stream: IO[bytes]) -> Message | None:
    """The next message, or None where the stream ended (in the middle of a message as well).

    Raises `WireError` for a length out of bounds and for what is no JSON object.
    """
    head = _exactly(stream, 4)
    if head is None:
        return None
    size = int.from_bytes(head, "big")
    if size > LIMIT:
        raise WireError(f"a message of {size} bytes announced, at most {LIMIT} expected")
    body = _exactly(stream, size)
    if body is None:
        return None
    try:
        message = json.loads(body)
    except ValueError as error:
        raise WireError(f"not JSON: {body[:40]!r}") from error
    if not isinstance(message, dict):
        raise WireError(f"not a JSON object: {body[:40]!r}")
    return message


def _exactly(stream: IO[bytes], count: int) -> bytes | None:
    parts, missing = [], count
    while missing:
        part = stream.read(missing)
        if not part:
            return None
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


class Wire:
    """One end of a pair of pipes: messages arrive through `receive` as they come, and leave without waiting.

    Two threads do the waiting, so that neither an audio loop nor the engine ever stands still for the other side.
    """

    def __init__(self, source: IO[bytes], sink: IO[bytes], receive: Callable[[Message | None], None]) -> None:
        """`receive` is called in a thread of its own, with None last, when the other side is gone."""
        self._source, self._sink, self._receive = source, sink, receive
        self._outbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="wire-in", daemon=True)
        self._writer = threading.Thread(target=self._write, name="wire-out", daemon=True)
        self._reader.start()
        self._writer.start()

    def send(self, message: Message) -> None:
        """Queue a message; nothing happens where the other side is gone."""
        self._outbox.put(message)

    def close(self) -> None:
        """Send what is queued and close our output, which the other side reads as the end."""
        self._outbox.put(None)
        self._writer.join(timeout=2)

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError, WireError), self._source:
            while (message := read(self._source)) is not None:
                self._receive(message)
        self._receive(None)

    def _write(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (message := self._outbox.get()) is not None:
                parts = [pack(message)]
                while not self._outbox.empty():
                    message = self._outbox.get()
                    if message is None:
                        break
                    parts.append(pack(message))
                self._sink.write(b"".join(parts))
                self._sink.flush()
                if message is None:
                    break
        with contextlib.suppress(OSError):
            self._sink.close()


def of_this_process() -> tuple[IO[bytes], IO[bytes]]:
    """This child's pipes to the engine, (in, out), kept safe from libraries that print.

    Sound libraries write to the standard output as they please; from here on that goes to the standard error.
    """
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.stdout.flush()
    os.dup2(2, 1)
    return source, sink
