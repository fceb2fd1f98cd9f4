"""A JACK server of our own with a dummy device, and a second client that records what is played."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

RATE = 48_000
MEMORY = Path("/dev/shm")  # where JACK keeps what its clients share

PROBE = """
import os, sys, time
import jack
import numpy as np
client = jack.Client("probe", servername=os.environ["JACK_DEFAULT_SERVER"], no_start_server=True)
heard, ports = [], [client.inports.register(f"in{n}") for n in range(int(sys.argv[2]))]
client.set_process_callback(lambda frames: heard.append([port.get_array().copy() for port in ports]))
client.activate()
for source, port in zip(client.get_ports("PortAudio.*", is_audio=True, is_output=True), ports):
    client.connect(source, port)
print("connected", flush=True)
sys.stdin.readline()
client.deactivate()
np.save(sys.argv[1], np.concatenate(heard, axis=1))
"""


class Server:
    """A dummy JACK server of our own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.start()

    def start(self, rate: int = RATE) -> None:
        if not self._starts(rate):
            forget_the_dead()
            assert self._starts(rate)

    def stop(self) -> None:
        """End in order, also where it was killed: a place among JACK's eight servers is given back only so."""
        if not self._ends():
            self.kill()
            assert self._ends()
        for left in MEMORY.glob(f"jack_sem.*_{self.name}_*"):  # by clients that were killed
            left.unlink(missing_ok=True)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def _ends(self) -> bool:
        if self.process.poll() is not None:
            self.start()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:  # jackd itself hangs at times while it ends
            return False
        return True

    def _starts(self, rate: int) -> bool:
        command = ["jackd", "-n", self.name, "-r", "-d", "dummy", "-r", str(rate), "-p", "256", "-P", "4"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait = ["jack_wait", "-s", self.name, "-w", "-t", "10"]
        if subprocess.run(wait, stdout=subprocess.DEVNULL, check=False).returncode == 0:
            return True
        self.kill()
        return False


def forget_the_dead() -> None:
    """Free the places of servers that were killed, by earlier runs of these tests too, where no server runs at all."""
    if subprocess.run(["pgrep", "-x", "jackd"], stdout=subprocess.DEVNULL, check=False).returncode != 0:
        for left in MEMORY.glob("jack*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            elif left.is_file() or left.is_socket():
                left.unlink(missing_ok=True)


@contextmanager
def server() -> Iterator[Server]:
    """A server that this process and its children use, until the end."""
    before = {key: os.environ.get(key) for key in ("JACK_DEFAULT_SERVER", "JACK_NO_AUDIO_RESERVATION")}
    os.environ |= {"JACK_DEFAULT_SERVER": f"sdatest-{secrets.token_hex(4)}", "JACK_NO_AUDIO_RESERVATION": "1"}
    made = Server(os.environ["JACK_DEFAULT_SERVER"])
    try:
        yield made
    finally:
        made.stop()
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)


def record(path: Path, seconds: float, channels: int = 1) -> np.ndarray:
    """What a second client hears of our first channels [C, T]."""
    command = [sys.executable, "-c", PROBE, str(path), str(channels)]
    probe = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert probe.stdout is not None
    assert probe.stdout.readline() == "connected\n"
    time.sleep(seconds)
    probe.communicate("\n", timeout=10)
    assert probe.returncode == 0
    return np.asarray(np.load(path))
