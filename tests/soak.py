"""A long performance under load: `make soak`, or `python tests/soak.py --minutes 3 [--seed 0]`.

An engine plays into a file while sliders are flooded at 1 kHz; every few seconds, in mid-flood, the model is swapped or a
preset recalled. Required: after every flood each control has the value that was sent last; memory grows by less than 2 %,
threads and handles not at all; every sample is a number; no step in the recording is much larger, or stands out much more
from those around it, than what the material makes by itself in the same flood, rendered offline; and at the end it sounds as
it does offline with the last values.
Under-runs depend on the machine: they are counted in a tenth of the time, on the null device, idle and flooded.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "live"))
from live_session import Session, session
from sound_steps import Steps

import sda
from sda.acts import ACTS
from sda.adapters.osc_packet import encode
from sda.adapters.osc_probe import Asker
from sda.formats import distill
from sda.formats.distill import ModelDocument
from sda.library import Library
from sda.model import Model

RATE = 48_000
PERIOD = 1e-3  # s between two messages of the flood
ROUND = 3.0  # s of flood between two comparisons
GAIN = -6.0  # dB, so that the limiter has nothing to do
STEADY = ("--set", f"gain={GAIN:g}", "--set", "glide=20")
WARM = 90.0  # s in which both models are loaded a dozen times and the heap takes its size
SHORTEST = 3.0  # minutes
GROWTH = 0.02  # of memory
STEP = 1.5  # times the material's own, whose largest step is one in millions and differs by a third from minute to minute
OFFLINE = {"play": True, "gain": GAIN, "glide": 20.0}
NAMES = ("driftwood", "undertow")  # the demo model, and the same with the shipped vocoder in place of its own
DEMO = Path(__file__).parents[1] / "examples" / "driftwood.distill"
FLOODED = {"slider.1": (-8.0, 8.0), "slider.2": (-8.0, 8.0), "variation": (0.0, 1.0), "drift": (0.0, 5.0), "width": (0.0, 1.0)}
PRESETS = any(act.id == "preset.recall" for act in ACTS)


@dataclass
class Usage:
    """What the processes of an engine hold, as time goes by."""

    rows: list[tuple[float, int, int, int]] = field(default_factory=list)  # (s, kB resident, threads, handles)

    def look(self, running: Session) -> None:
        total = np.zeros(3, int)
        for number in (running.process.pid, *dict(running.children())):
            place = Path(f"/proc/{number}")
            words = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
            total += (int(words["VmRSS"].split()[0]), int(words["Threads"]), len(list((place / "fd").iterdir())))
        self.rows.append((time.monotonic(), *map(int, total)))

    def growth(self) -> tuple[float, int, int]:
        """Of memory, as a share, threads and handles: medians of the last quarter against as long a time after `WARM` s."""
        table = np.asarray(self.rows)
        age = table[:, 0] - table[0, 0]
        span = age[-1] / 4
        early = table[(age >= WARM) & (age <= WARM + span), 1:]
        before, after = np.median(early, axis=0), np.median(table[age >= age[-1] - span, 1:], axis=0)
        return float(after[0] / before[0] - 1), int(after[1] - before[1]), int(after[2] - before[2])


class Flood:
    """Sliders at random, a thousand messages a second, until it is told to stop."""

    def __init__(self, asker: Asker, seed: int) -> None:
        self.asker = asker
        self.last: dict[str, float] = {}
        self.sent = 0
        self._random = np.random.default_rng(seed)

    @contextmanager
    def pouring(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._pour, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _pour(self, over: threading.Event) -> None:
        ids, due = list(FLOODED), time.monotonic()
        while not over.is_set():
            id = ids[int(self._random.integers(len(ids)))]
            self.last[id] = float(np.float32(self._random.uniform(*FLOODED[id])))
            self.asker.send(encode("/sda/" + id.replace(".", "/"), self.last[id]))
            self.sent += 1
            due = max(due + PERIOD, time.monotonic() - 0.05)
            time.sleep(max(0.0, due - time.monotonic()))

    def lost(self) -> list[str]:
        """Controls that have another value than the last one sent, once everything has taken effect."""
        self.asker.ask("/sda/sync", 1, answer="/sda/synced")
        wrong = []
        for id, value in self.last.items():
            address = "/sda/" + id.replace(".", "/")
            (found,) = self.asker.ask(f"/sda/q{address.removeprefix('/sda')}", answer=address)
            if found != value:
                wrong.append(f"{id}: sent {value}, found {found!r}")
        return wrong

    def settle(self, name: str) -> None:
        """Wait until a model sounds."""
        end = time.monotonic() + 60
        while self.asker.ask("/sda/status", answer="/sda/status/reply")[:2] != ("playing", name):
            assert time.monotonic() < end, f"{name} does not sound"
            time.sleep(0.05)


def asking(running: Session) -> Asker:
    return Asker(("127.0.0.1", running.port), 30.0)


def disturb(flood: Flood, n: int, name: str) -> str:
    """In mid-flood: a preset every third time, where there are any, else the other model; the name of what sounds then."""
    if PRESETS and n % 3 == 2:
        flood.asker.send(encode("/sda/preset/apply", "soak"))
        return name
    name = NAMES[1 - NAMES.index(name)]
    flood.asker.send(encode("/sda/model", name))
    return name


def perform(path: Path, seconds: float, seed: int) -> tuple[list[str], Usage, int]:
    """The whole performance into a file; values that were lost, what it held, and how many messages there were."""
    random, usage, lost, name = np.random.default_rng(seed), Usage(), list[str](), NAMES[0]
    with session(NAMES[0], "--play", "--audio", f"file:{path}", *STEADY) as running, asking(running) as asker:
        flood = Flood(asker, seed)
        if PRESETS:
            flood.asker.ask("/sda/preset/save", "soak", answer="/sda/done")
        end, n = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            with flood.pouring():
                time.sleep(float(random.uniform(0.3, ROUND - 1.0)))
                name = disturb(flood, n, name)
                time.sleep(1.0)
            flood.settle(name)
            lost += flood.lost()
            usage.look(running)
            n += 1
        for id, value in (("variation", 0.0), ("drift", 0.0), ("slider.1", 5.0), ("slider.2", -3.0), ("width", 0.5)):
            flood.last[id] = value
            flood.asker.send(encode("/sda/" + id.replace(".", "/"), value))
        lost += flood.lost()
        flood.asker.send(encode("/sda/model", NAMES[0]))
        flood.settle(NAMES[0])
        time.sleep(3.0)
        running.end()
    return lost, usage, flood.sent


def recorded(path: Path) -> Steps:
    """Of a recording."""
    steps = Steps()
    for block in soundfile.blocks(path, 1 << 18, dtype="float32", always_2d=True):
        steps.add(block)
    return steps


def offline(seconds: float, seed: int) -> Steps:
    """Of what the models make by themselves in such a flood, rendered offline one after the other."""
    random, steps = np.random.default_rng(seed), Steps()
    for name in NAMES:
        renderer, parts, frames = sda.load(name).renderer(rate=RATE, values=dict(OFFLINE)), [], 0
        while frames < seconds * RATE:
            for id in random.choice(list(FLOODED), 20):  # a block lasts for 23 ms
                renderer.set(str(id), float(random.uniform(*FLOODED[str(id)])))
            parts.append(renderer.block())
            frames += parts[-1].shape[1]
            if sum(part.shape[1] for part in parts) > 1 << 18:
                steps.add(np.concatenate(parts, axis=1).T)
                parts.clear()
        steps.add(np.concatenate([np.zeros((2, 0), np.float32), *parts], axis=1).T)
    return steps


def bands(wave: np.ndarray) -> np.ndarray:
    """Levels of 24 bands, dB."""
    power = np.square(np.abs(np.fft.rfft(wave * np.hanning(len(wave)))))
    parts = np.split(power, np.geomspace(20, len(power) - 1, 25).astype(int))[1:-1]
    return np.asarray([10 * np.log10(part.mean() + 1e-12) for part in parts])


def final_distance(path: Path, model: Model) -> float:
    """dB between the recording's last second and the model at the last values, rendered offline; mean over bands."""
    frames = soundfile.info(path).frames
    last = soundfile.read(path, start=frames - RATE, dtype="float32", always_2d=True)[0][:, 0]
    values = {"gain": GAIN, "variation": 0.0, "drift": 0.0}
    offline = model.render(3.0, sliders={1: 5.0, 2: -3.0}, values=values)[0][-RATE:]
    return float(np.abs(bands(last) - bands(offline)).mean())


