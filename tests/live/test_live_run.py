"""`sda-engine run` as a musician meets it: started, steered over OSC, cut off, robbed of its children, ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from live_session import COMMAND, RATE, samples, session
from pythonosc.osc_message import OscMessage
from small_models import sounding

import sda
from sda.cli.main import main
from sda.library import Library

LINUX = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at /proc")
NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
STEADY = ("--set", "variation=0", "--set", "drift=0")  # every grain the same


@pytest.fixture
def models(home: Path) -> Path:
    Library().add(sounding("pebbles"))
    Library().add(sounding("bells", seed=1))
    return home


def rms(wave: np.ndarray) -> float:
    return float(np.sqrt(np.mean(wave.astype(np.float64) ** 2)))


def gone(number: int, seconds: float = 5.0) -> bool:
    """Whether a process that is not our child ends in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if "State:\tZ" in Path(f"/proc/{number}/status").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@LINUX
def test_a_file_holds_the_model_s_own_samples_for_exactly_the_duration_without_torch(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    arguments = (
        "pebbles",
        "--play",
        "--audio",
        f"file:{path}",
        "--duration",
        "1.5",
        "--buffer",
        "800",
        "--set",
        "slider.brightness=4",
    )
    with session(*arguments) as running:
        for number in (running.process.pid, running.child("renderer"), running.child("player")):
            maps = Path(f"/proc/{number}/maps").read_text()
            assert "libtorch" not in maps
            assert ("libportaudio" in maps) is False  # a file needs no device
        text = running.wait()
    assert "played 1.500 s, 0 under-runs" in text
    assert re.search(r"/sda/slider/1 +brightness +\+4\.0", text)
    played = samples(path)
    assert len(played) == 72_000
    renderer = sda.load("pebbles").renderer(rate=RATE, values={"play": True, "slider.1": 4.0})
    blocks = [renderer.block() for _ in range(80)]
    expected = np.concatenate(blocks, axis=1)[:, :72_000]
    assert rms(expected) > 1e-3
    np.testing.assert_allclose(played, np.broadcast_to(expected, (2, 72_000)).T, atol=1e-6)


@pytest.mark.skipif(not shutil.which("oscsend"), reason="needs liblo's oscsend")
def test_oscsend_steers_what_is_recorded(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with session("pebbles", "--play", "--audio", f"file:{path}", "--buffer", "300", *STEADY) as running:
        for address, value in (("/sda/gain", "-26"), ("/sda/gain", "0"), ("/sda/play", "0")):
            time.sleep(0.7)
            subprocess.run(["oscsend", "127.0.0.1", str(running.port), address, "f", value], check=True)
        time.sleep(0.7)
        assert str(path) in running.end()
    wave = samples(path)
    assert not wave[-9600:].any()
    end = int(np.flatnonzero(wave.any(axis=1))[-1])
    level = np.array([rms(wave[at : at + 4800]) for at in range(0, end - 4800, 1200)])
    # -26 dB is a twentieth. Grains of random weights are no steady tone: levels within half an octave of each other.
    assert np.median(level[:6]) / np.median(level[level < level.max() / 5]) == pytest.approx(10 ** (26 / 20), rel=0.5)
    loud = level > level[:6].mean() / 4
    turns = np.flatnonzero(np.diff(loud.astype(int)))
    assert len(turns) == 2  # loud, soft, loud, and then silence
    assert 0.4 < (turns[1] - turns[0]) * 1200 / RATE < 1.2


def test_space_is_switched_while_it_plays(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    arguments = ("pebbles", "--play", "--audio", f"file:{path}", "--buffer", "100", "--set", "spatial=mono", *STEADY)
    with session(*arguments) as running:
        for address, value in (("/sda/width", 1.0), ("/sda/spatial", "stereo"), ("/sda/azimuth", 90.0), ("/sda/spatial", 2)):
            time.sleep(0.5)
            running.send(address, value)
        time.sleep(0.7)
        assert running.ask("/sda/q/spatial").params == ["binaural"]
        assert running.ask("/sda/spatial", "quad").address == "/sda/error"
        running.end()
    left, right = samples(path).T.astype(np.float64)
    one = np.flatnonzero(left != right)[0]
    assert one > 0.3 * RATE  # mono up to there
    assert rms(left[:one]) > 1e-3
    two = len(left) - round(0.4 * RATE)
    assert rms(right[two:]) > 1.5 * rms(left[two:])  # the source stands on the right
    assert abs(np.corrcoef(left[one + 4800 : one + 14_400], right[one + 4800 : one + 14_400])[0, 1]) < 0.7
    # The ways of space meet without a step: none is larger than the sound's own.
    own = max(np.abs(np.diff(side[part])).max() for side in (left, right) for part in (slice(one), slice(two, None)))
    assert max(np.abs(np.diff(side)).max() for side in (left, right)) < 3 * own


def test_the_engine_answers_swaps_models_and_ends_by_ctrl_c(models: Path) -> None:
    with session("pebbles", "--play", "--audio", "null") as running:
        assert running.ask("/sda/ping", 7, "x").params == [7, "x"]
        assert running.ask("/sda/sync", 3).params == [3]
        status = running.ask("/sda/status").params
        assert status[:5] == ["playing", "pebbles", "hifigan", "the model's own vocoder", "null"]
        assert status[8] > 40  # ms of latency: the buffer alone is 40
        assert status[9] == RATE
        running.send("/sda/slider/brightness", 3.0)
        assert running.ask("/sda/q/slider/1").params == [3.0]
        running.send("/sda/model", "bells")
        time.sleep(0.3)
        assert running.ask("/sda/sync", 4).params == [4]
        assert running.ask("/sda/status").params[1] == "bells"
        assert running.ask("/sda/q/slider/1").params == [3.0]  # a value follows its slider's name
        running.send("/sda/model", "nothing")
        running.until("no model 'nothing'")
        told = OscMessage(running.socket.recv(65536))
        assert (told.address, told.params[:2]) == ("/sda/error", ["/sda/model", "refused"])
        assert "no model 'nothing'" in told.params[2]
        assert running.ask("/sda/sync", 5).params == [5]
        assert running.ask("/sda/q/model").params == ["bells"]
        refusal = running.ask("/sda/model", str(models / "models" / "pebbles.distill"))
        assert (refusal.address, refusal.params[0]) == ("/sda/error", "/sda/model")
        assert running.ask("/sda/status").params[1] == "bells"
        running.send("/sda/panic")
        running.send("/sda/center")
        assert running.ask("/sda/q/play").params in ([0], [False])
        assert running.ask("/sda/q/slider/1").params == [0.0]
        assert running.ask("/sda/status").params[0] == "stopped"
        assert "played" in running.end()


def test_panic_silences_the_recording_whatever_lies_in_the_ring(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with session("pebbles", "--play", "--audio", f"file:{path}", "--buffer", "1500") as running:
        time.sleep(0.5)
        running.send("/sda/panic")
        running.ask("/sda/ping")
        time.sleep(0.6)  # 1.5 s of sound lie in the ring
        running.end()
    wave = samples(path)
    end = int(np.flatnonzero(wave.any(axis=1))[-1])
    assert end < len(wave) - 0.4 * RATE
    assert rms(wave[: end - 480]) > 1e-3


@LINUX
def test_a_killed_engine_leaves_no_process_no_memory_and_a_finished_file(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with session("pebbles", "--play", "--audio", f"file:{path}") as running:
        time.sleep(0.5)
        children = [number for number, _ in running.children()]
        assert len(children) >= 2
        shared = {entry.name for entry in Path("/dev/shm").iterdir()}
        running.process.kill()
        running.process.wait()
        assert all(gone(number) for number in children)
        assert shared - {entry.name for entry in Path("/dev/shm").iterdir()}
    assert len(samples(path)) > 0.3 * RATE
    assert [entry.name for entry in tmp_path.glob("*.wav")] == ["out.wav"]
    assert not list(tmp_path.glob(".out*"))


@LINUX
def test_a_child_that_dies_is_replaced_and_said_so_and_values_return(models: Path) -> None:
    with session("pebbles", "--play", "--audio", "null", "--set", "gain=-3") as running:
        running.send("/sda/slider/1", 2.0)
        for role in ("renderer", "player"):
            os.kill(running.child(role), signal.SIGKILL)
            running.until(f"the {role} ended (exit code -9) and is started again")
        time.sleep(0.3)
        assert running.ask("/sda/sync", 1).params == [1]
        state, model, *_ = running.ask("/sda/status").params
        assert (state, model) == ("playing", "pebbles")
        assert running.ask("/sda/q/slider/1").params == [2.0]
        running.end()


@LINUX
def test_a_recording_goes_on_in_another_file_where_its_player_dies(models: Path, tmp_path: Path) -> None:
    with session("pebbles", "--play", "--audio", f"file:{tmp_path / 'out.wav'}") as running:
        os.kill(running.child("player"), signal.SIGKILL)
        running.until("the player ended (exit code -9) and is started again")
        time.sleep(1.0)
        running.end()
    assert len(samples(tmp_path / "out-2.wav")) > 0.2 * RATE
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "no model 'nothing' in the library"),
        (["{home}/broken.distill"], "broken.distill"),
        (["pebbles", "--osc", "nonsense"], "expected HOST:PORT"),
        (["pebbles", "--osc-out", "nonsense"], "--osc-out nonsense: expected HOST:PORT"),
        (["pebbles", "--name", "../left"], "--name: expected a name"),
        (["pebbles", "--set", "gain=99"], "gain: expected -60 to 12, found 99"),
        (["pebbles", "--set", "spatial=wide"], "spatial: expected one of mono, stereo, binaural, found 'wide'"),
        (["pebbles", "--set", "gain=loud"], "gain: expected a number, found 'loud'"),
        (["pebbles", "--set", "slider.pitch=1"], "slider.pitch: no such control"),
        (["pebbles", "--set", "gain"], "expected ID=VALUE"),
        (["pebbles", "--set", "model=bells"], "as the argument of run"),
        (["pebbles", "--duration", "0"], "--duration"),
        (["pebbles", "--outs", "3-4"], "--outs 3-4: expected a device to play to, found --audio null"),
        (["pebbles", "--audio", "x", "--outs", "4-3"], "expected two neighbouring channels such as 3-4"),
        (["pebbles", "--audio", "x", "--outs", "1-4"], "expected two neighbouring channels such as 3-4"),
    ],
)
def test_a_wrong_wish_is_one_line_before_anything_starts(
    models: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (models / "broken.distill").write_bytes(b"\x10" + bytes(500))
    with pytest.raises(SystemExit) as end:
        main(["run", "--audio", "null", *(text.format(home=models) for text in arguments)])
    printed = capsys.readouterr()
    assert (end.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert words in printed.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--audio", "file:{home}/no/out.wav"], "cannot write there"),
        (["--audio", "null", "--osc", "127.0.0.1:{taken}"], "--osc 127.0.0.1:"),
        (["--audio", "a device nobody has"], "--audio null"),
        pytest.param(["--audio", "null", "--device", "cuda"], "device 'cuda' is not available to torch here", marks=NO_CUDA),
    ],
)
def test_what_the_machine_lacks_is_one_line_and_nothing_stays_behind(models: Path, arguments: list[str], words: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        filled = [text.format(home=models, taken=taken.getsockname()[1]) for text in arguments]
        command = [*COMMAND, "pebbles", "--osc", "127.0.0.1:0", *filled]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert words in done.stderr


def test_a_port_open_to_the_network_is_announced(home: Path) -> None:
    command = [*COMMAND, "--headless", "--audio", "null", "--osc", "0.0.0.0:0", "--duration", "0.1"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert "OSC is open to the network" in text
    assert "no model" in text
    assert "panel " not in text
