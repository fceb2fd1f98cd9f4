"""Three faults of vocoders that spectral distances hardly see: lines that are not in the original, lost periodicity, and
pitches that are off.

Spurious lines. Transposed convolutions add tones at the multiples of the rate that they read (Pons et al. 2020, arXiv
2010.14356): those of rate / hop = 86.13 Hz for the first, with whose period a generator answers to frames that do not change,
and of rate / 64 = 689 Hz for the second. Of the average spectrum of a steady sound, the prominence of such a bin is its
level over the median of its neighbours; a line is what the copy's prominence has more than the original's. How much of
the copy's power lies in all of them together says whether they are heard: what repeats with the hop is a buzz of 86 Hz.
Where a tone is drawn to the nearest multiple, it is out of tune.

Periodicity. The aperiodicity of YIN (de Cheveigne and Kawahara 2002, eq. 8) is the least of the normalised difference
function: 0 for a periodic sound, and for one with a share p of its power in white noise, p. The error is the root mean
square of what the copy has more or less of it, which is the idea of Morrison et al. 2022 (arXiv 2110.10139), who found vocoders
of this kind to be weak there; their periodicity is that of a neural pitch estimator, so figures do not compare.

Pitch. Both sounds' by pYIN (Mauch and Dixon 2014), frame by frame, on its grid of 10 cents.
"""

from __future__ import annotations

from dataclasses import dataclass

import librosa
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE, HOP = 44_100, 512
FINE = 32 * HOP  # samples of a window: every line falls on the centre of a bin, the next one 32 bins away
NEAR, FAR = 4, 13  # bins from a line between which its neighbours lie: beyond the Hann window's own width
HIGHEST = 20_000.0  # Hz
INAUDIBLE_DB = 90.0  # under the original's loudest bin; lower neighbours are taken to stand there

LOWEST_PITCH, HIGHEST_PITCH = 40.0, 2000.0  # Hz
FRAME, STEP = 4096, 1024  # samples, of the periodicity
QUIETEST_DB = 40.0  # under the loudest frame of the original: what is quieter has no pitch worth the name
SURE = 0.9  # pYIN's probability above which a frame of the original has a pitch
FEWEST = 10  # frames with a pitch in both, without which nothing is said
TONAL = 0.2  # median aperiodicity below which a recording counts as tonal


@dataclass(frozen=True, slots=True)
class Lines:
    """What stands over its neighbours in a copy more than in the original."""

    hz: NDArray[np.float64]  # [N], those that were looked at
    excess_db: NDArray[np.float64]  # [N]

    @property
    def worst_db(self) -> float:
        return float(self.excess_db.max())

    @property
    def worst_hz(self) -> float:
        return float(self.hz[self.excess_db.argmax()])

    @property
    def mean_db(self) -> float:
        return float(self.excess_db.mean())


def spurious_lines(made: Floats, real: Floats, *, every: int = HOP, partials: tuple[float, ...] = ()) -> Lines:
    """Excess at the multiples of RATE / every, up to 20 kHz, of a steady copy [T] over a steady original [T].

    partials: Hz, the original's own lines; multiples so near them that they are no neighbours' business are left out.
    """
    hz = np.arange(1, int(HIGHEST * every / RATE) + 1) * RATE / every
    if partials:
        apart = np.abs(hz[:, None] - np.asarray(partials)).min(axis=1)
        hz = hz[apart > (FAR + NEAR) * RATE / FINE]
    one, other = average_spectrum(made), average_spectrum(real)
    floor = other.max() * 10 ** (-INAUDIBLE_DB / 10)
    return Lines(hz, prominence(one, hz, floor) - prominence(other, hz, floor))