def underruns(seconds: float, seed: int, *, flooded: bool) -> int:
    """Of the null device, which asks at the pace of the clock and never waits."""
    with session(NAMES[0], "--play", "--audio", "null", *STEADY) as running, asking(running) as asker:
        flood = Flood(asker, seed)
        if flooded:
            with flood.pouring():
                time.sleep(seconds)
        else:
            time.sleep(seconds)
        count = int(running.ask("/sda/status").params[7])
        running.end()
    return count


def models() -> Iterator[ModelDocument]:
    """Two models with the same sliders."""
    demo = distill.read(DEMO)
    bare = {name: tensor for name, tensor in demo.tensors.items() if not name.startswith("vocoder.")}
    yield demo
    yield replace(demo, id=str(UUID(int=7, version=4)), name=NAMES[1], vocoder=None, tensors=bare)


def check(ok: bool, text: str) -> bool:
    print(f"{'ok    ' if ok else 'FAILED'} {text}", flush=True)
    return ok


def soak(minutes: float, seed: int) -> bool:
    """The whole of it; whether everything held."""
    seconds = 60 * minutes
    with TemporaryDirectory() as folder:
        os.environ["SDA_HOME"] = folder
        for document in models():
            Library().add(document)
        path = Path(folder) / "soak.wav"
        lost, usage, sent = perform(path, seconds, seed)
        memory, threads, handles = usage.growth()
        steps, own = recorded(path), offline(min(seconds, 60.0), seed)
        distance = final_distance(path, sda.load(NAMES[0]))
        rows = (
            (
                not lost,
                f"{sent} messages, {len(usage.rows)} {'swaps and presets' if PRESETS else 'swaps'}; lost: {lost[:3] or 'none'}",
            ),
            (memory < GROWTH, f"memory {usage.rows[-1][1] / 1000:.0f} MB, {100 * memory:+.2f} % (bar {100 * GROWTH:g} %)"),
            (threads <= 0 and handles <= 0, f"threads {threads:+d}, handles {handles:+d}"),
            (steps.finite, f"{soundfile.info(path).duration:.0f} s recorded, every sample a number"),
            (
                max(steps.largest / own.largest, steps.prominent / own.prominent) <= STEP,
                f"largest step {steps.largest:.3f}, {steps.prominent:.1f} times those around it at the most; "
                f"the material's own {own.largest:.3f}, {own.prominent:.1f} (bar {STEP:g} times)",
            ),
            (distance < 1.0, f"at the end {distance:.2f} dB from the same values offline (bar 1 dB)"),
        )
        good = [check(*row) for row in rows]
        idle, busy = (underruns(seconds / 10, seed, flooded=flooded) for flooded in (False, True))
        print(f"       under-runs in {seconds / 10:.0f} s on the null device: {idle} idle, {busy} flooded; not gated")
    return all(good)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.minutes < SHORTEST:
        parser.error(f"--minutes {options.minutes:g}: expected {SHORTEST:g} or more, before which memory says nothing")
    return 0 if soak(options.minutes, options.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
