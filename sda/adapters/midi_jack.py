"""Word of the end of a JACK server, of which rtmidi says nothing: its clients go on listing the ports that were.

A client of our own that takes part in no cycle is told by JACK itself (`jack_on_shutdown`, jack/jack.h); asking with a new
rtmidi client every second would hold up the whole graph each time.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

NO_START_SERVER = 1  # JackNoStartServer, jack/types.h

_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class JackWatch:
    """A client that waits for the end of its server. It lives until the process ends."""

    def __init__(self, name: str, ended: Callable[[], None]) -> None:
        """`ended` is called once, in a thread of the library. Where there is no JACK it never is."""
        self._callback = _Callback(lambda _: ended())  # must not be collected before the library lets go of it
        path = _library()
        if path is None:
            return
        library = ctypes.CDLL(path)
        library.jack_client_open.restype = ctypes.c_void_p
        library.jack_client_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
        library.jack_on_shutdown.restype = None
        library.jack_on_shutdown.argtypes = [ctypes.c_void_p, _Callback, ctypes.c_void_p]
        client = library.jack_client_open(name.encode(), NO_START_SERVER, None)
        if client is not None:
            library.jack_on_shutdown(client, self._callback, None)


def _library() -> str | None:
    """The library that rtmidi brought into this process, else the system's."""
    with suppress(OSError):
        found = re.search(r"/\S.*/libjack[^/\n]*\.so\S*", Path("/proc/self/maps").read_text())
        if found is not None:
            return found[0]
    return ctypes.util.find_library("jack")
