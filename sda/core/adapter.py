"""From an old model's mel powers to the log-mel that a vocoder of another grid eats, as one stream.

A mel frame P = H |X|^2 (H the source's filters, see `grid`) holds less than the spectrum, so |X|^2 is taken as the V >= 0
that a few multiplicative updates towards H V = P find from the smoothest start (Richardson 1972, Lucy 1974, the updates
of Lee & Seung 2001, *Algorithms for non-negative matrix factorization*, theorem 2):

    V <- V * H^T (P / H V) / H^T 1

sqrt(V) is then read at the target's bins (linear between the source's) and weighed by the target's filters. Both are one
constant matrix. Frames are read at the target's times by linear interpolation of those magnitudes: frame j of an
uncentred grid is centred at sample hop (j + 1/2), frame k of a centred one at hop k, so

    k(j) = (j + 1/2) * hop_target / rate_target * rate_source / hop_source,

kept as a fraction of whole numbers, so that an endless stream never drifts.

V is a mean of powers over the bins of a band, and the root of a mean is above the mean of the roots: by -ln(sqrt(pi) / 2) =
0.121 nat for many bins of noise (Rayleigh magnitudes), by nothing for one bin. What it is for each band is measured on
white noise, once a grid, and taken off; nothing is fitted to recordings. tests/benchmarks/bench_adapter.py gives the errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from sda.core import grid
from sda.errors import ModelError
from sda.spec import BIGVGAN_GRID, MelSpec

Floats = NDArray[np.float32]

UPDATES = 8  # mean error of 139 recordings after 4: 0.139 nat, 8: 0.134, 30: 0.133
SMALLEST = 1e-20  # power below which a division means nothing
NOISE_S = 4  # s of white noise behind the calibration; four times as much moves the mean error by less than 0.0005 nat
FRAMES_AT_ONCE = 128  # bounds the working memory of a long file


@dataclass(frozen=True, slots=True)
class AdapterState:
    """Where the stream stands."""

    seen: int  # source frames
    made: int  # target frames
    last: Floats  # [M, 0] before the first frame, then [M, 1]: the newest frame's magnitudes in the target's bands


class MelAdapter:
    """Mel powers of a centred grid to log-mel of an uncentred one. Invariant: `cat(steps)` is the same whatever the blocks."""

    def __init__(self, source: MelSpec, target: MelSpec = BIGVGAN_GRID, *, calibrated: bool = True) -> None:
        """calibrated: take off what the conversion reads of white noise too loud.

        Raises `ModelError` unless `source` is a centred grid of powers and `target` an uncentred one of magnitudes.
        """
        kinds = (source.power, source.centered, target.power, target.centered)
        if kinds != (2.0, True, 1.0, False):
            found = f"power {kinds[0]:g}, centred {kinds[1]} to power {kinds[2]:g}, centred {kinds[3]}"
            raise ModelError(f"mel conversion: expected power 2, centred True to power 1, centred False; found {found}")
        self.source, self.target = source, target
        over, under = target.hop * source.sample_rate, 2 * target.sample_rate * source.hop
        self._over, self._under = over // gcd(over, under), under // gcd(over, under)  # k(j) = (2 j + 1) over / under
        bank = np.asarray(grid.filter_bank(source), np.float64)
        spread = bank.T / np.maximum(bank.sum(axis=0), SMALLEST)[:, None]
        self._bank, self._spread = bank.astype(np.float32), spread.astype(np.float32)  # H and H^T / H^T 1
        self._first = (spread / np.maximum(bank.sum(axis=1), SMALLEST)).astype(np.float32)  # [bins, M], the smooth start
        self._weigh = _weigh(source, target)  # [M', bins]
        if calibrated:
            self._weigh = self._weigh / calibration(source, target)[:, None]

    @property
    def look_ahead(self) -> float:
        """Seconds of the source behind a target frame's own time that must be known, at the most."""
        return self.source.hop / self.source.sample_rate

    def out_count(self, seen: int) -> int:
        """How many target frames a stream has made after `seen` source frames: those with k(j) < seen - 1."""
        odd_below = -((1 - seen) * self._under // self._over)  # 2 j + 1 < (seen - 1) under / over, rounded up
        return max(0, odd_below // 2)

    def start(self) -> AdapterState:
        """The state before the first frame."""
        return AdapterState(0, 0, np.zeros((self.target.n_mels, 0), np.float32))

    def step(self, power: Floats, state: AdapterState) -> tuple[Floats, AdapterState]:
        """Mel powers [M, n] -> the log-mel [M', out_count(seen + n) - out_count(seen)] in nat that they complete."""
        parts = [self._magnitudes(power[:, at : at + FRAMES_AT_ONCE]) for at in range(0, power.shape[1], FRAMES_AT_ONCE)]
        known = np.concatenate([state.last, *parts], axis=1)  # [M', 1 + n]
        seen = state.seen + power.shape[1]
        made = self.out_count(seen)
        whole, rest = np.divmod((2 * np.arange(state.made, made) + 1) * self._over, self._under)
        before, share = whole - (seen - known.shape[1]), (rest / self._under).astype(np.float32)
        magnitudes = known[:, before] * (1 - share) + known[:, before + 1] * share
        return grid.to_log(magnitudes.astype(np.float32, copy=False), self.target), AdapterState(
            seen, made, known[:, -1:].copy()
        )

    def __call__(self, power: Floats, frames: int | None = None) -> Floats:
        """The log-mel [M', frames] of a whole [M, n], whose last frame is held where it does not reach.

        frames: as many as the recording has on the target grid (its samples there // hop), or those that lie wholly within
        n hops of the source.
        """
        if frames is None:
            frames = power.shape[1] * self._under // (2 * self._over)
        held = max(0, -(-(2 * frames + 1) * self._over // self._under) + 1 - power.shape[1])
        log_mel, _ = self.step(np.pad(power, ((0, 0), (0, held)), mode="edge"), self.start())
        return log_mel[:, :frames]

    def _magnitudes(self, power: Floats) -> Floats:
        """Mel powers [M, n] to mel magnitudes [M', n] in the target's bands."""
        power = np.maximum(power, 0)
        bins = self._first @ power  # V [bins, n]
        for _ in range(UPDATES):
            bins = bins * (self._spread @ (power / np.maximum(self._bank @ bins, np.float32(SMALLEST))))
        found: Floats = self._weigh @ np.sqrt(bins + np.float32(grid.MAGNITUDE_GUARD))
        return found


def _weigh(source: MelSpec, target: MelSpec) -> Floats:
    """The target's filters over the source's bins [M', bins]: magnitudes between bins are linear in frequency."""
    bins = np.arange(target.n_fft // 2 + 1) * (target.sample_rate / target.n_fft) / (source.sample_rate / source.n_fft)
    count = source.n_fft // 2 + 1
    between = np.maximum(0, 1 - np.abs(bins[:, None] - np.arange(count)))  # [bins of the target, bins]
    return np.asarray(grid.filter_bank(target) @ between, np.float32)


@lru_cache(maxsize=8)
def calibration(source: MelSpec, target: MelSpec) -> Floats:
    """By which factor [M'] the conversion reads white noise too loud in each band. Read-only."""
    noise = np.random.default_rng(0).standard_normal(NOISE_S * target.sample_rate)
    samples = NOISE_S * source.sample_rate
    there = np.fft.irfft(np.fft.rfft(noise), samples) * (samples / len(noise))  # the same noise at the other rate, exactly
    truth = grid.log_mel(noise.astype(np.float32), target)
    read = MelAdapter(source, target, calibrated=False)(grid.magnitudes(there.astype(np.float32), source), truth.shape[1])
    factor = np.asarray(np.exp((read - truth).mean(axis=1)), np.float32)
    factor.setflags(write=False)
    return factor
