"""BigVGAN live: loops rendered ahead by a process of its own, said so, and no click where vocoders change."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from bigvgan_weights import save
from live_session import COMMAND, Session, session
from pythonosc.osc_message import OscMessage
from small_models import sounding

from sda import universal
from sda.core.loops import closed
from sda.library import Library
from sda.live import bigvgan
from sda.model import Model
from sda.weights import bring

RATE = 48_000
PATIENCE = 300.0  # s for a process to import torch and render, beside everything else that runs


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    save(folder / "bigvgan_generator.pt")
    return folder


@pytest.fixture
def models(home: Path, weights: Path) -> Path:
    Library().add(sounding("own"))
    Library().add(sounding("bare", own_vocoder=False, seed=1))
    bring(universal.store(), weights, unverified=True)
    return home


def status(running: Session) -> dict[str, object]:
    names = ("state", "model", "vocoder", "why", "device", "rtf_mean", "rtf_worst", "underruns", "latency_ms")
    return dict(zip(names, running.ask("/sda/status").params, strict=False))


def wait(running: Session, test: Callable[[dict[str, object]], bool]) -> dict[str, object]:
    end = time.monotonic() + PATIENCE
    while not test(said := status(running)):
        assert time.monotonic() < end, said
        time.sleep(0.1)
    return said


@pytest.mark.slow
def test_loops_come_are_said_and_left_without_a_click(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with session("own", "--vocoder", "bigvgan", "--play", "--audio", f"file:{path}", "--set", "gain=-6") as running:
        before = status(running)
        if before["vocoder"] == "hifigan":
            assert "renders its first loop; until it is there, hifigan plays" in str(before["why"])
        first = wait(running, lambda said: said["vocoder"] == "bigvgan")
        assert "real-time factor" in str(first["why"])
        assert float(str(first["latency_ms"])) > 200  # a rendered loop's, not the fast voice's
        running.until("BigVGAN sounds: loops of 2.0 s rendered ahead")
        time.sleep(1.0)
        running.send("/sda/slider/1", 7.0)
        second = wait(running, lambda said: said["why"] != first["why"])  # another loop, of another length and speed
        assert second["vocoder"] == "bigvgan"
        time.sleep(1.0)
        running.send("/sda/vocoder", "hifigan")
        wait(running, lambda said: said["vocoder"] == "hifigan" and said["why"] == "the model's own vocoder, as asked")
        assert not [command for _, command in running.children() if "sda.live.bigvgan" in command]
        time.sleep(1.0)
        running.end()
    wave, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    mono = wave[:, 0] if wave.ndim == 2 else wave
    # Neither vocoder's own sound may be exceeded: what each does alone, rendered offline with the same sliders.
    model = Model(sounding("own"))
    steps = [
        np.abs(np.diff(model.render(4.0, sliders={1: slider}, values={"gain": -6}, vocoder=wish))).max()
        for slider in (0.0, 7.0)
        for wish in ("hifigan", "bigvgan")
    ]
    assert np.abs(np.diff(mono)).max() <= 1.05 * max(steps)
    assert np.abs(mono).max() > 0.01


def test_what_cannot_be_had_leaves_the_sound_and_sets_the_control_back(models: Path) -> None:
    universal.store().remove()
    with session("bare", "--audio", "null") as running:
        assert status(running)["vocoder"] == "draft"
        for wish, words in (("hifigan", "bare has no vocoder of its own"), ("bigvgan", "BigVGAN is not here (")):
            running.send("/sda/vocoder", wish)
            running.until(words)
            told = OscMessage(running.socket.recv(65536))
            assert (told.address, told.params[:2]) == ("/sda/error", ["/sda/vocoder", "refused"])
            assert words in told.params[2]
            assert running.ask("/sda/q/vocoder").params == ["auto"]
            time.sleep(1.1)  # an error of a kind is told once a second
        assert status(running)["vocoder"] == "draft"
        running.end()


@pytest.mark.slow
def test_a_process_that_dies_is_replaced_and_the_sound_goes_on(models: Path) -> None:
    with session("bare", "--audio", "null", "--play") as running:
        wait(running, lambda said: said["vocoder"] == "bigvgan")  # auto: it is here, and the model has none
        child = running.child("bigvgan")
        os.kill(child, signal.SIGKILL)
        running.until("the process of BigVGAN ended")
        assert status(running)["vocoder"] == "bigvgan"  # the loop plays on
        running.send("/sda/slider/1", -7.0)
        why = status(running)["why"]
        wait(running, lambda said: said["why"] != why)
        assert running.child("bigvgan") != child
        running.end()


def test_run_refuses_what_cannot_be_had(home: Path) -> None:
    Library().add(sounding("bare", own_vocoder=False))
    for wish, words in ((["hifigan"], "bare has no vocoder of its own"), (["bigvgan", "--offline"], "BigVGAN is not here")):
        line = [*COMMAND, "bare", "--osc", "127.0.0.1:0", "--audio", "null", "--vocoder", *wish]
        done = subprocess.run(line, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert words in done.stderr.splitlines()[-1]


def test_loops_are_as_long_as_the_work_allows() -> None:
    # 10 s of work: 4 s at 2.5 s/s; never below the first loop's 2 s nor above 8 s.
    assert [bigvgan.length(rtf) for rtf in (None, 2.5, 20.0, 0.1)] == [2.0, 4.0, 2.0, 8.0]


def test_a_loop_is_the_offline_sound_closed(models: Path) -> None:
    model = Model(sounding("own"))
    loop = bigvgan.render(model.renderer(rate=RATE, values={"slider.1": 3.0}, vocoder="bigvgan"), 1.0)
    assert loop.shape == (RATE,)
    renderer = model.renderer(rate=RATE, values={"slider.1": 3.0}, vocoder="bigvgan")
    sound = np.concatenate([renderer.sound(8) for _ in range(10)], axis=1)[0]
    head, seam = round(0.1 * RATE), round(0.05 * RATE)
    assert np.abs(closed(sound[head : head + RATE + seam], RATE) - loop).max() <= 1e-4
