"""The view that plays, driven by a real mouse and keyboard in a real window, with the engine's own word on what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live_session import Session
from screen import Panel
from small_models import small_map

KNOB = 8  # pixels, half of the fader's knob: its way begins and ends there
FADER = "fader slider.1"


def until(engine: Session, id: str, good: Callable[[Any], bool]) -> Any:
    """The engine's value of a control, as soon as it is good and rests."""
    end, before = time.monotonic() + 30, None
    while not good(value := engine.value(id)) or value != before:
        assert time.monotonic() < end, (id, value)
        before = value
        time.sleep(0.25)
    return value


def on_way(window: Panel, label: str, share: float) -> tuple[float, float]:
    """The point of a fader where its knob stands at a share of the way."""
    left, y = window.place(label, share=0.0)
    right, _ = window.place(label, share=1.0)
    return left + KNOB + (right - left - 2 * KNOB) * share, y


def test_a_fader_is_dragged_and_the_engine_has_the_value(engine: Session, window: Panel) -> None:
    window.screen.drag(on_way(window, FADER, 0.5), on_way(window, FADER, 0.75))
    # Three quarters of -10..10 are 5; a pixel of the way is about 0.05.
    assert until(engine, "slider.1", lambda v: v > 4.5) == pytest.approx(5.0, abs=0.15)
    assert engine.value("slider.2") == 0.0
    window.says(f"{engine.value('slider.1'):.2f}")


def test_shift_makes_the_mouse_ten_times_as_fine(engine: Session, window: Panel) -> None:
    window.screen.drag(on_way(window, FADER, 0.3), on_way(window, FADER, 0.5), held="shift")
    # A fifth of the way is 4, and a tenth of that 0.4, from where it stood.
    assert until(engine, "slider.1", lambda v: v != 0.0) == pytest.approx(0.4, abs=0.05)


def test_a_double_click_resets_as_often_as_somebody_else_moves_it(engine: Session, window: Panel) -> None:
    for value in (6.0, -7.0):  # the panel asks for the same 0 twice, which is a move both times
        engine.send("/sda/slider/1", value)
        window.says(f"{value:.2f}")
        for _ in range(10):  # a machine that is too busy sees both presses too far apart
            window.screen.double_click(*on_way(window, FADER, 0.4))
            if until(engine, "slider.1", lambda v, before=value: v != before) == 0.0:  # type: ignore[misc]
                break
        assert engine.value("slider.1") == 0.0


def test_keys_move_the_fader_that_was_touched_and_go_on_to_the_next(engine: Session, window: Panel) -> None:
    window.screen.click(*on_way(window, FADER, 0.5))
    start = engine.value("slider.1")
    window.screen.key("Right", "Right", "Right")
    assert until(engine, "slider.1", lambda v: v > start + 0.5) == pytest.approx(start + 0.6)  # hundredths of 20
    window.screen.key("Down", "Left")
    assert until(engine, "slider.2", lambda v: v != 0.0) == pytest.approx(-0.2)
    window.screen.key("Delete")
    assert until(engine, "slider.2", lambda v: v == 0.0) == 0.0


def test_a_number_is_typed(engine: Session, window: Panel) -> None:
    window.click("##gain")
    window.screen.key("ctrl+a")
    window.screen.type("-7.5")
    window.screen.key("Return")
    assert until(engine, "gain", lambda v: v != 0.0) == -7.5
    assert engine.value("play") == 0  # return went into the field, and was no strike nor space


def test_what_others_do_is_seen(engine: Session, window: Panel) -> None:
    engine.send("/sda/gain", -12.25)
    engine.send("/sda/slider/brightness", 3.5)
    window.says("-12.25 dB")
    window.says("3.50")
    engine.send("/sda/play", 1)
    window.says("Playing")


def test_play_panic_and_the_keys_for_both(engine: Session, window: Panel) -> None:
    window.click("Play", "mvButton")
    until(engine, "play", bool)
    window.says("playing  pebbles")
    window.click("Panic")
    until(engine, "play", lambda v: not v)
    window.screen.key("space")
    until(engine, "play", bool)
    window.screen.key("Escape")
    until(engine, "play", lambda v: not v)


