"""Who holds an OSC port: nobody, an engine of ours, or another program."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress

from sda.adapters.osc_packet import OscError, decode, encode

FREE, OTHER = "", "another program"
LARGEST = 2000  # bytes; our answers are shorter


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
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, suppress(OSError, OscError):
        asking.settimeout(patience)
        asking.connect((host, port))
        asking.send(encode("/sda/status"))
        (answer,) = decode(asking.recv(LARGEST))
        if answer.address == "/sda/status/reply":
            state, model = map(str, answer.args[:2])
            return f"an engine ({state}{f', {model}' if model else ''})"
    return OTHER


def _in_use(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", None), getattr(errno, "WSAEACCES", None))
