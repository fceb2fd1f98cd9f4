"""An engine asked over OSC from outside: who holds a port, and what a test client says to it."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Self

from sda.adapters.osc_packet import Arg, Message, OscError, decode, encode

FREE, OTHER = "", "another program"
LARGEST = 2000  # bytes; our answers are shorter
BUFFER = 1 << 20  # bytes of answers that may wait


def holder(host: str, port: int, patience: float = 1.0) -> str:
    """`FREE`, `OTHER`, or what the engine there says it plays. Raises `OSError` for a host that is not of this machine.

    patience: s to wait for an engine's answer.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        try:
            bound.bind((host, port))
        except OSError as error:
            if isinstance(error, socket.gaierror) or not _in_use(error):
                raise
        else:
            return FREE
    with suppress(OSError, OscError), Asker((host, port), patience) as asker:
        state, model = map(str, asker.ask("/sda/status", answer="/sda/status/reply")[:2])
        return f"an engine ({state}{f', {model}' if model else ''})"
    return OTHER


class Asker:
    """A client of an engine, with a port of its own."""

    def __init__(self, engine: tuple[str, int], patience: float = 10.0) -> None:
        """patience: s to wait for an answer. Raises `OSError` for a host that is not known."""
        family, _, _, _, address = socket.getaddrinfo(*engine, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.settimeout(patience)
        with suppress(OSError):  # a smaller buffer only loses more in a flood
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.connect(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, packet: bytes) -> None:
        self._socket.send(packet)

    def heard(self, seconds: float) -> Iterator[Message]:
        """Every message that comes within some time, as it comes. Raises `OSError` where nobody is there."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            with suppress(TimeoutError, OscError):
                yield from decode(self._socket.recv(LARGEST))

    def ask(self, address: str, *args: Arg, answer: str) -> tuple[Arg, ...]:
        """The arguments of the next message at the address `answer`, whatever else comes before it.

        Raises `OSError` where none comes, `OscError` where what comes is no OSC.
        """
        self.send(encode(address, *args))
        while True:
            for message in decode(self._socket.recv(LARGEST)):
                if message.address == answer:
                    return message.args


def _in_use(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", None), getattr(errno, "WSAEACCES", None))
