"""The view of what moves what: addresses, learning from a real controller on JACK, and what comes in."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jack_server
import pytest
from live_session import Session, session
from screen import Panel

sys.path.insert(0, str(Path(__file__).parents[1]))
from midi_gear import gear

pytestmark = pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2")


@pytest.fixture(scope="module")
def engine(library: Path) -> Iterator[Session]:
    """An engine on a JACK server of its own, which has MIDI."""
    with jack_server.server(), session("pebbles", "--audio", "null") as running:
        running.socket.settimeout(60)
        yield running


@pytest.fixture
def mapping(window: Panel) -> Panel:
    window.show("Mapping")
    window.says("OSC at 127.0.0.1")
    return window


def written(library: Path) -> str:
    """What the maps' file says."""
    path = library / "engines" / "sda" / "controls.toml"
    return path.read_text() if path.exists() else ""


def row(window: Panel, address: str) -> float:
    """How far down the line of an address is, pixels."""
    return window.place(address)[1]


def test_every_control_and_act_that_a_button_can_do_has_its_address(mapping: Panel) -> None:
    mapping.says("/sda/play")
    mapping.says("/sda/map/share")
    mapping.says("OSCQuery at http://127.0.0.1:")


def test_an_address_is_copied_by_a_click(engine: Session, mapping: Panel) -> None:
    mapping.click("/sda/density")
    mapping.says("/sda/density is on the clipboard")
    mapping.show("Log")
    field = next(i for i in mapping.items() if i["kind"] == "mvInputText")["place"]
    mapping.screen.click(field[0] + 20, field[1] + field[3] / 2)
    for _ in range(10):  # a machine that is too busy may see the key without ctrl, or not at all
        mapping.screen.key("ctrl+a", "ctrl+v")
        if any(i["kind"] == "mvInputText" and i["value"] == "/sda/density" for i in mapping.items()):
            break
    mapping.until(lambda items: any(i["kind"] == "mvInputText" and i["value"] == "/sda/density" for i in items))
    mapping.screen.key("ctrl+a", "Delete")


def test_a_knob_is_learned_adjusted_and_forgotten(engine: Session, mapping: Panel, library: Path) -> None:
    engine.until("MIDI")
    with gear("desk") as desk:
        engine.until("MIDI: desk knobs:out is there")
        height = row(mapping, "/sda/glide")
        learn = [i for i in mapping.items() if i["label"] == "Learn"]
        left, top, width, tall = min((i["place"] for i in learn), key=lambda p: abs(p[1] + p[3] / 2 - height))
        mapping.screen.click(left + width / 2, top + tall / 2)
        mapping.says("move a knob, key or pedal")
        for _ in range(40):  # a JACK that is not of real time drops some
            desk.move("B0 15 40", "B0 15 41")
            if "glide" in written(library):
                break
            time.sleep(0.25)
        mapping.says("cc 21 ch 1")
        mapping.says("cc 21 = ")  # the monitor shows what came
    forget = next(i for i in mapping.items() if i["label"] == "Forget")["place"]
    mapping.screen.click(forget[0] + forget[2] / 2, forget[1] + forget[3] / 2)
    end = time.monotonic() + 30
    while "glide" in written(library):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_others_send_is_shown(engine: Session, mapping: Panel) -> None:
    engine.send("/sda/density", 7.5)
    mapping.says("/sda/density 7.5")
