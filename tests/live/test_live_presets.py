"""Presets, chance and undo over real OSC, with the real engine and the sound that they make."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from live_session import Session, session
from small_models import sounding

from sda.core.chance import randomized
from sda.formats import preset as file
from sda.formats.preset import Preset
from sda.library import Library
from sda.model import load
from sda.presets import Presets

RATE = 48_000
QUIET = ("--play", "--audio", "null")


@pytest.fixture
def models(home: Path) -> Path:
    Library().add(sounding("pebbles"))
    bells = sounding("bells", seed=1)
    names = ("grit", "brightness")
    sliders = [{**slider, "name": name} for slider, name in zip(bells.analysis["sliders"], names, strict=True)]
    Library().add(replace(bells, analysis={**bells.analysis, "sliders": sliders}))
    return home


def state(running: Session, *ids: str) -> list[object]:
    return [running.value(id) for id in ids]


def test_save_recall_apply_next_prev_and_number(models: Path) -> None:
    with session("pebbles", *QUIET) as running:
        running.send("/sda/slider/brightness", 3.5)
        running.send("/sda/gain", -6.0)
        assert running.act("/sda/preset/save", "dusk") == ["dusk", 0]
        running.send("/sda/slider/brightness", -2.0)
        running.send("/sda/spatial", "mono")
        assert running.act("/sda/preset/save", "dawn") == ["dawn", 1]
        saved = json.loads((Presets().folder / "dusk.json").read_text())
        assert (saved["model_name"], saved["sliders"]) == ("pebbles", {"brightness": 3.5, "axis-1": 0.0})
        assert (saved["values"]["gain"], saved["values"]["slider.1"], saved["values"]["spatial"]) == (-6.0, 3.5, "stereo")
        assert "play" not in saved["values"]
        names = [running.ask("/sda/q/presets").params, *(list(running.receive().params) for _ in range(2))]
        assert names == [["dusk", 0, "pebbles"], ["dawn", 1, "pebbles"], [2]]
        running.send("/sda/gain", 0.0)
        assert running.act("/sda/preset/recall", "DUSK") == ["dusk"]
        assert state(running, "slider.1", "gain", "spatial", "play") == [3.5, -6.0, "stereo", 1]
        assert running.act("/sda/preset/next") == ["dawn"]
        assert running.value("slider.1") == -2.0
        assert running.act("/sda/preset/next") == ["dusk"]
        assert running.act("/sda/preset/prev") == ["dawn"]
        assert running.act("/sda/preset/number", 0) == ["dusk"]
        assert running.act("/sda/preset/number", 7)[0] == "refused"
        running.send("/sda/preset/next", 0)  # a button that is let go
        assert running.value("slider.1") == 3.5
        # Applied to another model: sliders by name, and a preset that was made for the other one stays away from numbers.
        running.send("/sda/model", "bells")
        running.until("bells sounds")
        assert running.ask("/sda/sync", 9).params == [9]
        running.send("/sda/sliders", 5.0, 5.0)
        assert running.act("/sda/preset/apply", "dusk") == ["dusk", "not here: slider.axis-1"]
        assert state(running, "model", "slider.1", "slider.2") == ["bells", 5.0, 3.5]
        # Recalled, it brings its own.
        assert running.act("/sda/preset/recall", "dusk") == ["dusk"]
        assert state(running, "model", "slider.1", "slider.2", "gain") == ["pebbles", 3.5, 0.0, -6.0]
        assert running.act("/sda/undo") == ["preset.recall"]
        assert state(running, "model", "slider.1", "slider.2") == ["bells", 5.0, 3.5]
        assert running.act("/sda/redo") == ["preset.recall"]
        assert state(running, "model", "slider.1", "slider.2") == ["pebbles", 3.5, 0.0]
        running.end()


def test_what_cannot_be_recalled_is_said_and_the_sound_goes_on(models: Path) -> None:
    shelf = Presets()
    shelf.save(Preset(name="lost", model="5e0d6a2f", model_name="rain", values={"gain": -40.0}))
    shelf.save(Preset(name="odd", values={"gain": "loud", "reverb.size": 0.5, "drift": 1.0}, sliders={"warmth": 1.0}))
    (shelf.folder / "bad.json").write_text('{"values": {"gain": NaN}}')
    with session("pebbles", *QUIET) as running:
        for name, words in (
            ("lost", "for the model 'rain', which the library does not have"),
            ("bad", "NaN is no number"),
            ("none", "no preset 'none' in the library"),
        ):
            code, text = running.act("/sda/preset/recall", name)
            assert (code, words in text) == ("refused", True), text
        for act, name in (("recall", "../bad"), ("save", "/etc/passwd"), ("apply", "a\\b")):
            refusal = running.ask(f"/sda/preset/{act}", name)
            assert (refusal.address, *refusal.params[:2]) == ("/sda/error", f"/sda/preset/{act}", "value")
        left = "not here: slider.warmth, reverb.size; gain: expected a number, found 'loud'"
        assert running.act("/sda/preset/recall", "odd") == ["odd", left]
        assert state(running, "gain", "drift") == [0.0, 1.0]
        assert running.act("/sda/preset/apply", "lost") == ["lost"]  # that needs no model of its own
        assert running.ask("/sda/status").params[:2] == ["playing", "pebbles"]
        # A model's file that is damaged: the one that sounds goes on.
        path = Library().resolve("bells")
        shelf.save(Preset(name="broken", model=Library().entries()[0].id, model_name="bells"))
        path.write_bytes(path.read_bytes()[:-9])
        code, text = running.act("/sda/preset/recall", "broken")
        assert (code, "bells" in text) == ("refused", True)
        assert running.ask("/sda/sync", 1).params == [1]
        assert state(running, "model", "gain") == ["pebbles", -40.0]
        running.end()


def test_the_last_of_many_recalls_counts_while_models_load(models: Path) -> None:
    shelf, (bells, pebbles) = Presets(), (entry.id for entry in Library().entries())
    for n, id in enumerate((pebbles, bells, pebbles, bells)):
        shelf.save(Preset(name=f"p{n}", model=id, values={"gain": -1.0 - n}, sliders={"brightness": float(n)}))
    with session("pebbles", *QUIET) as running:
        for _ in range(22):  # p0, p1, ... round and round
            running.send("/sda/preset/next")
        ends = [running.receive() for _ in range(44)]
        done = [list(end.params) for end in ends if end.address == "/sda/done"]
        errors = [list(end.params) for end in ends if end.address == "/sda/error"]
        assert done[-1] == ["/sda/preset/next", "p1"]
        assert len(done) + len(errors) == 22
        assert {error[2] for error in errors} <= {"another model was asked for meanwhile"}
        assert running.ask("/sda/sync", 1).params == [1]
        assert state(running, "model", "gain", "slider.brightness") == ["bells", -2.0, 1.0]
        running.end()


def test_chance_center_undo_and_redo(models: Path) -> None:
    sliders = load(Library().resolve("pebbles")).sliders
    with session("pebbles", *QUIET) as running:
        assert running.act("/sda/undo") == ["refused", "nothing to undo"]
        running.send("/sda/sliders", 1.0, 2.0)
        assert running.act("/sda/randomize", 7) == [7]
        drawn = [randomized(sliders, 7)[n] for n in (1, 2)]
        assert state(running, "slider.1", "slider.2") == pytest.approx(drawn)
        (seed,) = running.act("/sda/randomize")
        assert state(running, "slider.1", "slider.2") == pytest.approx([randomized(sliders, seed)[n] for n in (1, 2)])
        running.send("/sda/center")
        assert state(running, "slider.1", "slider.2") == [0.0, 0.0]
        running.send("/sda/center")  # moves nothing: no jump
        running.send("/sda/slider/1", 9.0)
        assert running.act("/sda/undo") == ["center"]
        assert running.act("/sda/undo") == ["randomize"]
        assert state(running, "slider.1", "slider.2") == pytest.approx(drawn)
        assert running.act("/sda/undo") == ["randomize"]
        assert state(running, "slider.1", "slider.2") == [1.0, 2.0]
        for what in ("randomize", "randomize", "center"):
            assert running.act("/sda/redo") == [what]
        assert state(running, "slider.1", "slider.2") == [9.0, 0.0]  # with what the hand did after it
        assert running.act("/sda/redo") == ["refused", "nothing to redo"]
        running.send("/sda/model", "bells")
        running.until("bells sounds")
        assert running.ask("/sda/sync", 9).params == [9]
        running.send("/sda/slider/grit", 4.0)
        assert running.act("/sda/undo") == ["model"]
        assert state(running, "model", "slider.1", "slider.2") == ["pebbles", 9.0, 0.0]
        assert running.act("/sda/redo") == ["model"]
        assert state(running, "model", "slider.grit", "slider.brightness") == ["bells", 4.0, 9.0]
        running.end()


def test_morph_lies_between_two_presets(models: Path) -> None:
    shelf = Presets()
    pebbles = Library().entries()[1].id
    one = {"gain": -20.0, "drift": 0.0, "spatial": "mono", "slider.1": -4.0, "width": 0.2, "density": 5.0}
    other = {"gain": 0.0, "drift": 10.0, "spatial": "stereo", "slider.1": 4.0, "width": 0.2}
    shelf.save(Preset(name="one", model=pebbles, values=one))
    shelf.save(Preset(name="other", model=pebbles, values=other))
    with session(*QUIET) as running:  # their model comes along
        assert running.act("/sda/preset/morph", "one", "other") == ["one", "other"]
        assert state(running, "model", *one) == ["pebbles", *(pytest.approx(value) for value in one.values())]
        running.send("/sda/morph", 0.5)
        assert running.ask("/sda/sync", 1).params == [1]
        ids = ("gain", "drift", "spatial", "slider.1", "width", "density")
        assert state(running, *ids) == [-10.0, 1.25, "stereo", 0.0, pytest.approx(0.2), 5.0]  # drift: 10 Hz * 0.5^3
        running.send("/sda/width", 0.9)  # alike in both: the hand keeps it
        for place in np.linspace(0.5, 0.25, 50):
            running.send("/sda/morph", float(place))
        assert running.ask("/sda/sync", 2).params == [2]
        assert state(running, "gain", "spatial", "width") == [-15.0, "mono", pytest.approx(0.9)]
        assert running.act("/sda/preset/recall", "other") == ["other"]
        running.send("/sda/morph", 0.0)
        assert running.ask("/sda/sync", 3).params == [3]
        assert state(running, *one) == [pytest.approx(value) for value in one.values()]
        assert running.act("/sda/preset/morph", "one", "none")[0] == "refused"
        running.end()


def test_a_recall_over_seconds_is_heard_as_one_long_movement(models: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    Presets().save(Preset(name="soft", values={"gain": -30.0, "slider.1": 5.0}))
    arguments = ("pebbles", "--play", "--audio", f"file:{out}", "--set", "variation=0", "--set", "drift=0")
    with session(*arguments) as running:
        time.sleep(0.6)
        assert running.act("/sda/preset/recall", "soft", 1.5) == ["soft"]
        seen = []
        while not seen or seen[-1] > -30.0:
            seen.append(running.value("gain"))
            time.sleep(0.02)
            assert len(seen) < 500
        assert seen == sorted(seen, reverse=True)
        assert len({round(value, 3) for value in seen}) > 10
        assert running.value("slider.1") == 5.0
        time.sleep(0.3)
        running.end()
    wave, _ = soundfile.read(out, dtype="float64", always_2d=True)
    level = 20 * np.log10([np.sqrt(np.mean(wave[at : at + 4800] ** 2)) + 1e-9 for at in range(4800, len(wave) - 9600, 2400)])
    assert level[0] - level[-1] == pytest.approx(30, abs=8)  # grains of random weights are no steady tone
    assert np.diff(level).min() > -12  # nowhere a fall of all of it


def test_a_preset_that_another_program_wrote_or_edited_is_seen(models: Path) -> None:
    with session("pebbles", *QUIET) as running:
        Presets().save(Preset(name="brought", values={"gain": -3.0}))
        assert running.act("/sda/preset/recall", "brought") == ["brought"]
        file.write(Presets().folder / "brought.json", Preset(name="brought", values={"gain": -4.0}))  # edited by hand
        assert running.act("/sda/preset/recall", "brought") == ["brought"]
        assert running.value("gain") == -4.0
        end = time.monotonic() + 10
        while running.ask("/sda/q/presets").params[:1] != ["brought"]:
            assert time.monotonic() < end
            time.sleep(0.1)
        running.receive()
        running.end()
