"""A flood of OSC against a playing engine: the sound goes on, the last values hold, what was lost is told."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile
from live_session import Session, session
from small_models import sounding

from sda.library import Library

FLOOD = Path(__file__).parent / "flood.py"
SECONDS, RATE = 2.0, 100_000
WINDOW = 4800  # frames, 100 ms


def drained(running: Session) -> None:
    """Ask until the flood has run off: while the socket's buffer is full a question is lost like anything else."""
    running.socket.settimeout(1.0)
    for number in range(100):
        running.send("/sda/sync", number)
        with suppress(TimeoutError):
            while running.receive().params != [number]:
                pass
            running.socket.settimeout(60)
            return
    raise AssertionError("no answer")


def test_the_sound_goes_on_and_the_last_values_hold(home: Path, tmp_path: Path) -> None:
    Library().add(sounding("pebbles"))
    out = tmp_path / "out.wav"
    with session("pebbles", "--play", "--audio", f"file:{out}", "--set", "density=8") as running:
        running.socket.settimeout(60)
        time.sleep(0.5)
        command = [sys.executable, str(FLOOD), str(running.port), str(SECONDS), str(RATE)]
        sent = int(subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout)
        drained(running)
        running.send("/sda/slider/1", 3.25)
        running.send("/sda/gain", -11.5)
        assert running.value("slider.1") == 3.25
        assert running.value("gain") == -11.5
        status = running.ask("/sda/status").params
        assert status[0] == "playing"
        dropped = status[-1]
        assert 0 <= dropped < sent  # counted, and not all
        time.sleep(0.5)
        running.end()
    sound, _ = soundfile.read(out)
    loudest = np.abs(sound[: len(sound) // WINDOW * WINDOW]).reshape(-1, WINDOW, 2).max(axis=(1, 2))
    assert len(loudest) > 10 * (SECONDS + 0.5)
    assert np.isfinite(sound).all()
    assert (loudest > 1e-4).all()  # no window of silence: eight grains a second of half a second each
