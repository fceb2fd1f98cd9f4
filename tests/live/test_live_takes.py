"""Takes and recordings of a running engine: what is rendered again is what was heard, and what cannot be is said."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from live_session import RATE, Session, samples, session
from small_models import sounding

from sda.cli.main import main
from sda.formats import distill, take
from sda.library import Library

FADE = 240  # frames at the end of a rendering


@pytest.fixture
def models(home: Path) -> Path:
    Library().add(sounding("pebbles"))
    Library().add(sounding("bells", seed=1))
    return home


def rendered(path: Path, *arguments: str) -> np.ndarray:
    """What `render-take` makes of a take."""
    out = path.with_suffix(".wav")
    with pytest.raises(SystemExit) as end:
        main(["render-take", str(path), "-o", str(out), "--bit-depth", "32f", *arguments])
    assert end.value.code == 0
    return samples(out)


def flood(running: Session, seconds: float) -> None:
    """Both sliders, a thousand messages a second."""
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        running.send(f"/sda/slider/{1 + n % 2}", 8 * math.sin(n / 70))
        n += 1
        time.sleep(0.001)


def play_on(running: Session) -> None:
    """A bit of everything."""
    flood(running, 0.5)
    running.send("/sda/density", 0.0)
    for velocity in (1.0, 0.4, 0.7):
        running.send("/sda/strike", velocity)
        time.sleep(0.07)
    running.send("/sda/density", 9.0)
    running.send("/sda/model", "bells")
    flood(running, 0.4)
    running.until("bells sounds")
    running.send("/sda/spatial", "binaural")
    running.send("/sda/azimuth", 70.0)
    running.send("/sda/gain", -3.0)
    running.send("/sda/play", 0)
    time.sleep(0.5)
    running.send("/sda/play", 1)
    running.send("/sda/freeze", 1)
    flood(running, 0.3)
    running.send("/sda/freeze", 0)
    running.send("/sda/reload")
    time.sleep(0.9)


def test_a_take_of_everything_sounds_again_as_it_was_played(models: Path, tmp_path: Path) -> None:
    out, path = tmp_path / "out.wav", tmp_path / "all.take"
    with session("pebbles", "--play", "--audio", f"file:{out}", "--take", str(path), "--set", "gain=-12") as running:
        play_on(running)
        running.end()
    heard, again = samples(out), rendered(path)
    assert len(again) == len(heard)
    assert np.abs(heard).max() > 0.05
    difference = np.abs(again - heard).max(axis=1)[:-FADE]
    print(f"largest difference {difference.max():.2g} of {np.abs(heard).max():.2g}")
    assert difference.max() <= 1e-4
    found = take.read(path.read_bytes())
    assert [segment.how for segment in found.segments[1:]] == ["cut", "fade", "follow"]
    assert sum(event.id == "strike" for event in found.segments[1].events) == 3
    assert len(found.segments[1].events) < 200  # a flood is a value a frame


@pytest.mark.parametrize("gain", [-18, 0])  # below the limiter, and where it works
def test_a_take_begun_in_the_midst_joins_the_sound_within_50_ms(models: Path, tmp_path: Path, gain: int) -> None:
    out = tmp_path / "out.wav"
    with session("pebbles", "--play", "--audio", f"file:{out}", "--set", "variation=1", "--set", f"gain={gain}") as running:
        flood(running, 0.5)
        assert running.act("/sda/take/start", "dusk") == ["dusk.take"]
        assert "is being written" in running.act("/sda/take/start")[1]
        assert running.act("/sda/take/start", "../dusk")[0] == "value"
        flood(running, 0.4)
        running.send("/sda/strike")
        time.sleep(0.6)
        assert running.act("/sda/take/stop") == ["dusk.take"]
        assert "no take" in running.act("/sda/take/stop")[1]
        assert running.act("/sda/take/start", "dusk") == ["dusk-2.take"]
        time.sleep(0.2)
        running.end()
    heard, path = samples(out), models / "takes" / "dusk.take"
    found, again = take.read(path.read_bytes()), rendered(path)
    assert found.whole
    assert found.segments[0].how == "join"
    assert len(again) == found.end - found.position > 0.9 * RATE
    difference = np.abs(again - heard[found.position : found.end]).max(axis=1)
    past = round(0.05 * RATE)
    assert difference[past:-FADE].max() <= 1e-4
    assert difference[:past].max() > 1e-3  # what came before is not in it
    assert take.read((path.parent / "dusk-2.take").read_bytes()).whole  # the engine's end is the take's


def test_a_take_cut_off_by_a_kill_is_rendered_up_to_the_cut(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, path = tmp_path / "out.wav", tmp_path / "cut.take"
    with session("pebbles", "--play", "--audio", f"file:{out}", "--take", str(path)) as running:
        flood(running, 2.3)
        running.process.kill()
        running.process.wait()
        deadline = time.monotonic() + 10
        while not out.exists():  # the player finishes its file
            assert time.monotonic() < deadline
            time.sleep(0.02)
    heard, again = samples(out), rendered(path)
    assert "was cut off" in capsys.readouterr().err
    assert len(again) >= RATE
    length = min(len(again) - FADE, len(heard))
    assert np.abs(again[:length] - heard[:length]).max() <= 1e-4


def test_a_model_that_changed_is_told_and_one_that_is_gone_asked_for(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.take"
    with session("pebbles", "--play", "--audio", "null", "--take", str(path)) as running:
        time.sleep(0.5)
        running.end()
    model = Library().resolve("pebbles")
    same = rendered(path)
    assert capsys.readouterr().err == ""
    changed = sounding("pebbles")
    tensors = {name: 1.1 * tensor if name == "vocoder.conv_post.weight" else tensor for name, tensor in changed.tensors.items()}
    changed.tensors.update(tensors)
    distill.write(model, changed)
    other = rendered(path)
    assert "pebbles has changed since: it will sound different" in capsys.readouterr().err
    assert np.abs(other - same).max() > 1e-3
    model.unlink()
    with pytest.raises(SystemExit) as end:
        main(["render-take", str(path), "-o", str(tmp_path / "b.wav")])
    told = capsys.readouterr().err
    assert (end.value.code, told.count("\n")) == (2, 1)
    assert re.search(r"a\.take: its model pebbles \(.*\) is not in the library; another one can be named by --model", told)
    assert len(rendered(path, "--model", "bells")) == len(same)
    assert "is played by bells" in capsys.readouterr().err


def test_at_another_rate_it_is_the_same_performance(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.take"
    with session("pebbles", "--play", "--audio", "null", "--take", str(path), "--set", "spatial=mono") as running:
        time.sleep(0.4)
        running.send("/sda/gain", -60.0)
        time.sleep(0.3)
        running.send("/sda/gain", 0.0)
        time.sleep(0.4)
        running.end()
    found = take.read(path.read_bytes())
    off, on = (e.pos - found.position for e in found.segments[1].events if e.id == "gain")
    out = tmp_path / "b.wav"
    with pytest.raises(SystemExit) as end:
        main(["render-take", str(path), "-o", str(out), "--bit-depth", "32f", "--rate", "96000"])
    assert end.value.code == 0
    wave, rate = soundfile.read(out, dtype="float32", always_2d=True)
    assert rate == 96_000
    assert abs(len(wave) - 2 * (found.end - found.position)) <= 1
    silent = np.flatnonzero(~wave[: 2 * on].any(axis=1))
    silent = silent[silent > 2 * off]
    # A fade of 5 ms after its place, and 2.1 ms of the stage's delay.
    assert silent[0] == pytest.approx(2 * off + 480 + 200, abs=60)
    assert not wave[silent[0] : 2 * on + 100].any()


def test_what_is_no_take_is_one_line(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content, words in (
        ("a", b"RIFF", "no line of a take"),
        ("b", b'{"format":"sda-take","version":9}\n', "version 9"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SystemExit) as end:
            main(["render-take", str(tmp_path / name), "-o", str(tmp_path / "out.wav")])
        told = capsys.readouterr().err
        assert (end.value.code, told.count("\n")) == (2, 1)
        assert words in told


def test_a_take_never_replaces_a_file(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.take"
    path.write_bytes(b"precious")
    with pytest.raises(SystemExit) as end:
        main(["run", "pebbles", "--osc", "127.0.0.1:0", "--audio", "null", "--take", str(path), "--duration", "1"])
    assert end.value.code == 2
    assert path.read_bytes() == b"precious"


def test_a_recording_is_what_was_played(models: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    with session("pebbles", "--play", "--audio", f"file:{out}") as running:
        time.sleep(0.3)
        assert running.ask("/sda/q/files").params == ["", ""]
        assert running.act("/sda/record/start", "dawn") == ["dawn.wav"]
        assert running.ask("/sda/q/files").params == ["dawn.wav", ""]
        assert "is being recorded" in running.act("/sda/record/start")[1]
        time.sleep(0.7)
        running.send("/sda/panic")
        time.sleep(0.3)
        assert running.act("/sda/record/stop") == ["dawn.wav"]
        assert "nothing is being recorded" in running.act("/sda/record/stop")[1]
        running.end()
    heard, kept = samples(out), samples(models / "recordings" / "dawn.wav")
    at = int(np.flatnonzero((heard[: -len(kept) + 4800] == kept[0]).all(axis=1))[0])
    assert len(kept) > 0.9 * RATE
    assert np.abs(kept[: RATE // 2] - heard[at : at + RATE // 2]).max() == 0
    assert not kept[-4800:].any()  # as panic left it
