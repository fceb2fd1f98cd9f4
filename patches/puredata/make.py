"""Make the Pure Data patches from the registry: `python patches/puredata/make.py`. Every control is one row in `sda.pd`.

The file format: a line a box, then a line a wire, which names boxes by their number in the file.
http://puredata.info/docs/developer/PdFileFormat
"""

from __future__ import annotations

import sys
from pathlib import Path

from sda.acts import ACTS, Act
from sda.params import PARAMS, Kind, Param

HERE = Path(__file__).parent
TO, FROM = 16180, 16181  # ports: the engine's, and ours
ROW = 24  # pixels from one control to the next
SLIDERS = 12  # rows for the sliders of a model
GUTS = 900  # pixels to the right, where the boxes are that nobody plays on
COLOURS = "#fcfcfc #000000 #000000"
SET = "set \\$1"


class Patch:
    """Boxes in the order in which Pd counts them, then the wires."""

    def __init__(self, width: int, height: int) -> None:
        self._boxes = [f"#N canvas 60 60 {width} {height} 12;"]
        self._wires: list[str] = []

    def _box(self, kind: str, *words: object) -> int:
        self._boxes.append(" ".join(map(str, (f"#X {kind}", *words))) + ";")
        return len(self._boxes) - 2

    def obj(self, x: int, y: int, *words: object) -> int:
        return self._box("obj", x, y, *words)

    def msg(self, x: int, y: int, text: str) -> int:
        return self._box("msg", x, y, text)

    def text(self, x: int, y: int, text: str) -> int:
        return self._box("text", x, y, text.replace(",", " \\,").replace(";", " \\;"))

    def number(self, x: int, y: int) -> int:
        return self._box("floatatom", x, y, 8, 0, 0, 0, "-", "-", "-", 0)

    def word(self, x: int, y: int) -> int:
        return self._box("symbolatom", x, y, 20, 0, 0, 0, "-", "-", "-", 0)

    def slider(self, x: int, y: int, low: int, high: int, name: str) -> int:
        return self.obj(
            x, y, "hsl", 150, 15, low, high, 0, 0, "empty", name, "empty", 230, 8, 0, 10, COLOURS, 0, 1
        )

    def toggle(self, x: int, y: int, name: str) -> int:
        return self.obj(x, y, "tgl", 15, 0, "empty", name, "empty", 17, 7, 0, 10, COLOURS, 0, 1)

    def radio(self, x: int, y: int, count: int, name: str) -> int:
        return self.obj(x, y, "hradio", 15, 1, 0, count, "empty", name, "empty", 0, -8, 0, 10, COLOURS, 0)

    def button(self, x: int, y: int, name: str) -> int:
        return self.obj(x, y, "bng", 15, 250, 50, 0, "empty", name, "empty", 17, 7, 0, 10, COLOURS)

    def wire(self, *path: int | tuple[int, int]) -> None:
        """From box to box; (box, outlet) where it is not the first one."""
        for source, sink in zip(path, path[1:], strict=False):
            box, outlet = source if isinstance(source, tuple) else (source, 0)
            self._wires.append(f"#X connect {box} {outlet} {sink if isinstance(sink, int) else sink[0]} 0;")

    def sends(self, x: int, y: int, *path: str) -> int:
        """What makes an OSC message of a value and sends it."""
        box = self.obj(x, y, "oscformat", "sda", *path)
        self.wire(box, self.obj(x + 300, y, "s", "sda-out"))
        return box

    def whole(self, tail: str = "") -> str:
        return "\n".join([*self._boxes, *self._wires]) + "\n" + tail


def slider_row() -> str:
    """`sda-slider.pd`: the slider of the model whose number is the argument; it shows the name that the model gives it."""
    patch = Patch(460, 320)
    slider, number = patch.slider(20, 20, -10, 10, "sda-slider-\\$1"), patch.number(180, 20)
    patch.wire(number, slider, patch.sends(20, 260, "slider", "\\$1"))
    patch.wire(slider, patch.msg(180, 60, SET), number)
    value = patch.msg(20, 150, SET)
    patch.wire(patch.obj(20, 100, "r", "sda-slider"), patch.obj(20, 125, "route", "\\$1"), value, slider)
    patch.wire(value, number)
    label = patch.obj(180, 150, "list", "prepend", "label")
    patch.wire(patch.obj(180, 100, "r", "sda-name"), patch.obj(180, 125, "route", "slider.\\$1"), label)
    patch.wire(label, patch.obj(180, 175, "list", "trim"), slider)
    return patch.whole(f"#X coords 0 -1 1 1 380 {ROW - 4} 1 18 18;\n")


def number_row(patch: Patch, row: Param, y: int) -> int:
    """A slider from 0 to 1 by the control's curve, and its value in its unit."""
    path, name = row.id.split("."), f"sda-{row.id}"
    number = patch.number(270, y)
    patch.wire(number, patch.sends(GUTS, y, *path))
    shown = patch.obj(GUTS + 430, y, "t", "f", "f")
    value = patch.msg(GUTS + 800, y, SET)
    patch.wire((shown, 1), value, number)
    if row.kind is Kind.FLOAT:
        slider = patch.slider(110, y, 0, 1, name)
        patch.wire(slider, patch.sends(GUTS + 500, y, *path, "norm"))
        place = f"expr pow((\\$f1 - {row.low:g}) / {row.high - row.low:g} \\, {1 / row.curve:.6g})"
        patch.wire(shown, patch.obj(GUTS + 500, y + 4000, place), patch.msg(GUTS + 800, y + 4000, SET), slider)
    patch.text(345, y, row.unit)
    return shown


