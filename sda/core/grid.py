"""From a waveform to log-mel frames, in numpy: one exact definition for every network's grid.

Waveform x, periodic Hann window w of N samples, |X| the magnitude of its discrete Fourier transform, H a bank of
triangles over the bins:  mel = H @ |X|^power  and  log_mel = ln(max(floor, mel)).

BigVGAN's grid (Lee et al. 2023, arXiv 2206.04658, and the published configuration of v2) takes the magnitude as
sqrt(re^2 + im^2 + 1e-9), does not centre its frames and reflects (N - hop) / 2 samples at either end.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sda.spec import BIGVGAN_GRID, MelSpec

Floats = NDArray[np.float32]

MAGNITUDE_GUARD = 1e-9  # added under the square root, so that its gradient is finite at silence
LOUDEST = 1.5  # of normalised mels; a full-scale sine reaches about 1.24
FRAMES_AT_ONCE = 512  # bounds the working memory of a long file to a few megabytes


def slaney_hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mel scale of Slaney's Auditory Toolbox (1998): linear below 1 kHz (200/3 Hz a mel), 27 steps per factor 6.4 above."""
    linear = hz * 3 / 200
    return np.where(hz < 1000, linear, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def slaney_mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of `slaney_hz_to_mel`."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((np.maximum(mel, 15) - 15) * np.log(6.4) / 27))


def htk_hz_to_mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mel scale of HTK (The HTK Book 3.4, eq. 5.13): 2595 log10(1 + f / 700)."""
    return 2595 * np.log10(1 + hz / 700)


def htk_mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of `htk_hz_to_mel`."""
    return 700 * (10 ** (mel / 2595) - 1)


@lru_cache(maxsize=8)
def filter_bank(spec: MelSpec = BIGVGAN_GRID) -> Floats:
    """Triangular mel filters [M, n_fft / 2 + 1]: area 1 in Hz on the Slaney scale, peak 1 on the HTK scale. Read-only."""
    to_mel, to_hz = (slaney_hz_to_mel, slaney_mel_to_hz) if spec.scale == "slaney" else (htk_hz_to_mel, htk_mel_to_hz)
    low, high = to_mel(np.array([spec.f_min, spec.f_max]))
    edges = to_hz(np.linspace(low, high, spec.n_mels + 2))  # [M + 2] Hz
    bins = np.linspace(0, spec.sample_rate / 2, spec.n_fft // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    bank = np.maximum(0, np.minimum(rising, falling))
    if spec.scale == "slaney":
        bank *= 2 / (edges[2:] - edges[:-2])[:, None]
    bank = bank.astype(np.float32)
    bank.setflags(write=False)
    return bank


@lru_cache(maxsize=8)
def band_centres(spec: MelSpec = BIGVGAN_GRID) -> Floats:
    """Centre frequency of each mel band [M], in Hz. Read-only."""
    to_mel, to_hz = (slaney_hz_to_mel, slaney_mel_to_hz) if spec.scale == "slaney" else (htk_hz_to_mel, htk_mel_to_hz)
    low, high = to_mel(np.array([spec.f_min, spec.f_max]))
    centres = to_hz(np.linspace(low, high, spec.n_mels + 2))[1:-1].astype(np.float32)
    centres.setflags(write=False)
    return centres


def hann(length: int) -> Floats:
    """Periodic Hann window [length]."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)


def edge_padding(spec: MelSpec) -> int:
    """Samples reflected at either end of a waveform before it is cut into frames."""
    return spec.n_fft // 2 if spec.centered else (spec.n_fft - spec.hop) // 2


def magnitudes(audio: Floats, spec: MelSpec = BIGVGAN_GRID) -> Floats:
    """Mel magnitudes (or powers) [M, F] of a mono waveform [T] at the grid's rate; F = T // hop, one more if centred.

    A waveform too short to reflect is first extended with silence to one window.
    """
    bank, window, pad = filter_bank(spec), hann(spec.n_fft), edge_padding(spec)
    frames = len(audio) // spec.hop + int(spec.centered)
    if len(audio) <= pad:
        audio = np.pad(audio, (0, spec.n_fft - len(audio)))
    padded = np.pad(audio.astype(np.float32, copy=False), (pad, pad), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, spec.n_fft)[:: spec.hop][:frames]  # [F, n_fft]
    mel = np.empty((spec.n_mels, frames), np.float32)
    for start in range(0, frames, FRAMES_AT_ONCE):
        spectrum = np.fft.rfft(windows[start : start + FRAMES_AT_ONCE] * window)  # [f, bins]
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        if spec.power == 1.0:
            power = np.sqrt(power + MAGNITUDE_GUARD)
        mel[:, start : start + FRAMES_AT_ONCE] = bank @ power.T.astype(np.float32)
    return mel


def to_log(mel: Floats, spec: MelSpec = BIGVGAN_GRID) -> Floats:
    """ln(max(floor, mel)), elementwise."""
    return np.log(np.maximum(mel, np.float32(spec.floor)))


def log_mel(audio: Floats, spec: MelSpec = BIGVGAN_GRID) -> Floats:
    """Natural log-mel [M, F] of a mono waveform [T] at the grid's rate."""
    return to_log(magnitudes(audio, spec), spec)


def compress(magnitude: Floats, gain: float) -> Floats:
    """Mel magnitudes to a network's normalised mel, log1p(g m) / log1p(g): 0 at silence, 1 at magnitude 1."""
    return np.asarray(np.log1p(np.float32(gain) * magnitude) / np.float32(np.log1p(gain)), np.float32)


def expand(normalised: Floats, gain: float) -> Floats:
    """Inverse of `compress`, up to `LOUDEST`: a decoder asked for what never was must not overflow."""
    magnitude = np.expm1(np.minimum(normalised, np.float32(LOUDEST)) * np.float32(np.log1p(gain))) / np.float32(gain)
    return np.asarray(magnitude, np.float32)
