"""The eight descriptors once more, on sound itself: a second opinion that shares nothing with the mel grid.

A slider keeps its name only if these agree, so they use the Fourier transform of the waveform, other windows, other
bands and other averages than `descriptors`. Plain numpy, mono waveforms [T].
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from sda.core.descriptors import DESCRIPTORS

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LONG, SHORT = 4096, 1024  # samples of the window for spectra and for envelopes
FADE = 256  # samples
STEADY = 6  # frames, 0.14 s
REGIONS_HZ = (43, 350, 700, 1400, 2800, 5600, 11200, 22050)
BLOCK_BINS = 32  # bins of the long window (344 Hz) whose flatness is taken together
QUIET = 1e-4  # of the loudest, -40 dB


def listen(audio: Floats, rate: int = 44_100) -> Floats:
    """The descriptors [D] of a waveform [T], in the order and the units of `DESCRIPTORS`."""
    spectrum = _power(audio, LONG)  # [F, bins]
    hz = _hz(LONG, rate)
    values = {
        "loudness": _level(audio),
        "brightness": _centroid(spectrum, hz),
        "width": _spread(spectrum, hz),
        "warmth": _balance(spectrum, hz),
        "noisiness": _flatness(spectrum, hz),
        "percussiveness": _movement(_power(audio, SHORT), _hz(SHORT, rate)),
        "lateness": _middle(audio, rate),
        "length": _duration(audio, rate),
    }
    return np.array([values[d.name] for d in DESCRIPTORS], np.float32)


def _hz(size: int, rate: int) -> Doubles:
    """Frequencies [bins] of a Fourier transform of `size` samples, in Hz."""
    return np.asarray(np.fft.rfftfreq(size, 1 / rate), np.float64)


def _power(audio: Floats, size: int) -> Doubles:
    """Power spectra [F, size / 2 + 1] under Hann windows a quarter of their length apart, silence beyond the edges.

    The edges are faded over 6 ms, so that a tone cut off there does not count as a click.
    """
    ramp = np.linspace(0, 1, FADE)
    faded = audio.astype(np.float64)
    faded[:FADE] *= ramp[: len(faded)]
    faded[-FADE:] *= ramp[::-1][-len(faded) :]
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(faded, size // 2), size)[:: size // 4]
    return np.square(np.abs(np.fft.rfft(frames * np.hanning(size + 1)[:-1])))


def _level(audio: Floats) -> float:
    """Root mean square in dBFS."""
    return float(10 * np.log10(np.mean(np.square(audio, dtype=np.float64)) + 1e-12))


def _centroid(power: Doubles, hz: Doubles) -> float:
    """Mean over frames, weighted by their level, of log2 of the centroid of magnitudes, in octaves above 1 kHz."""
    magnitude = np.sqrt(power) + 1e-12
    total = magnitude.sum(1)
    return float(np.average(np.log2((magnitude @ hz / total).clip(20) / 1000), weights=total))


def _spread(power: Doubles, hz: Doubles) -> float:
    """Deviation of log2 f from its mean in octaves, weighted by the magnitudes of all frames together."""
    weight, octave = np.sqrt(power).sum(0) + 1e-12, np.log2(hz.clip(40))
    return float(np.sqrt(np.average(np.square(octave - np.average(octave, weights=weight)), weights=weight)))


def _balance(power: Doubles, hz: Doubles) -> float:
    """Power at 60-500 Hz against 0.5-4 kHz in dB."""
    sums = power.sum(0)
    floor = QUIET * sums.sum() + 1e-12
    bass, presence = sums[(hz >= 60) & (hz < 500)].sum(), sums[(hz >= 500) & (hz < 4000)].sum()
    return float(10 * np.log10((bass + floor) / (presence + floor)))


def _flatness(power: Doubles, hz: Doubles) -> float:
    """Spectral flatness (Gray & Markel 1974) in dB within blocks of 344 Hz from 86 Hz to 8 kHz, weak ones counted too.

    Within a block a tilt hardly matters. Six frames are averaged first, which leaves noise flat and partials as they are.
    """
    first = int(np.searchsorted(hz, 86))
    blocks = (int(np.searchsorted(hz, 8000)) - first) // BLOCK_BINS
    frames = len(power) // STEADY * STEADY
    steady = power[:frames, first : first + blocks * BLOCK_BINS].reshape(frames // STEADY, STEADY, blocks, BLOCK_BINS).mean(1)
    steady = steady + QUIET * steady.max() + 1e-12  # [F / 6, blocks, bins]
    flat = 10 * np.log10(steady).mean(-1) - 10 * np.log10(steady.mean(-1))
    return float(np.average(flat, weights=steady.mean(-1) ** 0.25))


def _movement(power: Doubles, hz: Doubles) -> float:
    """Root mean square over time of the mean change in dB within 23 ms of the levels of seven regions, edges left out."""
    edges = np.searchsorted(hz, REGIONS_HZ)
    regions = np.stack([power[:, a:b].sum(1) for a, b in itertools.pairwise(edges)], 1)  # [F, 7]
    level = 10 * np.log10(regions + QUIET * regions.max() + 1e-12)[4:-4]
    return float(np.sqrt(np.mean(np.abs(level[4:] - level[:-4]).mean(1) ** 2)))


def _middle(audio: Floats, rate: int) -> float:
    """Centre of the squared waveform in time, in s."""
    energy = np.square(audio, dtype=np.float64) + 1e-15
    return float(energy @ (np.arange(len(audio)) + 0.5) / energy.sum() / rate)


def _duration(audio: Floats, rate: int) -> float:
    """Deviation in time of the squared waveform, times root 12, in s."""
    energy = np.square(audio, dtype=np.float64) + 1e-15
    away = (np.arange(len(audio)) + 0.5) / rate - _middle(audio, rate)
    return float(np.sqrt(12 * np.average(np.square(away), weights=energy)))
