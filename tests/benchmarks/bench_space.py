"""What space costs in live blocks, beside the stage without it, and how far it is from the published figures.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_space.py

A block is two mel frames, 23 ms; all variants take turns in one process, so the ratios carry over to other machines.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sda.core.head import RADIUS, SOUND, Head, Place
from sda.core.space import Floats, SpaceSettings
from sda.core.stage import Stage, StageSettings, StageState

RATE, BLOCK, ROUNDS = 48_000, 1115, 300
BINAURAL = SpaceSettings(spatial="binaural")


def still(settings: SpaceSettings) -> Callable[[int], SpaceSettings]:
    return lambda number: settings


CASES: dict[str, tuple[int, Callable[[int], SpaceSettings]]] = {  # channels out, and the settings of each block
    "one channel": (1, still(SpaceSettings())),
    "mono on two": (2, still(SpaceSettings(spatial="mono"))),
    "stereo": (2, still(SpaceSettings())),
    "stereo, width moving": (2, lambda number: SpaceSettings(width=number % 11 / 10)),
    "binaural": (2, still(BINAURAL)),
    "binaural, moving": (2, lambda number: replace(BINAURAL, place=Place(azimuth=float(7 * number % 360 - 180)))),
}


class Running:
    """One case between two blocks."""

    def __init__(self, channels: int, settings: Callable[[int], SpaceSettings]) -> None:
        self.stage, self.settings = Stage(RATE, space=channels == 2), settings
        self.state: StageState = self.stage.start(StageSettings(play=True, space=settings(0)))
        self.times: list[float] = []

    def step(self, x: Floats, number: int) -> None:
        settings = StageSettings(play=True, space=self.settings(number))
        before = time.perf_counter()
        _, self.state = self.stage.step(x, settings, self.state)
        self.times.append(time.perf_counter() - before)


def costs() -> None:
    running = {name: Running(*case) for name, case in CASES.items()}
    x = np.random.default_rng(0).uniform(-0.3, 0.3, (1, BLOCK)).astype(np.float32)
    for number in range(ROUNDS):
        for case in running.values():
            case.step(x, number)
    usual = {name: 1e6 * float(np.median(case.times)) for name, case in running.items()}
    budget = 1e6 * BLOCK / RATE
    print(f"the stage at {RATE} Hz in blocks of {BLOCK} ({budget / 1000:.1f} ms)")
    for name, cost in usual.items():
        share, ratio = 100 * cost / budget, cost / usual["one channel"]
        print(f"  {name:<22} {cost:7.1f} us {ratio:5.1f}x   {share:5.2f} % of real time")


def figures() -> None:
    """Times between the ears by the phase between 3 and 6 kHz, less that of the published shadow."""
    print("\ntime between the ears, against a / c (theta + sin theta)")
    hz = np.arange(3000.0, 6000.0, 20.0)
    bent = RATE / np.pi * np.tan(np.pi * hz / RATE)
    for azimuth in (0, 15, 45, 75, 90):
        head, x = Head(RATE), np.zeros(4096, np.float32)
        x[0] = 1
        place = Place(azimuth=azimuth)
        left, right = head.step(x, place, head.start(place))[0] @ np.exp(-2j * np.pi / RATE * np.outer(np.arange(4096), hz))
        alphas = [1.05 + 0.95 * np.cos(np.radians(90 + side * azimuth) / np.radians(150) * np.pi) for side in (1, -1)]
        s = 1j * np.pi * bent * RADIUS / SOUND
        phase = np.unwrap(np.angle(right / left * (1 + alphas[0] * s) / (1 + alphas[1] * s)))
        measured = float(np.polyfit(2 * np.pi * hz, phase, 1)[0])
        expected = RADIUS / SOUND * (np.radians(azimuth) + np.sin(np.radians(azimuth)))
        print(f"  {azimuth:3d} degrees  {1e6 * measured:6.1f} us  published {1e6 * expected:6.1f} us")


def main() -> None:
    costs()
    figures()


if __name__ == "__main__":
    main()
