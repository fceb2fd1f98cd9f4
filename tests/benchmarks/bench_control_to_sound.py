"""From an OSC packet to the first changed sample: steps of a slider while the demo model plays on JACK, 48 kHz, periods of 256.

    python tests/benchmarks/bench_control_to_sound.py [STEPS] [--buffer MS]

`brightness` is sent to and fro at moments drawn by chance, with no glide; a second JACK client, in whose frames the packets are
dated too, records, and a take is written. From the take the sound is made once more, for each step with it and without it: the
first sample that differs (by more than `AUDIBLE`, -60 dBFS) is looked up in the recording, sample by sample, and so dated.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from tempfile import TemporaryDirectory

import jack
import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "live"))
import jack_server
from live_session import Session, session

import sda
from sda.core.render import Renderer
from sda.core.schedule import Event
from sda.formats import take

Floats = NDArray[np.float32]
DEMO = Path(__file__).parents[2] / "examples" / "driftwood.distill"
RATE = jack_server.RATE
SLIDER, LOW, HIGH = "brightness", -8.0, 8.0
BETWEEN = (0.35, 0.45)  # s from step to step
AUDIBLE = 1e-3
ALIKE = 1e-4  # between the recording and the take's sound
CELLS = 14  # after a step, 0.33 s
MATCH = 2048  # samples that are looked up
BAR, MOONSHOT = 60.0, 35.0  # ms, 95th percentile


class Ear:
    """A client that records the engine's left channel with JACK's own frame numbers, into memory that is there before."""

    def __init__(self, seconds: float) -> None:
        self._client = jack.Client("ear", servername=os.environ["JACK_DEFAULT_SERVER"], no_start_server=True)
        self._port, period = self._client.inports.register("in"), self._client.blocksize
        self._blocks = np.zeros((round(seconds * RATE / period), period), np.float32)
        self._frames = np.zeros(len(self._blocks), np.int64)
        self._count = 0
        self._client.set_process_callback(self._hear)
        self._client.activate()
        self._client.connect(self._client.get_ports("PortAudio.*", is_audio=True, is_output=True)[0], self._port)

    def _hear(self, frames: int) -> None:
        if self._count < len(self._blocks):
            self._frames[self._count] = self._client.last_frame_time
            self._blocks[self._count] = self._port.get_array()
            self._count += 1

    @property
    def now(self) -> int:
        """The frame of this moment."""
        return int(self._client.frame_time)

    def heard(self) -> tuple[int, Floats]:
        """The first frame and all samples from there on; those of cycles that this client missed are zero."""
        first, period = int(self._frames[0]), self._blocks.shape[1]
        out = np.zeros(int(self._frames[self._count - 1]) - first + period, np.float32)
        for at, block in zip((self._frames[: self._count] - first).tolist(), self._blocks, strict=False):
            out[at : at + period] = block
        return first, out

    def close(self) -> None:
        self._client.deactivate()
        self._client.close()


def play(running: Session, ear: Ear, times: int) -> list[int]:
    """Send the steps; the frame of each."""
    random, sent = np.random.default_rng(0), []
    for number in range(times):
        time.sleep(float(random.uniform(*BETWEEN)))
        sent.append(ear.now)
        running.send(f"/sda/slider/{SLIDER}", LOW if number % 2 else HIGH)
    time.sleep(1.0)
    return sent


def changes(path: Path, steps: int) -> Iterator[Floats]:
    """For each step the sound [MATCH] from the first sample on that would have been another one without it."""
    model, found = sda.load(DEMO), take.read(path.read_bytes())
    segment = found.segments[-1]  # before the model there is silence
    assert segment.moment is not None
    renderer = model.renderer(rate=found.rate, values=segment.moment.values, vocoder=segment.vocoder)
    renderer.begin_at(segment.moment, segment.origin)
    moved, seen = f"slider.{next(s.number for s in model.info.sliders if s.name == SLIDER)}", 0
    for event in segment.events:
        while event.pos > renderer.head:
            renderer.block()
        if event.id == moved and event.source != "model":
            seen += 1
            yield changed(renderer, event)
        renderer.set(event.id, event.value)
    assert seen == steps, f"{seen} steps in the take, {steps} sent"


def changed(renderer: Renderer, event: Event) -> Floats:
    """The sound [MATCH] from the first sample on that an event changes."""
    step, rest = copy(renderer), copy(renderer)  # all that they change is replaced, not altered
    step.set(event.id, event.value)
    with_it, without = (np.concatenate([r.block(1)[0] for _ in range(CELLS)]) for r in (step, rest))
    first = int(np.argmax(np.abs(with_it - without) > AUDIBLE))
    assert 0 < first <= len(with_it) - MATCH, "the step changes nothing"
    return with_it[first : first + MATCH]


def date(heard: Floats, sound: Floats) -> int | None:
    """Where in what was heard [T] a sound [MATCH] begins; None where a lost cycle lies in it."""
    start = int(np.argmax(fftconvolve(heard, sound[::-1], "valid") - windowed_power(heard) / 2))
    return start if np.abs(heard[start : start + MATCH] - sound).max() <= ALIKE else None


def windowed_power(heard: Floats) -> NDArray[np.float64]:
    """Sums of squares of all windows of MATCH samples."""
    total = np.concatenate([[0.0], np.cumsum(np.square(heard, dtype=np.float64))])
    return np.asarray(total[MATCH:] - total[:-MATCH])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="?", type=int, default=500)
    parser.add_argument("--buffer", help="ms, the engine's own choice without")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder, jack_server.server():
        os.environ["SDA_HOME"], path = folder, Path(folder) / "steps.take"
        options = ["--play", "--audio", "jack", "--headless", "--take", str(path), "--set", "density=16", "--set", "glide=0"]
        with session(str(DEMO), *options, *(["--buffer", asked.buffer] if asked.buffer else [])) as running:
            print(next(line for line in running.lines if line.startswith("sound")))
            time.sleep(3.0)
            ear = Ear(5 + asked.steps * BETWEEN[1])
            time.sleep(1.0)
            sent = play(running, ear, asked.steps)
            first, heard = ear.heard()
            ear.close()
            running.end()
        lead = round(0.5 * RATE)
        found = [
            date(heard[at - first : at - first + lead], sound)
            for at, sound in zip(sent, changes(path, asked.steps), strict=True)
        ]
    delays = np.array([1000 * frames / RATE for frames in found if frames is not None])
    low, middle, high = np.percentile(delays, [5, 50, 95])
    print(
        f"{len(delays)} of {len(found)} steps dated: p5 {low:.1f}, p50 {middle:.1f}, p95 {high:.1f}, most {delays.max():.1f} ms"
    )
    print(f"bar: p95 {BAR:g} ms; moonshot {MOONSHOT:g} ms")


if __name__ == "__main__":
    main()
