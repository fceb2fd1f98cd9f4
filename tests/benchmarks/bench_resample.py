"""What the resampler costs in live blocks, and how far it is from the truth, beside soxr and scipy.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_resample.py

All run in turn in one process, so the ratios carry over to other machines; the times do not. The error is against the
same sine written down at the other rate. soxr's streams hold samples back, which the last column shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import soxr
from scipy.signal import resample_poly

from sda.core.limiter import RELEASE
from sda.core.resample import Floats, Resampler
from sda.core.stage import Stage, StageSettings

BLOCK = 1024  # samples: two mel frames
ROUNDS = 400
PAIRS = ((44_100, 48_000), (48_000, 44_100), (44_100, 96_000))
CHANNELS = (1, 2)


def fastest(run: Callable[[Floats], object], channels: int) -> float:
    """Microseconds a block, the median of the faster half."""
    x = np.random.default_rng(0).uniform(-1, 1, (channels, BLOCK)).astype(np.float32)
    times = []
    for _ in range(ROUNDS):
        before = time.perf_counter()
        run(x)
        times.append(time.perf_counter() - before)
    return 1e6 * float(np.median(sorted(times)[: ROUNDS // 2]))


def sine_error(convert: Callable[[Floats], Floats], rates: tuple[int, int]) -> float:
    """Largest error in dB of full scale over sines from 100 Hz to 19 kHz, away from the ends."""
    worst = 0.0
    for hz in (100, 1_000, 5_000, 10_000, 15_000, 19_000):
        y = convert(np.sin(2 * np.pi * hz / rates[0] * np.arange(rates[0])).astype(np.float32))
        truth = np.sin(2 * np.pi * hz / rates[1] * np.arange(len(y)))
        worst = max(worst, float(np.abs(y - truth)[5000:-5000].max()))
    return 20 * float(np.log10(worst))


def compare(rates: tuple[int, int], channels: int) -> None:
    resampler = Resampler(*rates)
    state = resampler.start()

    def ours(x: Floats) -> None:
        nonlocal state
        _, state = resampler.step(x, state)

    budget = 1e6 * BLOCK / rates[0]
    own = fastest(ours, channels)
    error = sine_error(resampler.whole, rates)
    print(f"\n{rates[0]} -> {rates[1]} Hz, {channels} channel(s), blocks of {BLOCK}")
    print(
        f"  sda         {own:7.1f} us   1.0x   {100 * own / budget:5.2f} % of real time   error {error:6.1f} dB"
        f"   delay {1e3 * resampler.delay / rates[1]:.2f} ms"
    )
    for quality in ("VHQ", "HQ", "LQ"):
        stream = soxr.ResampleStream(*rates, channels, dtype="float32", quality=quality)
        cost = fastest(lambda x, stream=stream: stream.resample_chunk(np.ascontiguousarray(x.T)), channels)
        error = sine_error(lambda x, quality=quality: soxr.resample(x, *rates, quality=quality), rates)
        held = soxr.ResampleStream(*rates, 1, dtype="float32", quality=quality)
        given = sum(len(held.resample_chunk(np.zeros(BLOCK, np.float32))) for _ in range(50))
        delay = 50 * BLOCK / rates[0] - given / rates[1]
        print(
            f"  soxr {quality:<6} {cost:7.1f} us {cost / own:5.1f}x {'':31} error {error:6.1f} dB   delay {1e3 * delay:.2f} ms"
        )
    up, down = rates[1] // np.gcd(*rates), rates[0] // np.gcd(*rates)
    cost = fastest(lambda x: resample_poly(x, up, down, axis=1), channels)
    error = sine_error(lambda x: resample_poly(x, up, down), rates)
    print(f"  scipy       {cost:7.1f} us {cost / own:5.1f}x {'':31} error {error:6.1f} dB   (no stream)")


def stage_cost(channels: int) -> None:
    """The stage on its own: at rest, limiting, and limiting under a gain that moves with every block."""
    stage = Stage(48_000)
    for name, level, moves in (("idle", 0.2, False), ("limiting", 4.0, False), ("limiting, gain moving", 4.0, True)):
        state, number = stage.start(StageSettings(play=True)), 0

        def run(x: Floats, level: float = level, moves: bool = moves) -> None:
            nonlocal state, number
            number += 1
            settings = StageSettings(play=True, gain_db=float(number % 2) if moves else 0.0)
            _, state = stage.step(x * np.float32(level), settings, state)

        cost = fastest(run, channels)
        share = 100 * cost / (1e6 * BLOCK / 48_000)
        print(f"  stage, {channels} channel(s), {name:<22} {cost:7.1f} us   {share:5.2f} % of real time")


def main() -> None:
    for rates in PAIRS:
        for channels in CHANNELS:
            compare(rates, channels)
    print(f"\nstage at 48 kHz, blocks of {BLOCK}, release {1e3 * RELEASE:.0f} ms")
    for channels in CHANNELS:
        stage_cost(channels)


if __name__ == "__main__":
    main()
