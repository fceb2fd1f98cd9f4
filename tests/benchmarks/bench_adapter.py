"""How far an old model's mel, converted, is from BigVGAN's true mel of the same recordings, beside plainer conversions.

    python tests/benchmarks/bench_adapter.py [FOLDER]

FOLDER: recordings; without it Debian's `sonic-pi-samples` if they are installed, else the demo's own sounds. Mean |error|
in nat over all bands and frames; loud: within 60 dB of the recording's maximum. Nothing is fitted to any recording.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from sda.core import adapter, grid
from sda.core.adapter import MelAdapter
from sda.spec import BIGVGAN_GRID, MelSpec

Floats = NDArray[np.float32]
Convert = Callable[[Floats, int], Floats]  # mel powers [M, n] and a number of frames F to log-mel [M', F]

SONIC_PI = Path("/usr/share/sonic-pi/samples")
EXAMPLES = Path(__file__).parents[2] / "examples"
OLD = MelSpec(sample_rate=48_000, f_max=24_000.0, scale="htk", power=2.0, centered=True)
SHORTEST, LONGEST = 0.25, 10.0  # s of a recording that are used
LOUD_DB = 60.0
RAYLEIGH = 0.121  # nat, -ln(sqrt(pi) / 2)


def recordings(folder: Path) -> Iterator[tuple[str, Floats]]:
    """Mono at 44.1 kHz [T], those long enough, cut where they are very long."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".wav", ".flac"):
            continue
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = np.asarray(soxr.resample(audio.mean(axis=1), rate, BIGVGAN_GRID.sample_rate, "VHQ"), np.float32)
        if len(mono) >= SHORTEST * BIGVGAN_GRID.sample_rate and np.abs(mono).max() > 0:
            yield path.stem, mono[: round(LONGEST * BIGVGAN_GRID.sample_rate)]


def inverse_bins() -> Floats:
    """The regularised pseudo-inverse of the old filters [bins, M], negative values and all."""
    bank = np.asarray(grid.filter_bank(OLD), np.float64)
    inverse = bank.T @ np.linalg.inv(bank @ bank.T + 1e-3 * np.eye(len(bank)))
    return inverse.astype(np.float32)


def at_times(magnitudes: Floats, frames: int, ratio: float, late: float) -> Floats:
    """Frames of magnitudes [M, n] read at (j + late) * ratio, [M, frames]."""
    places = np.clip((np.arange(frames) + late) * ratio, 0, magnitudes.shape[1] - 1)
    before = np.minimum(places.astype(int), magnitudes.shape[1] - 2)
    share = (places - before).astype(np.float32)
    return magnitudes[:, before] * (1 - share) + magnitudes[:, before + 1] * share


def plain(*, root_first: bool, right_time: bool) -> Convert:
    """Through the pseudo-inverse, on powers or on their roots, as if frames were equally long or at their true times."""
    weigh, inverse = adapter._weigh(OLD, BIGVGAN_GRID), inverse_bins()

    def convert(power: Floats, frames: int) -> Floats:
        if root_first:
            magnitudes = weigh @ np.maximum(0, inverse @ np.sqrt(power))
        else:
            magnitudes = weigh @ np.sqrt(np.maximum(0, inverse @ power))
        ratio, late = (48_000 / 44_100, 0.5) if right_time else (1.0, 0.0)
        return grid.to_log(at_times(magnitudes, frames, ratio, late))

    return convert


def with_updates(number: int, **options: bool) -> Convert:
    """The adapter with another number of multiplicative updates."""
    made = MelAdapter(OLD, **options)

    def convert(power: Floats, frames: int) -> Floats:
        kept, adapter.UPDATES = adapter.UPDATES, number
        try:
            return made(power, frames)
        finally:
            adapter.UPDATES = kept

    return convert


def methods() -> dict[str, Convert]:
    raw, ours = MelAdapter(OLD, calibrated=False), MelAdapter(OLD)
    return {
        "pseudo-inverse of powers, wrong time": plain(root_first=False, right_time=False),
        "pseudo-inverse of powers, right time": plain(root_first=False, right_time=True),
        "square root first, right time": plain(root_first=True, right_time=True),
        "non-negative inverse, nothing taken off": raw,
        "the same minus 0.121 nat": lambda power, frames: np.maximum(raw(power, frames) - RAYLEIGH, np.log(1e-5)),
        "the same minus what white noise shows": ours,
        "  4 updates": with_updates(4),
        "  30 updates": with_updates(30),
    }


def measure(folder: Path) -> None:
    sums: dict[str, list[float]] = {}
    names, seconds, cells, loud_cells = [], 0.0, 0, 0
    for name, audio in recordings(folder):
        truth = grid.log_mel(audio)
        power = grid.magnitudes(np.asarray(soxr.resample(audio, 44_100, 48_000, "VHQ"), np.float32), OLD)
        loud = truth > truth.max() - LOUD_DB / 20 * np.log(10)
        names, seconds = [*names, name], seconds + len(audio) / 44_100
        cells, loud_cells = cells + truth.size, loud_cells + int(loud.sum())
        for method, convert in CONVERSIONS.items():
            started = time.perf_counter()
            error = np.abs(convert(power, truth.shape[1]) - truth)
            spent = time.perf_counter() - started
            row = sums.setdefault(method, [0.0, 0.0, 0.0])
            sums[method] = [row[0] + float(error.sum()), row[1] + float(error[loud].sum()), row[2] + spent]
    print(f"{len(names)} recordings, {seconds:.0f} s: {', '.join(names)}\n")
    print(f"{'mean |error| in nat':42} {'all':>6} {'loud':>6} {'quiet':>6} {'s per s':>8}")
    for method, (total, in_loud, spent) in sums.items():
        quiet = (total - in_loud) / max(1, cells - loud_cells)
        print(f"{method:42} {total / cells:6.3f} {in_loud / loud_cells:6.3f} {quiet:6.3f} {spent / seconds:8.4f}")


CONVERSIONS = methods()

if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]))
    elif SONIC_PI.is_dir():
        measure(SONIC_PI)
    else:
        sys.path.insert(0, str(EXAMPLES))
        from make_recordings import make

        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), seed=1)
            measure(Path(folder))
