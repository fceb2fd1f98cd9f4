"""The scripts for TouchDesigner with stand-ins for its objects, and the packets of its OSC Out CHOP, replayed.

TouchDesigner cannot run here. The stand-ins have what its wiki (docs.derivative.ca: OP, COMP, Page, Par, oscoutDAT classes)
says of the members that are used. The OSC Out CHOP sends a bundle a frame with all its channels in it, named without
the first slash, each a float, and a time tag (docs.derivative.ca/OSC_Out_CHOP).
"""

from __future__ import annotations

import runpy
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from osc_desk import DESIGNER, MAX, Desk

TOUCH = Path(__file__).parents[2] / "patches" / "touchdesigner"


class Par(SimpleNamespace):
    """A custom parameter."""

    def eval(self) -> object:
        return self.val


class Page:
    """A page of custom parameters; the `append` methods give a tuple of one."""

    def __init__(self, owner: Comp, name: str) -> None:
        self._owner, self.name = owner, name

    def _append(self, name: str, *, label: str) -> tuple[Par]:
        assert name[0].isupper()
        assert name[1:].isalnum()
        assert name[1:] == name[1:].lower()
        self._owner.par[name] = Par(name=name, label=label, owner=self._owner, val=0, page=self)
        return (self._owner.par[name],)

    appendFloat = appendInt = appendToggle = appendMenu = appendStr = _append  # their names

    def destroy(self) -> None:
        self._owner.customPages.remove(self)
        for name in [name for name, par in self._owner.par.items() if par.page is self]:
            del self._owner.par[name]


class Comp:
    """A COMP: custom pages and storage."""

    def __init__(self) -> None:
        self.par: dict[str, Par] = {}
        self.customPages: list[Page] = []
        self._storage: dict[str, Any] = {}

    def appendCustomPage(self, name: str) -> Page:
        self.customPages.append(Page(self, name))
        return self.customPages[-1]

    def store(self, key: str, value: object) -> None:
        self._storage[key] = value

    def fetch(self, key: str, default: object = None, *, storeDefault: bool = False) -> Any:
        if storeDefault:
            return self._storage.setdefault(key, default)
        return self._storage.get(key, default)


class Designer:
    """The network of `patches/touchdesigner/README.md`, wired to an engine's surface."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.sda, self.sent = desk, Comp(), list[str]()
        self.faults: list[tuple[object, ...]] = []
        port = SimpleNamespace(par=SimpleNamespace(port=Par(val=16181)))
        ops = {"sda": self.sda, "sda_in": port, "sda_out": SimpleNamespace(sendOSC=self.send)}
        names = {"op": ops.__getitem__, "debug": lambda *words: self.faults.append(words)}
        self.callbacks = runpy.run_path(str(TOUCH / "sda_in_callbacks.py"), names)
        self.moved = runpy.run_path(str(TOUCH / "sda_parameters.py"), names)["onValueChange"]

    def send(self, address: str, values: list[object]) -> None:
        self.sent.append(address)
        self.hear(self.desk.send(address, *values, source=DESIGNER))

    def hear(self, messages: list[tuple[object, ...]]) -> None:
        for row, (address, *args) in enumerate(messages):
            self.callbacks["onReceiveOSC"](None, row, "", b"", 0.0, address, args, None)

    def turn(self, name: str, value: object) -> None:
        par = self.sda.par[name]
        before, par.val = par.val, value
        self.moved(par, before)


@pytest.fixture
def designer() -> Designer:
    made = Designer(Desk())
    made.callbacks["connect"]()
    return made


def test_every_control_becomes_a_parameter_with_its_range(designer: Designer) -> None:
    assert [page.name for page in designer.sda.customPages] == ["Engine", "Sliders"]
    assert len(designer.sda.par) == len(designer.desk.controls.rows)
    slider, drift, vocoder = (designer.sda.par[name] for name in ("Slider1", "Drift", "Vocoder"))
    assert (slider.label, slider.min, slider.max, slider.page.name) == ("brightness", -10, 10, "Sliders")
    assert (drift.max, drift.help.endswith("Hz"), vocoder.menuNames) == (10, True, ["auto", "bigvgan", "hifigan"])
    assert designer.sda.par["Gain"].val == 0.0


def test_a_parameter_moves_the_engine_and_the_engine_the_parameter_without_an_echo(designer: Designer) -> None:
    designer.turn("Slider1", 6.5)
    designer.turn("Vocoder", "hifigan")
    assert [designer.desk.controls.get(id) for id in ("slider.1", "vocoder")] == [6.5, "hifigan"]
    designer.desk.send("/sda/slider/1", -2.0, source=MAX)
    designer.hear(designer.desk.due(1.0))
    assert designer.sda.par["Slider1"].val == -2.0
    designer.sent.clear()
    designer.turn("Slider1", -2.0)  # TouchDesigner calls for a value that a script set, too
    assert designer.sent == []
    designer.turn("Slider1", 1.0)
    assert designer.sent == ["/sda/slider/1"]


def test_another_model_makes_the_pages_anew_and_a_lost_row_is_asked_for_again(designer: Designer) -> None:
    designer.desk.controls.install_sliders(["one"])
    rows = designer.desk.send("/sda/q/params")
    designer.sent.clear()
    designer.hear(rows[1:])
    assert designer.sent[0] == "/sda/q/params"
    assert [name for name in designer.sda.par if name.startswith("Slider")] == ["Slider1"]
    designer.hear([("/sda/error", "/sda/x", "unknown", "no such address")])
    assert designer.faults == [("sda:", "/sda/x", "unknown", "no such address")]


def chop_frame(seconds: float, channels: dict[str, float]) -> bytes:
    """A frame of the OSC Out CHOP, byte by byte: `#bundle`, the time in 1/2^32 s since 1900, each element behind its size."""

    def element(name: str, value: float) -> bytes:
        address = f"/{name}".encode() + b"\0"
        body = address + bytes(-len(address) % 4) + b",f\0\0" + struct.pack(">f", value)
        return struct.pack(">i", len(body)) + body

    time = struct.pack(">Q", int((seconds + 2_208_988_800) * 2**32))
    return b"#bundle\0" + time + b"".join(element(*channel) for channel in channels.items())


def test_channels_that_repeat_every_frame_do_not_fight_with_anyone_else() -> None:
    desk = Desk()
    channels = {"sda/slider/brightness": 6.0, "sda/gain": -3.0}
    assert chop_frame(0, {"sda/gain": -3.0})[16:] == b"\0\0\0\x14/sda/gain\0\0\0,f\0\0\xc0\x40\0\0"
    for frame in range(30):
        desk.now += 1 / 60
        assert desk.raw(chop_frame(1_000_000.0, channels), DESIGNER) == []  # the desk's wall clock stands still
        if frame == 10:
            desk.send("/sda/gain", -12.0, source=MAX)
    assert (desk.controls.get("slider.1"), desk.controls.get("gain")) == (6.0, -12.0)
    desk.raw(chop_frame(1_000_000.0, {**channels, "sda/gain": -2.0}), DESIGNER)
    assert desk.controls.get("gain") == -2.0
