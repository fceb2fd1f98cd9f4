"""Make the Max patch from the acts: `python patches/max/make.py`. Its controls are built by `sda.js` while it runs.

The file format is JSON: boxes by id, and lines from (box, outlet) to (box, inlet).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from sda.acts import ACTS, Act
from sda.params import Kind

HERE = Path(__file__).parent
TO, FROM = 16180, 16181  # ports: the engine's, and ours
PORTS = {  # class or first word: inlets, outlets
    "comment": (1, 0), "message": (2, 1), "udpreceive": (1, 1), "udpsend": (1, 0), "js": (1, 0), "loadbang": (1, 1),
    "metro": (2, 1), "delay": (2, 1), "t": (1, 3), "route": (1, 3), "print": (1, 0), "multislider": (1, 2),
    "textedit": (1, 4), "prepend": (1, 1),
}  # fmt: skip


class Patch:
    """Boxes and the lines between them."""

    def __init__(self) -> None:
        self._boxes: list[dict[str, Any]] = []
        self._lines: list[dict[str, Any]] = []

    def add(self, kind: str, x: int, y: int, width: int = 120, **more: Any) -> str:
        """A box of a user-interface class, or of an object named by its `text`."""
        words = str(more.get("text", "")).split()
        inlets, outlets = PORTS[kind if kind != "newobj" else words[0]]
        name = f"obj-{len(self._boxes) + 1}"
        box = {
            "id": name, "maxclass": kind, "numinlets": inlets, "numoutlets": outlets,
            "outlettype": [""] * outlets, "patching_rect": [x, y, width, 22], **more,
        }  # fmt: skip
        self._boxes.append({"box": box})
        return name

    def wire(self, *path: str | tuple[str, int]) -> None:
        """From box to box; (box, outlet) where it is not the first one."""
        for source, sink in zip(path, path[1:], strict=False):
            box, outlet = source if isinstance(source, tuple) else (source, 0)
            target = sink if isinstance(sink, str) else sink[0]
            self._lines.append({"patchline": {"source": [box, outlet], "destination": [target, 0]}})

    def whole(self, width: int) -> str:
        """The file of a window of this width, in pixels."""
        patcher = {
            "fileversion": 1, "appversion": {"major": 8, "minor": 0, "revision": 0, "architecture": "x64"},
            "classnamespace": "box", "rect": [60, 60, width, 800], "boxes": self._boxes, "lines": self._lines,
        }  # fmt: skip
        return json.dumps({"patcher": patcher}, indent="\t") + "\n"


def act_box(patch: Patch, act: Act, x: int, y: int) -> str:
    """A message to click; for an act that wants a name, a field to write it in."""
    if not any(argument.needed for argument in act.arguments):
        return patch.add("message", x, y, 130, text=act.address)
    patch.add("comment", x, y - 24, 150, text=f"{act.id}: name, Return")
    field = patch.add("textedit", x, y, 130, keymode=1)
    words, out = patch.add("newobj", x, y + 26, 70, text="route text"), patch.add("newobj", x, y + 52, 150, text=f"prepend {act.address}")
    patch.wire(field, words, out)
    return out


def plain(act: Act) -> bool:
    """Whether an act can be had with a click or one name."""
    return [a.kind for a in act.arguments if a.needed] in ([], [Kind.TEXT])


def patch_of_acts() -> str:
    """`sda.maxpat`."""
    patch = Patch()
    patch.add("comment", 20, 10, 700, text="sda: start the engine first (sda-engine run MODEL), then open this patch. The controls build themselves.")
    send = patch.add("newobj", 20, 130, 150, text=f"udpsend 127.0.0.1 {TO}", varname="sda_send")
    heard = patch.add("newobj", 560, 40, 110, text=f"udpreceive {FROM}")
    routed = patch.add("newobj", 560, 70, 200, text="route /sda/meter /sda/error")
    patch.wire(heard, routed)
    meters = patch.add("multislider", 780, 40, 60, setminmax=[-60.0, 0.0], size=2, settype=1)
    patch.wire(routed, meters)
    patch.wire((routed, 1), patch.add("newobj", 600, 100, 70, text="print sda"))
    patch.wire((routed, 2), patch.add("newobj", 690, 100, 70, text="js sda.js"))
    start = patch.add("newobj", 320, 70, 110, text="t b b b")
    patch.wire(patch.add("newobj", 320, 40, 60, text="loadbang"), patch.add("newobj", 390, 40, 70, text="delay 500"), start)
    again = patch.add("message", 470, 40, 80, text="connect")
    patch.wire(again, start)
    alive = patch.add("newobj", 320, 100, 90, text="metro 60000")
    ping, rows = patch.add("message", 420, 100, 70, text="/sda/ping"), patch.add("message", 320, 130, 100, text="/sda/q/params")
    listen = patch.add("message", 430, 130, 120, text=f"/sda/listen {FROM}")
    patch.wire((start, 2), listen, send)
    patch.wire((start, 1), rows, send)
    patch.wire(start, alive, ping, send)
    acts = list(filter(plain, ACTS))
    for n, act in enumerate(acts):
        patch.wire(act_box(patch, act, 900 + 170 * (n // 7), 60 + 100 * (n % 7)), send)
    return patch.whole(max(1260, 920 + 170 * -(-len(acts) // 7)))


def files() -> dict[str, str]:
    """File name -> content."""
    return {"sda.maxpat": patch_of_acts()}


if __name__ == "__main__":
    for name, content in files().items():
        (HERE / name).write_text(content, encoding="utf-8")
        sys.stdout.write(f"{HERE / name}\n")