def test_outside_the_safe_range_the_ruler_has_another_colour(window: Panel) -> None:
    inside, outside = (window.screen.colour(*on_way(window, FADER, share)) for share in (0.8, 0.97))  # safe from -8 to 8
    assert inside != outside
    assert outside[0] > inside[0]  # warm: more red


def test_a_preset_is_saved_and_recalled_and_morphed_to(engine: Session, window: Panel, library: Path) -> None:
    engine.send("/sda/slider/1", 4.0)
    window.says("4.00")
    window.click("Save")  # no name: nothing happens
    items = window.items()
    assert not any(item["label"] == "dusk" for item in items)
    name = next(i for i in items if i["kind"] == "mvInputText" and i["label"] == "##preset")["place"]
    window.screen.click(name[0] + 20, name[1] + name[3] / 2)
    window.screen.type("dusk")
    window.click("Save")
    end = time.monotonic() + 30
    while not (kept := list((library / "presets").glob("dusk*"))):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert json.loads(kept[0].read_text())["sliders"]["brightness"] == 4.0
    engine.send("/sda/slider/1", -4.0)
    window.until(lambda items: any(i["kind"] == "mvListbox" and i["value"] == "dusk" for i in items))
    window.click("Recall")
    assert until(engine, "slider.1", lambda v: v > 0) == 4.0
    window.click("Undo")
    assert until(engine, "slider.1", lambda v: v < 0) == -4.0


def test_a_dot_of_the_map_becomes_the_home_and_a_drag_travels(engine: Session, window: Panel) -> None:
    dots = small_map(12).places  # as the model has them, -1 to 1
    left, y = window.place("map", share=0.0)
    right, _ = window.place("map", share=1.0)
    middle, half = (left + right) / 2, (right - left) / 2 - 10

    def pixel(x: float, up: float) -> tuple[float, float]:
        return middle + x * half, y - up * half

    window.screen.click(*pixel(*dots[3]))
    until(engine, "map.share", lambda v: v == 1.0)
    assert (engine.value("map.x"), engine.value("map.y")) == pytest.approx(tuple(dots[3]), abs=1e-4)
    window.screen.drag(pixel(*dots[3]), pixel(-0.5, 0.25))
    assert until(engine, "map.x", lambda v: abs(v + 0.5) < 0.02) == pytest.approx(-0.5, abs=0.02)
    assert engine.value("map.y") == pytest.approx(0.25, abs=0.02)
    window.says("sounds nearest to")
    window.click("Own home")
    until(engine, "map.share", lambda v: v == 0.0)


def test_the_vocoder_is_chosen_and_why_is_said(engine: Session, window: Panel) -> None:
    window.says("auto chose Per-model HiFi-GAN: the model's own vocoder")
    engine.send("/sda/vocoder", "hifigan")
    window.until(lambda items: any(i["kind"] == "mvRadioButton" and i["value"] == "Per-model HiFi-GAN" for i in items))
    engine.send("/sda/vocoder", "auto")
    window.says("auto chose")


def test_another_model_brings_its_own_sliders(engine: Session, window: Panel) -> None:
    engine.send("/sda/model", "bells")
    window.says("stopped  bells")
    window.says("This model has no map")
    engine.send("/sda/model", "pebbles")
    window.says("stopped  pebbles")


def test_what_is_refused_is_told_where_it_happened(engine: Session, window: Panel) -> None:
    window.click("Morph between")  # two presets are not chosen: nothing is asked
    engine.send("/sda/gain", "loud")
    window.show("Log")
    assert engine.receive().address == "/sda/error"
    engine.send("/sda/model", "nobody")
    window.says("no model 'nobody'")
    assert engine.receive().address == "/sda/error"


def test_a_recording_and_a_take_begun_elsewhere_are_shown_and_ended_here(engine: Session, window: Panel, library: Path) -> None:
    engine.send("/sda/play", True)
    for act, at_rest, running, folder, silent in (
        ("record", "Record", "Stop rec.", "recordings", "nothing is being recorded"),
        ("take", "Take", "Stop take", "takes", "no take is being written"),
    ):
        (name,) = engine.act(f"/sda/{act}/start")
        window.says(running)
        window.click(running)
        window.until(lambda items, label=at_rest: any(item["label"] == label for item in items))
        assert (library / folder / name).stat().st_size > 0
        assert silent in engine.act(f"/sda/{act}/stop")[1]
