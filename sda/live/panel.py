"""The panel process: the window on the engine that started it.

Spec (the first message): `connect`, host and port of the engine's OSC, by which alone the panel knows it. Then `end`: the run
is over, and the window closes. An input that ends without it means that the engine was killed: the window stays, says so, and
joins the next engine at that place. Sends nothing; the engine learns by its end that the window was closed.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable

from sda.live import wire


def main() -> None:
    """Read the spec and show the window, in the main thread as macOS asks. Never returns: no driver may hold up the end."""
    source, sink = wire.of_this_process()
    inbox: queue.SimpleQueue[wire.Message | None] = queue.SimpleQueue()
    wire.Wire(source, sink, inbox.put)
    spec = inbox.get()
    code = 0
    if spec is not None:
        try:
            _show((str(spec["connect"][0]), int(spec["connect"][1])), inbox)
        except Exception:
            traceback.print_exc()
            code = 1
    sys.stderr.flush()
    os._exit(code)


def _show(place: tuple[str, int], inbox: queue.SimpleQueue[wire.Message | None]) -> None:
    from sda.panel.app import App

    app = App(place)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: app.close())
    threading.Thread(target=_await_end, args=(inbox, app.close), name="end", daemon=True).start()
    app.run()


def _await_end(inbox: queue.SimpleQueue[wire.Message | None], close: Callable[[], None]) -> None:
    """Close the window where the engine says that the run is over; not where it is only gone."""
    while (message := inbox.get()) is not None:
        if message["kind"] == "end":
            close()


if __name__ == "__main__":
    main()
