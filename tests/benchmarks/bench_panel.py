"""What the panel costs and how soon it answers, in a real window on a screen that the processor draws (Mesa's llvmpipe).

    python tests/benchmarks/bench_panel.py [SECONDS]

10,000 value changes a second for a minute, and before it an idle stretch of a quarter of that for comparison. Input to
redraw is the time from a press on a fader, as the X server takes it, to the first pixel of another colour where the knob
comes to stand; it is looked for every 2 ms. Memory is what the process holds, processor time is the panel process's own.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "live"))
sys.path.insert(0, str(Path(__file__).parents[1] / "panel"))
from bench_flood import FLOOD, processor, resident
from live_session import session
from screen import Panel, panel, screen
from small_models import sounding

from sda.library import Library

RATE = 10_000  # value changes a second
PRESSES = 40
LOOK_S = 0.002
PLACES = (0.2, 0.4, 0.7)  # of a fader; three, since a flooded engine may lose a move, and the knob then stands where it was
Z_PIXMAP, ALL_PLANES = 2, ctypes.c_ulong(-1)


class Eye:
    """Reads single pixels and presses the mouse, in a connection of its own to an X server."""

    def __init__(self, name: str) -> None:
        self._x, self._test = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
        for call in (self._x.XOpenDisplay, self._x.XDefaultRootWindow, self._x.XGetImage, self._x.XGetPixel):
            call.restype = ctypes.c_void_p
        self._x.XGetPixel.restype = ctypes.c_ulong
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(name.encode()))
        self._root = ctypes.c_void_p(self._x.XDefaultRootWindow(self._display))

    def pixel(self, x: int, y: int) -> int:
        image = ctypes.c_void_p(self._x.XGetImage(self._display, self._root, x, y, 1, 1, ALL_PLANES, Z_PIXMAP))
        value = int(self._x.XGetPixel(image, 0, 0))
        self._x.XDestroyImage(image)
        return value

    def point(self, x: int, y: int) -> None:
        self._test.XTestFakeMotionEvent(self._display, -1, x, y, 0)
        self._x.XFlush(self._display)

    def button(self, down: bool) -> None:
        self._test.XTestFakeButtonEvent(self._display, 1, int(down), 0)
        self._x.XFlush(self._display)


def answers(window: Panel, eye: Eye, presses: int) -> list[float]:
    """Milliseconds from each of some presses on a fader to its knob."""
    places = [window.place("fader slider.2", share=share) for share in PLACES]
    found = []
    for number in range(presses):
        x, y = (round(v) for v in places[number % len(places)])
        eye.point(x, y)
        time.sleep(0.6)  # two presses nearer than that are a double click
        before, began = eye.pixel(x, y), time.perf_counter()
        eye.button(True)
        while eye.pixel(x, y) == before and time.perf_counter() - began < 2.0:
            time.sleep(LOOK_S)
        found.append(1000 * (time.perf_counter() - began))
        eye.button(False)
    return found


@contextmanager
def flood(port: int, seconds: float) -> Iterator[None]:
    """Values of slider 1 and the gain, as many as `RATE` a second."""
    sender = subprocess.Popen(
        [sys.executable, str(FLOOD), str(port), str(seconds), str(RATE)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield
    finally:
        sent = int(sender.communicate(timeout=seconds + 30)[0])
        print(f"  {sent / seconds:,.0f} value changes a second sent")


def measured(window: Panel, eye: Eye, name: str, seconds: float) -> None:
    """One stretch."""
    process = window.process.pid
    held, worked, began = resident(process), processor(process), time.monotonic()
    times = answers(window, eye, max(4, min(PRESSES, int(seconds / 0.75))))
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    share = (processor(process) - worked) / (time.monotonic() - began)
    worst, median = max(times), statistics.median(times)
    print(
        f"  {name:8} input to redraw median {median:5.1f} ms, worst {worst:5.1f} ms of {len(times)} (bar: 100 ms); "
        f"{share:4.0%} of a core; memory {resident(process):.1f} MB, {resident(process) - held:+.1f} MB"
    )


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SDA_HOME"] = str(Path(folder) / "library")
        os.environ["LP_NUM_THREADS"] = str(os.cpu_count())  # to draw with, as llvmpipe has them where nobody says otherwise
        Library().add(sounding("pebbles", chunks=400))
        with session("pebbles", "--play", "--audio", "null") as engine, screen() as display:
            with panel(display, engine.port, Path(folder)) as window:
                window.says("playing  pebbles")
                time.sleep(5.0)
                eye = Eye(display.name)
                measured(window, eye, "idle", seconds / 4)
                with flood(engine.port, seconds):
                    measured(window, eye, "flood", seconds - 1.0)
            engine.end()


if __name__ == "__main__":
    main()
