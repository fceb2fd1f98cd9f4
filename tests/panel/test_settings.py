"""Log and settings: words that are filtered, looks that are kept, and a device that is chosen by hand."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from live_session import Session
from screen import Panel

from sda.panel.devices import listed
from sda.panel.palette import PAPER
from sda.panel.taste import Taste
from sda.panel.theme import scale_for


def test_words_of_the_engine_are_shown_and_filtered(engine: Session, window: Panel) -> None:
    window.show("Log")
    for name in ("nobody", "noone"):
        engine.send("/sda/model", name)
        assert engine.receive().address == "/sda/error"
        window.says(f"no model '{name}'")
        time.sleep(1.1)  # of one kind and address an error is told once a second
    field = next(i for i in window.items() if i["kind"] == "mvInputText")["place"]
    window.screen.click(field[0] + 20, field[1] + field[3] / 2)
    window.screen.type("noone")
    window.until(lambda items: not any("nobody" in str(i["value"]) for i in items))
    window.says("no model 'noone'")
    window.screen.key("ctrl+a", "Delete")
    window.says("no model 'nobody'")


def test_colours_are_chosen_and_kept(window: Panel, library: Path) -> None:
    window.show("Settings")
    ground = window.screen.colour(2, window.screen.size[1] - 3)
    left, top, width, height = next(i for i in window.items() if i["kind"] == "mvRadioButton")["place"]
    window.screen.click(left + width * 0.75, top + height / 2)  # the second of two
    end = time.monotonic() + 30
    while Taste.read().palette != PAPER.name:
        assert time.monotonic() < end
        time.sleep(0.05)
    window.until(lambda items: any(i["kind"] == "mvTab" for i in items))
    assert json.loads((library / "panel.json").read_text())["palette"] == "paper"
    while window.screen.colour(2, window.screen.size[1] - 3) != PAPER.ground:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert ground != PAPER.ground


def test_a_taste_that_is_damaged_or_of_another_kind_is_none(library: Path) -> None:
    path = library / "panel.json"
    for text in ("", "[]", "{", '{"palette": 3, "scale": "large", "font_points": true}', '{"nonsense": 1}'):
        path.write_text(text)
        assert Taste.read() == Taste()
    Taste(palette="dusk", scale=1.5).write()
    assert Taste.read() == Taste(palette="dusk", scale=1.5)
    path.unlink()


@pytest.mark.parametrize(("height", "scale"), [(560, 0.75), (800, 1.0), (1080, 1.25), (1440, 1.75), (2160, 2.5), (4320, 3.0)])
def test_the_scale_follows_the_window(height: int, scale: float) -> None:
    assert scale_for(height) == scale


def test_devices_are_named_as_the_command_lists_them() -> None:
    device = {"number": 4, "name": "Desk", "api": "JACK", "outputs": 8, "rate": 48000, "latency_ms": 5.0, "default": False}
    midi = {"system": "JACK", "inputs": ["knobs"], "outputs": [], "trouble": ""}
    found = listed({"sound": [device], "trouble": "", "midi": midi})
    assert found.sound == (("4", "4  Desk (JACK), 8 outputs"),)
    assert (found.midi, found.trouble) == (("knobs",), "")
    assert listed({"sound": [], "trouble": "", "midi": midi}).trouble == "this machine has no sound device"
    with pytest.raises(KeyError):
        listed({"sound": []})


def test_a_device_is_opened_and_what_cannot_be_is_said(engine: Session, window: Panel) -> None:
    window.show("Settings")
    window.says("null, 48000 Hz")
    window.click("Play there")  # the system's own choice: this machine may have none
    window.until(lambda items: any("no sound device" in str(i["value"]) or "plays to" in str(i["value"]) for i in items))
    assert engine.ask("/sda/ping", 1).params == [1]


def test_a_device_that_others_open_is_told(engine: Session, window: Panel) -> None:
    window.show("Settings")
    for rate in (44_100, 48_000):
        assert engine.act("/sda/audio/open", "null", 0, rate) == ["null"]
        window.says(f"null, {rate} Hz")
