"""`kill -9` of each process while it plays on JACK, at moments drawn by chance: what a second client hears of it.

    python tests/benchmarks/bench_kill.py [TIMES]

The gap is the longest silence between the kill and the moment from which it sounds again. The material has no break of its own
(16 grains a second); what a busy machine breaks, the rows of nobody show. Bar: the sound is back within 3 s, the time that
a renderer or player takes to start included. BigVGAN's process is there only where its weights are.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import jack
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "live"))
import jack_server
from live_session import Session, session
from small_models import sounding

from sda import universal
from sda.library import Library
from sda.live.supervisor import HEALTHY

RATE = jack_server.RATE
BAR = 3.0  # s
PATIENCE = 20.0  # s for the sound to come back at all
# s between two kills: after two deaths of a renderer that did not live for `HEALTHY` s the model is taken to be to blame.
WAIT = {"nobody": 0.0, "player": 0.0, "renderer": HEALTHY, "midi": 0.0, "bigvgan": 0.0}
QUIET = 1e-5  # below this it is silence
SHORTEST = 0.006  # s; a shorter silence is a cycle that this machine lost, or a zero crossing


class Recorder:
    """A client that hears the engine's left channel, whichever of its clients plays it."""

    def __init__(self) -> None:
        self._client = jack.Client("ear", servername=os.environ["JACK_DEFAULT_SERVER"], no_start_server=True)
        self._port = self._client.inports.register("in")
        self._blocks: list[tuple[float, np.ndarray]] = []  # (s, samples)
        self._client.set_process_callback(self._hear)
        self._client.activate()
        self._over = threading.Event()
        threading.Thread(target=self._connect, daemon=True).start()

    def _hear(self, frames: int) -> None:
        self._blocks.append((time.monotonic(), self._port.get_array().copy()))

    def _connect(self) -> None:
        """A new player is a new client: wire it up as soon as it is there."""
        while not self._over.wait(0.005):
            with suppress(jack.JackError):
                for source in self._client.get_ports("PortAudio.*", is_audio=True, is_output=True)[:1]:
                    if not self._port.is_connected_to(source):
                        self._client.connect(source, self._port)

    def since(self, moment: float) -> np.ndarray:
        """What was heard after a moment of the monotonic clock."""
        return np.concatenate([block for at, block in tuple(self._blocks) if at >= moment] or [np.zeros(0, np.float32)])

    def forget(self) -> None:
        self._blocks.clear()

    def close(self) -> None:
        self._over.set()
        self._client.deactivate()
        self._client.close()


def longest_silence(wave: np.ndarray) -> float:
    """Seconds of the longest run below `QUIET`."""
    loud = np.flatnonzero(np.abs(wave) > QUIET)
    edges = np.concatenate([[-1], loud, [len(wave)]])
    longest = float((np.diff(edges) - 1).max()) / RATE
    return longest if longest >= SHORTEST else 0.0


def sounds(recorder: Recorder, seconds: float = 0.3) -> bool:
    """Whether most of the last moments was heard."""
    wave = recorder.since(time.monotonic() - seconds)
    return len(wave) > seconds * RATE / 2 and float(np.mean(np.abs(wave) > QUIET)) > 0.8


def kill(running: Session, recorder: Recorder, role: str, wait: float) -> float:
    """Kill a child ("nobody": none) after a while; the gap in s. Fails where the sound does not come back."""
    time.sleep(wait)
    recorder.forget()
    await_sound(recorder, f"before the {role} was killed")
    victim, moment = 0, time.monotonic()
    if role != "nobody":
        victim = running.child(role)
        os.kill(victim, signal.SIGKILL)
    while time.monotonic() < moment + 1.0 or victim in dict(running.children()):
        time.sleep(0.05)
    await_sound(recorder, f"after the {role} was killed")
    return longest_silence(recorder.since(moment))


def await_sound(recorder: Recorder, when: str) -> None:
    end = time.monotonic() + PATIENCE
    while not sounds(recorder):
        assert time.monotonic() < end, f"no sound {when}, for {PATIENCE:g} s"
        time.sleep(0.05)


def report(role: str, gaps: Sequence[float]) -> None:
    silent = sorted(gap for gap in gaps if gap)
    heard = f"{len(silent)} of {len(gaps)} with a gap"
    if silent:
        heard += f": {silent[0]:.2f} s the shortest, {np.median(silent):.2f} the median, {silent[-1]:.2f} the longest"
    print(f"{role:9} {heard}; {sum(gap <= BAR for gap in gaps)} of {len(gaps)} within the bar of {BAR:g} s", flush=True)


def main(times: int) -> None:
    random = np.random.default_rng(0)
    with TemporaryDirectory() as folder, jack_server.server():
        os.environ["SDA_HOME"], weights = folder, universal.store().state().usable
        Library().add(sounding("pebbles"))
        roles = ["nobody", "player", "renderer", "midi", *(["bigvgan"] if weights else [])]
        wish = ("--vocoder", "bigvgan") if weights else ()
        print(f"kill -9 of each process {times} times, at random, while it plays on JACK, {RATE} Hz, --buffer 100", flush=True)
        with session("pebbles", "--play", "--audio", "jack", "--set", "density=16", "--buffer", "100", *wish) as running:
            recorder = Recorder()
            time.sleep(1.0)
            for role in roles:
                report(
                    role, [kill(running, recorder, role, WAIT[role] + float(random.uniform(0.2, 1.5))) for _ in range(times)]
                )
            status = running.ask("/sda/status").params
            print(f"at the end: {status[0]}, {status[1]}, {len(running.children())} children")
            recorder.close()
            running.end()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
