"""The eight descriptors a third time, by librosa on sound: what neither the mel nor the self-test's own measures are.

Definitions are those of `sda.core.descriptors`, in the same units; windows, filters and averages are librosa's.
"""

from __future__ import annotations

import itertools

import librosa
import numpy as np
from numpy.typing import NDArray

from sda.core.descriptors import DESCRIPTORS

Floats = NDArray[np.float32]

RATE = 44_100  # Hz
WINDOW, HOP = 3072, 768  # samples
QUIET_DB = 40.0
OCTAVES_HZ = 100 * 2.0 ** np.arange(0, 6.5, 0.5)  # half octaves, 100 Hz to 6.4 kHz
STEADY = 6  # frames, .1 s


def judge(audio: Floats) -> Floats:
    """The descriptors [D] of a waveform [T] at 44.1 kHz."""
    magnitude = np.abs(librosa.stft(audio, n_fft=WINDOW, hop_length=HOP))  # [bins, F]
    hz = librosa.fft_frequencies(sr=RATE, n_fft=WINDOW)
    power = np.square(magnitude, dtype=np.float64)
    level = np.square(librosa.feature.rms(y=audio, frame_length=1024, hop_length=256)[0], dtype=np.float64)
    time = librosa.times_like(level, sr=RATE, hop_length=256)
    middle = float(level @ time / (level.sum() + 1e-15))
    values = {
        "loudness": 10 * np.log10(level.mean() + 1e-12),
        "brightness": _brightness(magnitude),
        "width": _width(magnitude, hz),
        "warmth": _warmth(power, hz),
        "noisiness": _noisiness(power, hz),
        "percussiveness": _percussiveness(audio),
        "lateness": middle,
        "length": float(np.sqrt(12 * (level @ np.square(time - middle)) / (level.sum() + 1e-15))),
    }
    return np.array([values[d.name] for d in DESCRIPTORS], np.float32)


def _brightness(magnitude: Floats) -> float:
    centroid = librosa.feature.spectral_centroid(S=magnitude, sr=RATE)[0]
    return float(np.log2((magnitude.sum(0) * centroid).sum() / (magnitude.sum() + 1e-12) / 1000 + 1e-6))


def _width(magnitude: Floats, hz: Floats) -> float:
    """librosa's bandwidth, of the long-term spectrum over octaves instead of Hz."""
    octaves = np.log2(np.maximum(hz, 40))[:, None]
    return float(librosa.feature.spectral_bandwidth(S=magnitude.mean(1, keepdims=True) + 1e-12, freq=octaves)[0, 0])


def _warmth(power: NDArray[np.float64], hz: Floats) -> float:
    sums = power.sum(1)
    floor = 1e-4 * sums.sum() + 1e-12
    bass, presence = sums[(hz >= 60) & (hz < 500)].sum(), sums[(hz >= 500) & (hz < 4000)].sum()
    return float(10 * np.log10((bass + floor) / (presence + floor)))


def _noisiness(power: NDArray[np.float64], hz: Floats) -> float:
    """librosa's flatness in half octaves of spectra averaged over a tenth of a second, weighted by their level's root."""
    frames = max(1, power.shape[1] // STEADY)
    steady = np.stack([part.mean(1) for part in np.array_split(power, frames, axis=1)], 1)
    steady = steady + 10 ** (-QUIET_DB / 10) * steady.max() + 1e-12
    flat, weight = [], []
    for low, high in itertools.pairwise(OCTAVES_HZ):
        band = steady[(hz >= low) & (hz < high)]
        flat.append(10 * np.log10(librosa.feature.spectral_flatness(S=band, power=1.0)[0]))
        weight.append(band.mean(0) ** 0.25)
    return float(np.average(flat, weights=weight))


def _percussiveness(audio: Floats) -> float:
    """librosa's onset strength over 23 ms of eight mel bands above -40 dB, up and down, root mean square, edges left out."""
    mel = librosa.feature.melspectrogram(y=audio, sr=RATE, n_fft=1024, hop_length=256, n_mels=8)
    level = librosa.power_to_db(mel, ref=np.max, top_db=QUIET_DB)
    up, down = (
        librosa.onset.onset_strength(S=s, sr=RATE, hop_length=256, lag=4, center=False) for s in (level, level[:, ::-1])
    )
    return float(np.sqrt(np.mean(np.square(up[8:-8]) + np.square(down[8:-8]))))
