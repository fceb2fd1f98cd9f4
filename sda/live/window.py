"""The engine's side of the panel: opened where there is a screen, told when the run is over, and otherwise left alone.

The panel is a client like any other. Where it dies, or is closed, nothing is started in its place: a window that pops up again
and again is worse than none, and `sda-engine panel` opens another one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from sda.live.supervisor import Child, Events

Address = tuple[str, int]
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # where an engine that receives on all addresses is met
CLOSING = 2.0  # s for the window to close


class Window:
    """The panel of one run."""

    def __init__(self, events: Events, say: Callable[[str], None]) -> None:
        self.child: Child | None = None
        self._events, self._say = events, say

    def open(self, engine: Address) -> None:
        """Start it. engine: where that receives OSC."""
        host, port = engine
        self.child = Child("panel", {"connect": [EVERYWHERE.get(host, host), port]}, self._events)

    def closed(self) -> None:
        """The process is gone: say so where that was not the user's wish."""
        assert self.child is not None
        child, self.child = self.child, None
        how = child.stop(CLOSING)
        if child.process.returncode != 0:
            self._say(f"the panel ended ({how}); the sound goes on, and `sda-engine panel` opens it again")

    def stop(self) -> None:
        """Close it, in order."""
        child, self.child = self.child, None
        if child is not None:
            child.send({"kind": "end"})
            child.stop(CLOSING)


def lacks() -> str:
    """Why no window can be shown here, in words; empty where one can. A toolkit without a display ends its process."""
    if os.name == "posix" and sys.platform != "darwin" and not os.environ.get("DISPLAY"):
        return "there is no display here (DISPLAY is not set)"
    return ""