def control_row(patch: Patch, row: Param, y: int) -> int:
    """A row for a control; returns the box that takes its value when it changed."""
    path, name = row.id.split("."), f"sda-{row.id}"
    patch.text(10, y, row.id)
    if row.kind in (Kind.FLOAT, Kind.INT):
        return number_row(patch, row, y)
    sends = patch.sends(GUTS, y, *path)
    if row.kind is Kind.BOOL:
        widget, entry = patch.toggle(110, y, name), patch.msg(GUTS + 430, y, SET)
        patch.wire(entry, widget)
    elif row.kind is Kind.CHOICE:
        widget, entry = patch.radio(110, y, len(row.choices), name), patch.obj(GUTS + 430, y, "route", *row.choices)
        patch.text(120 + 15 * len(row.choices), y, " | ".join(row.choices))
        for n in range(len(row.choices)):
            patch.wire((entry, n), patch.msg(GUTS + 700 + 60 * n, y, f"set {n}"), widget)
    else:
        widget, entry = patch.word(110, y), patch.obj(GUTS + 430, y, "list", "prepend", "set")
        patch.wire(entry, patch.obj(GUTS + 600, y, "list", "trim"), widget)
    patch.wire(widget, sends)
    return entry


def act_row(patch: Patch, act: Act, y: int) -> None:
    """A button; for an act that wants a name a box to write it in."""
    text = any(argument.needed and argument.kind is Kind.TEXT for argument in act.arguments)
    patch.text(450, y, act.id)
    button = patch.word(560, y) if text else patch.button(560, y, f"sda-{act.id}")
    patch.wire(button, patch.sends(GUTS, y + 2000, *act.id.split(".")))


def plain(act: Act) -> bool:
    """Whether an act can be had with a button or one name."""
    needed = [argument.kind for argument in act.arguments if argument.needed]
    return needed in ([], [Kind.TEXT])


def connection(patch: Patch) -> None:
    """Sends to the engine, asks it for everything, and stays its listener."""
    out = patch.obj(GUTS, -200, "netsend", "-u", "-b")
    patch.wire(patch.obj(GUTS, -260, "r", "sda-out"), patch.obj(GUTS, -240, "list", "prepend", "send"),
               patch.obj(GUTS, -220, "list", "trim"), out)  # fmt: skip
    patch.text(450, 40, f"the engine hears at {TO}, this patch at {FROM}")
    again = patch.button(450, 60, "sda-again")
    patch.text(470, 60, "connect again")
    start = patch.obj(GUTS + 200, -300, "t", "b", "b", "b", "b")
    patch.wire(patch.obj(GUTS + 200, -330, "loadbang"), start)
    patch.wire(again, patch.msg(GUTS + 500, -300, "disconnect"), out)
    patch.wire(again, start)
    patch.wire((start, 3), patch.msg(GUTS + 700, -270, f"connect 127.0.0.1 {TO}"), out)
    patch.wire((start, 2), patch.msg(GUTS + 600, -270, str(FROM)), patch.sends(GUTS + 600, -240, "listen"))
    patch.wire((start, 1), patch.sends(GUTS + 1000, -240, "q", "params"))
    patch.wire(start, patch.obj(GUTS + 200, -270, "metro", "60000"), patch.sends(GUTS + 200, -210, "ping"))


def main_patch() -> str:
    """`sda.pd`: every control of the registry, the sliders of the model, the acts, meters."""
    patch = Patch(860, max(90 + ROW * (len(PARAMS) + SLIDERS), 600))
    patch.text(10, 8, "sda: start the engine first, with sda-engine run MODEL")
    connection(patch)
    entries = [control_row(patch, row, 40 + ROW * n) for n, row in enumerate(PARAMS)]
    for n in range(SLIDERS):
        patch.obj(10, 60 + ROW * (len(PARAMS) + n), "sda-slider", n + 1)
    for n, act in enumerate(filter(plain, ACTS)):
        act_row(patch, act, 100 + ROW * n)
    heard = patch.obj(GUTS, -150, "netreceive", "-u", "-b", FROM)
    ours = patch.obj(GUTS, -90, "route", "sda")
    patch.wire(heard, patch.obj(GUTS, -130, "oscparse"), patch.obj(GUTS, -110, "list", "trim"), ours)
    others = patch.obj(GUTS, -70, "route", "slider", "param", "meter", "error")
    patch.wire(ours, others)
    patch.wire(others, patch.obj(GUTS, -50, "s", "sda-slider"))
    name = patch.msg(GUTS + 150, -30, "\\$1 \\$9")
    patch.wire((others, 1), patch.obj(GUTS + 150, -50, "list"), name, patch.obj(GUTS + 150, -10, "s", "sda-name"))
    levels = patch.obj(GUTS + 350, -50, "unpack", "f", "f")
    patch.wire((others, 2), levels)
    for n in range(2):
        patch.wire((levels, n), patch.obj(800 + 25 * n, 40, "vu", 15, 120, "empty", "empty", -1, -8, 0, 10, "#404040 #000000 1 0"))
    patch.wire((others, 3), patch.obj(GUTS + 500, -50, "print", "sda"))
    values = patch.obj(GUTS, -10, "route", *(row.id.split(".")[0] for row in PARAMS))
    patch.wire((others, 4), values)
    for n, entry in enumerate(entries):
        patch.wire((values, n), entry)
    return patch.whole()


def files() -> dict[str, str]:
    """File name -> content."""
    return {"sda.pd": main_patch(), "sda-slider.pd": slider_row()}


if __name__ == "__main__":
    for name, content in files().items():
        (HERE / name).write_text(content, encoding="utf-8")
        sys.stdout.write(f"{HERE / name}\n")
