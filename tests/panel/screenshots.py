"""`make screenshots`: every view of the panel at two sizes, as examples/guide shows them.

    python tests/panel/screenshots.py

The demo model plays, steered a little; the library is one of our own in a temporary folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "live"))
sys.path.insert(0, str(Path(__file__).parents[1] / "panel"))
from live_session import Session, session
from screen import Panel, panel, screen

from sda.formats.distill import read
from sda.library import Library

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "examples" / "guide"
MODEL = ROOT / "examples" / "driftwood.distill"
SIZES = ((1280, 800), (3840, 2160))
SETTLE_S = 2.5  # for what a view shows to be there
COLOURS = 128  # of a picture: a third of the bytes, and nobody sees it


def prepare(engine: Session) -> None:
    """Something to look at."""
    for name, values in (("low tide", (3.5, -2.0)), ("dusk", (-4.0, 6.0)), ("dawn", (6.5, 1.5))):
        for number, value in enumerate(values, start=1):
            engine.send(f"/sda/slider/{number}", value)
        engine.act("/sda/preset/save", name)
    for address, value in (("/sda/map/x", -0.25), ("/sda/map/y", 0.3), ("/sda/map/share", 0.8), ("/sda/density", 5.0)):
        engine.send(address, value)
    engine.send("/sda/play", 1)


def photograph(window: Panel, width: int) -> None:
    """Every view of a window."""
    titles = [item["label"] for item in window.items() if item["kind"] == "mvTab"]
    for title in titles:
        window.show(title)
        window.screen.point(window.screen.size[0] - 3, window.screen.size[1] - 3)  # no tooltip
        time.sleep(SETTLE_S)
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        picture = window.screen.picture(GUIDE / f"panel-{name}-{width}.png")
        subprocess.run(["convert", picture, "+dither", "-colors", str(COLOURS), f"png8:{picture}"], check=True)
        print(picture.relative_to(ROOT))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SDA_HOME"] = str(Path(folder) / "library")
        Library().add(read(MODEL))
        with session("driftwood", "--audio", "null") as engine:
            engine.socket.settimeout(60)
            prepare(engine)
            for size in SIZES:
                with screen(*size) as display, panel(display, engine.port, Path(folder)) as window:
                    window.says("playing  driftwood")
                    photograph(window, size[0])
            engine.end()


if __name__ == "__main__":
    main()