def prominence(spectrum: NDArray[np.float64], hz: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    """dB by which the bins at `hz` stand over the median of their neighbours, both at least `floor`."""
    at = np.rint(hz * FINE / RATE).astype(int)
    around = np.concatenate([np.arange(-FAR, -NEAR + 1), np.arange(NEAR, FAR + 1)])
    neighbours = np.median(spectrum[at[:, None] + around], axis=1)  # [N]
    result: NDArray[np.float64] = 10 * np.log10(np.maximum(spectrum[at], floor) / np.maximum(neighbours, floor))
    return result


def repeating_share(sound: Floats, every: int = HOP) -> float:
    """Share of a sound's power that repeats every `every` samples, all its lines together: 1 / periods for white noise."""
    periods = sound[: len(sound) // every * every].reshape(-1, every).astype(np.float64)  # [n, every]
    return float(np.square(periods.mean(axis=0)).mean() / max(float(np.square(periods).mean()), 1e-20))


def detuned_cents(made: Floats, pitch: float) -> float:
    """Cents from `pitch` Hz to the strongest place of a steady copy's spectrum within half of 86.13 Hz of it.

    Between bins by the parabola through three levels in dB (Smith and Serra 1987), to a few hundredths of 2.7 Hz.
    """
    level = 10 * np.log10(average_spectrum(made) + 1e-20)
    reach = RATE / HOP / 2
    first, last = int(np.ceil((pitch - reach) * FINE / RATE)), int((pitch + reach) * FINE / RATE)
    at = first + int(level[first : last + 1].argmax())
    left, top, right = level[at - 1 : at + 2]
    curve = left - 2 * top + right
    offset = 0.5 * (left - right) / curve if curve < 0 and top >= max(left, right) else 0.0
    return float(1200 * np.log2((at + offset) * RATE / FINE / pitch))


def average_spectrum(sound: Floats) -> NDArray[np.float64]:
    """Mean power of each bin [FINE / 2 + 1] over Hann windows a quarter of their length apart (Welch 1967)."""
    frames = np.lib.stride_tricks.sliding_window_view(sound.astype(np.float64), FINE)[:: FINE // 4]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FINE) / FINE)
    mean: NDArray[np.float64] = np.square(np.abs(np.fft.rfft(frames * window))).mean(axis=0)
    return mean


def aperiodicity(sound: Floats) -> NDArray[np.float64]:
    """YIN's aperiodicity [F] of frames of `FRAME` samples, `STEP` apart, for pitches between 40 Hz and 2 kHz."""
    longest, shortest = int(RATE / LOWEST_PITCH), int(RATE / HIGHEST_PITCH)
    frames = np.lib.stride_tricks.sliding_window_view(sound.astype(np.float64), FRAME)[::STEP]  # [F, FRAME]
    width = FRAME - longest  # samples compared at every lag
    energy = np.cumsum(np.pad(np.square(frames), ((0, 0), (1, 0))), axis=1)
    lags = np.arange(longest + 1)
    power = energy[:, lags + width] - energy[:, lags]  # of the samples each lag compares with
    spectrum = np.fft.rfft(frames, 2 * FRAME) * np.conj(np.fft.rfft(frames[:, :width], 2 * FRAME))
    correlation = np.fft.irfft(spectrum)[:, : longest + 1]
    difference = np.maximum(power[:, :1] + power - 2 * correlation, 0)[:, 1:]  # [F, lags 1..longest]
    running = np.cumsum(difference, axis=1) / lags[1:]
    normalised = difference / np.maximum(running, 1e-12)
    least: NDArray[np.float64] = np.minimum(normalised[:, shortest - 1 :].min(axis=1), 1)
    return least


def loud(sound: Floats) -> NDArray[np.bool_]:
    """Frames [F] of `aperiodicity` within `QUIETEST_DB` of the loudest one."""
    level = np.square(np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::STEP]).sum(axis=1)
    result: NDArray[np.bool_] = level > level.max() * 10 ** (-QUIETEST_DB / 10)
    return result


def is_tonal(real: Floats) -> bool:
    """Whether a recording has a pitch most of the time."""
    return len(real) >= FRAME and bool(np.median(aperiodicity(real)[loud(real)]) < TONAL)


def periodicity_error(made: Floats, real: Floats) -> float:
    """Root mean square difference of the aperiodicities of copy and original [T], over the original's loud frames; 0..1."""
    counted = loud(real)
    difference = (aperiodicity(made) - aperiodicity(real))[counted]
    return float(np.sqrt(np.square(difference).mean()))


def off_pitch(made: Floats, real: Floats) -> NDArray[np.float64]:
    """Cents [F] between copy and original [T] in the frames where the original surely has a pitch and the copy has one.

    None where these are fewer than `FEWEST`.
    """
    (real_pitch, real_voiced, sure), (pitch, voiced, _) = (
        librosa.pyin(sound, fmin=60, fmax=HIGHEST_PITCH, sr=RATE, frame_length=FRAME, hop_length=HOP) for sound in (real, made)
    )
    counted = (sure > SURE) & real_voiced & voiced
    if counted.sum() < FEWEST:
        return np.zeros(0)
    cents: NDArray[np.float64] = 1200 * np.log2(pitch[counted] / real_pitch[counted])
    return cents
