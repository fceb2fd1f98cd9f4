"""A device nobody has to own: JACK's dummy server, listened to by a second client, killed and started again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jack_server
import numpy as np
import pytest
import soundfile
from jack_server import RATE, Server, record
from live_session import COMMAND, Session, session
from small_models import sounding

import sda
from sda.job import environment
from sda.library import Library

pytestmark = pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2")
jack = pytest.importorskip("jack", exc_type=(ImportError, OSError))  # OSError where libjack is not there


@pytest.fixture
def server() -> Iterator[Server]:
    with jack_server.server() as made:
        yield made


def test_a_device_plays_the_model_s_samples_and_a_dead_server_is_outlived(server: Server, home: Path, tmp_path: Path) -> None:
    Library().add(sounding("pebbles"))
    with session("pebbles", "--play", "--audio", "jack", "--buffer", "300") as running:
        assert running.ask("/sda/status").params[4] == "system (JACK Audio Connection Kit)"
        (heard,) = record(tmp_path / "heard.npy", 1.0)
        renderer = sda.load("pebbles").renderer(rate=RATE, values={"play": True})
        expected = np.concatenate([renderer.block() for _ in range(600)], axis=1)[0]
        # A busy machine may lose cycles, never change what is in one: most of the heard windows lie in the model's sound.
        windows = [heard[at : at + 256] for at in range(0, len(heard) - 256, 2048)]
        assert np.median([np.abs(window).max() for window in windows]) > 1e-3
        assert np.mean([lies_in(window, expected) for window in windows]) > 0.7
        assert not any(lies_in(window + np.float32(1e-3), expected) for window in windows)
        server.stop()
        running.until("the device stopped asking for sound; trying again until it is back")
        assert "stopped asking" in running.ask("/sda/status").params[3]
        server.start()
        running.until("sound is back: system (JACK Audio Connection Kit)")
        assert np.abs(record(tmp_path / "again.npy", 0.3)).max() > 1e-3
        running.end()


def test_a_file_is_played_once_by_a_process_of_its_own(server: Server, tmp_path: Path) -> None:
    sound = np.random.default_rng(5).uniform(-0.5, 0.5, (3 * RATE, 2)).astype(np.float32)
    path = tmp_path / "sound.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    command = [sys.executable, "-P", "-m", "sda.live.player_file", str(path), "jack"]
    player = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
    wait_for_ports()
    left, right = record(tmp_path / "heard.npy", 0.7, 2)
    assert (player.communicate(timeout=20)[1], player.returncode) == ("", 0)
    for heard, played in ((left, sound[:, 0]), (right, sound[:, 1])):
        windows = [heard[at : at + 256] for at in range(0, len(heard) - 256, 2048)]
        assert np.mean([lies_in(window, played) for window in windows]) > 0.7
    for wrong, words in ((tmp_path / "none.wav", "cannot be read"), (Path(__file__), "not readable as audio")):
        done = subprocess.run([*command[:4], str(wrong)], env=environment(), capture_output=True, text=True, check=False)
        assert (done.returncode, words in done.stderr, done.stderr.count("\n")) == (2, True, 1), done.stderr
    done = subprocess.run([*command[:5], "no such device"], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, "no sound device 'no such device'" in done.stderr) == (2, True), done.stderr


def wait_for_ports() -> None:
    """Until a client of PortAudio's is there to be listened to."""
    end = time.monotonic() + 20
    while "PortAudio" not in subprocess.run(["jack_lsp"], capture_output=True, text=True, check=False).stdout:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_other_channels_a_block_and_a_transport_and_a_server_that_comes_back_at_another_rate(
    server: Server, home: Path, tmp_path: Path
) -> None:
    Library().add(sounding("pebbles"))
    with session("pebbles", "--audio", "jack", "--outs", "3-4", "--block", "512", "--transport") as running:
        assert running.ask("/sda/q/play").params == [0]
        transport(server, "play")
        wait_for(running, "/sda/q/play", 1)
        heard = record(tmp_path / "heard.npy", 0.5, 4)
        assert [float(np.abs(channel).max()) > 1e-3 for channel in heard] == [False, False, True, True]
        assert not heard[:2].any()
        transport(server, "stop")
        wait_for(running, "/sda/q/play", 0)
        running.send("/sda/play", 1)
        server.kill()  # the transport of the next one stands
        running.until("the device stopped asking for sound; trying again until it is back")
        server.start(rate=44_100)
        running.until("sound is back: system (JACK Audio Connection Kit)")
        assert running.ask("/sda/status").params[9] == 44_100
        wait_for(running, "/sda/sync", 1, 1)
        assert np.abs(record(tmp_path / "again.npy", 0.5, 4)[2:]).max() > 1e-3
        running.end()


def test_another_device_is_taken_while_it_plays_and_one_that_is_not_there_changes_nothing(
    server: Server, home: Path, tmp_path: Path
) -> None:
    Library().add(sounding("pebbles"))
    with session("pebbles", "--play", "--audio", "null") as running:
        running.socket.settimeout(30)
        assert running.act("/sda/audio/open", "jack", 3) == ["system (JACK Audio Connection Kit)"]
        assert running.ask("/sda/status").params[4] == "system (JACK Audio Connection Kit)"
        heard = record(tmp_path / "heard.npy", 0.5, 4)
        assert [float(np.abs(channel).max()) > 1e-3 for channel in heard] == [False, False, True, True]
        code, text = running.act("/sda/audio/open", "a device nobody has")
        assert code == "refused"
        assert "no sound device 'a device nobody has'" in text
        running.until("back to system (JACK Audio Connection Kit)")
        wait_for(running, "/sda/sync", 1, 1)
        time.sleep(1.0)
        heard = record(tmp_path / "again.npy", 0.5, 4)
        assert [float(np.abs(channel).max()) > 1e-3 for channel in heard] == [False, False, True, True]
        assert running.act("/sda/audio/open", "null") == ["null"]
        assert running.ask("/sda/audio/open", "file:x.wav").params[0] == "/sda/audio/open"
        running.end()


def test_channels_that_the_device_has_not_are_refused_with_their_number(server: Server, home: Path) -> None:
    Library().add(sounding("pebbles"))
    command = [*COMMAND, "pebbles", "--osc", "127.0.0.1:0", "--audio", "jack", "--outs", "5-6"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "system (JACK Audio Connection Kit): has 4 outputs, --outs asks for 6" in done.stderr


def transport(server: Server, word: str) -> None:
    """Have another client start or stop the transport."""
    client = jack.Client("conductor", servername=server.name, no_start_server=True)
    client.transport_start() if word == "play" else client.transport_stop()
    client.close()


def wait_for(running: Session, address: str, value: object, *arguments: object) -> None:
    """Ask until the answer is this value."""
    end = time.monotonic() + 10
    while running.ask(address, *arguments).params != [value]:
        assert time.monotonic() < end, address
        time.sleep(0.02)


def lies_in(window: np.ndarray, sound: np.ndarray) -> bool:
    """Whether these very samples stand somewhere in a longer sound."""
    first = np.flatnonzero(np.abs(sound[: len(sound) - len(window)] - window[0]) < 1e-6)
    return any(np.abs(sound[at : at + len(window)] - window).max() < 1e-6 for at in first)
