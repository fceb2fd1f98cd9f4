"""A device nobody has to own: JACK's dummy server, listened to by a second client, killed and started again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from live_session import session
from small_models import sounding

import sda
from sda.library import Library

RATE = 48_000
pytestmark = pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2")

PROBE = """
import os, sys, time
import jack
import numpy as np
client = jack.Client("probe", servername=os.environ["JACK_DEFAULT_SERVER"], no_start_server=True)
heard, port = [], client.inports.register("in")
client.set_process_callback(lambda frames: heard.append(port.get_array().copy()))
client.activate()
(source,) = client.get_ports("PortAudio.*", is_audio=True, is_output=True)[:1]
client.connect(source, port)
print("connected", flush=True)
sys.stdin.readline()
client.deactivate()
np.save(sys.argv[1], np.concatenate(heard))
"""


class Server:
    """A dummy JACK server of our own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.start()

    def start(self) -> None:
        command = ["jackd", "-n", self.name, "-r", "-d", "dummy", "-r", str(RATE), "-p", "256"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait = subprocess.run(["jack_wait", "-s", self.name, "-w", "-t", "10"], stdout=subprocess.DEVNULL, check=False)
        assert wait.returncode == 0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    name = f"sdatest{os.getpid()}"
    monkeypatch.setenv("JACK_DEFAULT_SERVER", name)
    monkeypatch.setenv("JACK_NO_AUDIO_RESERVATION", "1")
    made = Server(name)
    yield made
    made.stop()


def record(path: Path, seconds: float) -> np.ndarray:
    """What a second client hears of us."""
    probe = subprocess.Popen([sys.executable, "-c", PROBE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert probe.stdout is not None
    assert probe.stdout.readline() == "connected\n"
    time.sleep(seconds)
    probe.communicate("\n", timeout=10)
    assert probe.returncode == 0
    return np.asarray(np.load(path))


def test_a_device_plays_the_model_s_samples_and_a_dead_server_is_outlived(server: Server, home: Path, tmp_path: Path) -> None:
    Library().add(sounding("pebbles"))
    with session("pebbles", "--play", "--audio", "jack", "--buffer", "300") as running:
        assert running.ask("/sda/status").params[4] == "system (JACK Audio Connection Kit)"
        heard = record(tmp_path / "heard.npy", 1.0)
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


def lies_in(window: np.ndarray, sound: np.ndarray) -> bool:
    """Whether these very samples stand somewhere in a longer sound."""
    first = np.flatnonzero(np.abs(sound[: len(sound) - len(window)] - window[0]) < 1e-6)
    return any(np.abs(sound[at : at + len(window)] - window).max() < 1e-6 for at in first)
