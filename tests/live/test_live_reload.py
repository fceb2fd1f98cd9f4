"""A model whose file is replaced while it plays: `/sda/reload` lets the new vocoder sound, in step and without a click."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from live_session import session
from pythonosc.osc_message import OscMessage
from small_models import sounding

from sda.core.render import Renderer
from sda.formats import distill
from sda.formats.distill import ModelDocument
from sda.library import Library
from sda.live.handover import Handover
from sda.model import Model
from sda.spec import GeneratorSpec

RATE = 48_000
FADE = 1440  # frames, 30 ms
VALUES = {"play": True, "slider.1": 4.0, "gain": -12.0}


def trained(document: ModelDocument, *, seed: int = 5) -> ModelDocument:
    """The same model with another vocoder of its own."""
    other = sounding(seed=seed).tensors
    weights = {name: tensor for name, tensor in other.items() if name.startswith("vocoder.")}
    return replace(document, tensors={**document.tensors, **weights})


def sound(document: ModelDocument, frames: int) -> np.ndarray:
    """What the model plays from its first sample on [T, 2]."""
    renderer = Model(document).renderer(rate=RATE, values=VALUES)
    parts = [renderer.block()]
    while sum(part.shape[1] for part in parts) < frames:
        parts.append(renderer.block())
    return np.concatenate(parts, axis=1)[:, :frames].T


def steepest(wave: np.ndarray) -> float:
    return float(np.abs(np.diff(wave, axis=0)).max())


def changes(wave: np.ndarray, one: np.ndarray, other: np.ndarray) -> tuple[int, int]:
    """The last frame up to which `wave` is `one`, and the first from which on it is `other`."""
    first = np.flatnonzero(np.abs(wave - one).max(axis=1) > 1e-4)
    last = np.flatnonzero(np.abs(wave - other).max(axis=1) > 1e-4)
    return int(first[0]), int(last[-1]) + 1


def test_a_new_vocoder_sounds_without_a_click_at_the_same_place(home: Path, tmp_path: Path) -> None:
    before, after = sounding("pebbles"), trained(sounding("pebbles"))
    path = Library().add(before)
    out = tmp_path / "out.wav"
    arguments = ("pebbles", "--play", "--audio", f"file:{out}", "--set", "slider.1=4", "--set", "gain=-12")
    with session(*arguments) as running:
        time.sleep(0.8)
        distill.write(path, after)
        time.sleep(0.3)  # a new file alone changes nothing
        running.send("/sda/reload")
        running.until("pebbles sounds; its sliders: brightness, axis-1")
        assert running.ask("/sda/q/slider/brightness").params == [4.0]
        time.sleep(1.2)
        assert "0 under-runs" in running.end()
    wave, _ = soundfile.read(out, dtype="float32", always_2d=True)
    end = int(np.flatnonzero(wave.any(axis=1))[-1]) - FADE
    one, other = sound(before, end), sound(after, end)
    assert np.abs(one - other).max() > 0.02  # the vocoders can be told apart
    left, right = changes(wave[:end], one, other)
    # Grain for grain it goes on: up to the change the one model's samples, from 30 ms later on the other's, each as if it
    # had played from the start.
    assert 0.9 * RATE < left < right <= left + FADE
    assert end - right > 0.4 * RATE
    assert steepest(wave[:end]) <= 1.05 * max(steepest(one), steepest(other))


def test_what_cannot_be_read_again_leaves_the_sound_and_says_why(home: Path) -> None:
    path = Library().add(sounding("pebbles"))
    with session("pebbles", "--play", "--audio", "null") as running:
        path.write_bytes(b"\x10" + bytes(500))
        running.send("/sda/reload")
        told = OscMessage(running.socket.recv(65536))
        assert (told.address, told.params[:2]) == ("/sda/error", ["/sda/reload", "refused"])
        assert "pebbles.distill" in told.params[2]
        assert running.ask("/sda/sync", 1).params == [1]
        assert running.ask("/sda/status").params[:2] == ["playing", "pebbles"]
        running.end()


def test_a_flood_of_wishes_ends_with_the_last_file(home: Path) -> None:
    """A controller that repeats itself keeps no load from its end, and what was written meanwhile is not missed."""
    path = Library().add(sounding("pebbles"))
    with session("pebbles", "--play", "--audio", "null") as running:
        for _ in range(100):
            running.send("/sda/reload")
            time.sleep(0.005)
        distill.write(path, trained(sounding("last")))
        running.send("/sda/reload")
        running.until("last sounds; its sliders: brightness, axis-1")
        loads = [line for line in running.lines if "pebbles sounds" in line]
        assert 1 < len(loads) <= 50
        running.end()


def test_without_a_model_there_is_nothing_to_read_again(home: Path) -> None:
    with session("--audio", "null") as running:
        told = running.ask("/sda/reload")
        assert told.params == ["/sda/reload", "refused", "no model is loaded that could be read again"]
        running.end()


# The handover itself.


def renderer(document: ModelDocument, rate: int = RATE) -> Renderer:
    return Model(document).renderer(rate=rate, values=VALUES)


def heard(source: Renderer | Handover, blocks: int) -> np.ndarray:
    return np.concatenate([source.block() for _ in range(blocks)], axis=1).T


@pytest.mark.parametrize("blocks", [1, 20])
def test_the_one_that_comes_sounds_as_if_it_had_played_all_along(blocks: int) -> None:
    """At once as well as after a while, a glide under way and a clock that goes on."""
    before, after = sounding(), trained(sounding())
    leaving, coming, alone = renderer(before), renderer(after), renderer(after)
    for each in (leaving, alone):
        each.set("glide", 500.0)
        each.set("slider.2", 6.0)
    start = [heard(each, blocks) for each in (leaving, alone)]
    run_in = coming.follow(leaving)
    assert run_in is not None
    coming.set("glide", 500.0)
    assert coming.position == leaving.position == blocks * 1024
    handover = Handover(leaving, coming, run_in, RATE)
    wave, expected = heard(handover, 40), heard(alone, 40)
    assert handover.done
    assert len(start[0]) == len(start[1])
    assert np.abs(wave[run_in + FADE :] - expected[run_in + FADE :]).max() <= 1e-5
    assert np.abs(expected).max() > 0.02


def test_without_the_run_in_the_vocoder_s_missing_past_is_heard() -> None:
    leaving, coming, alone = renderer(sounding()), renderer(trained(sounding())), renderer(trained(sounding()))
    heard(leaving, 20), heard(alone, 20)
    assert coming.follow(leaving) is not None
    late = heard(Handover(leaving, coming, -FADE, RATE), 4) - heard(alone, 4)
    assert np.abs(late).max() > 1e-3


@pytest.mark.parametrize("what", ["another model", "another rate", "another look-ahead", "a loop that plays"])
def test_what_cannot_be_in_step_is_not_followed_and_left_as_it_was(what: str) -> None:
    document = sounding()
    leaving = renderer(document, 44_100 if what == "another rate" else RATE)
    match what:
        case "another model":
            document = sounding(seed=1)
        case "another look-ahead":
            spec = replace(document.vocoder or GeneratorSpec(), causal_stages=4)
            document = replace(document, vocoder=spec)
        case "a loop that plays":
            leaving.looper.play(np.zeros(RATE, np.float32))
    heard(leaving, 5)
    coming, alone = renderer(document), renderer(document)
    assert coming.follow(leaving) is None
    np.testing.assert_array_equal(heard(coming, 5), heard(alone, 5))


def test_controls_reach_both_but_a_slider_only_its_own_model() -> None:
    other = replace(sounding(), analysis={"sliders": [dict(s, name=f"x{s['number']}") for s in sounding().analysis["sliders"]]})
    for document, both in ((sounding(), True), (other, False)):
        leaving, coming = renderer(sounding()), renderer(document)
        run_in = coming.follow(leaving)
        assert run_in is not None
        assert coming._path_state.glide.target.tolist() == [4.0, 0.0]  # by name where there is one, else as it was loaded
        handover = Handover(leaving, coming, run_in, RATE)
        handover.set("slider.1", -3.0)
        assert coming._path_state.glide.target[0] == -3.0
        assert leaving._path_state.glide.target[0] == (-3.0 if both else 4.0)
        handover.set("play", False)
        assert not leaving._settings.stage.play
        assert not coming._settings.stage.play
