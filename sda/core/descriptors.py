"""What a second of sound is like, in seven numbers a musician has words for, computed on mel magnitudes in torch.

Everything is differentiable, so that a point of the latent space can be moved until its sound has the wanted numbers.
A Slaney filter has area 1 in Hz; multiplied by half its width it becomes a triangle of peak 1, and neighbouring triangles
add up to 1. So  a_b = m_b * half width  is the sum of the spectrum's magnitudes that fall into band b, and sums over bands
equal sums over the bins of the Fourier transform: the centroid is exact. An energy needs the number of bins that share
the magnitude. For noise over n bins |sum|^2 / sum of squares is n pi / 4 (mean square of a Rayleigh variable = 4 / pi times
its squared mean); bands narrower than a window's main lobe (below 1 kHz) see 1.3 for a sine and 1.7 for noise, so
E_b = a_b^2 / max(3/2, n_b pi / 4).  A lone sine in a wide band at the top comes out too low by up to 9 dB.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sda.core.grid import slaney_hz_to_mel, slaney_mel_to_hz
from sda.spec import BIGVGAN_GRID, MelSpec

Floats = NDArray[np.float32]

DB = 10 / math.log(10)  # decibels per neper of power
QUIET = 1e-4  # of the loudest, -40 dB: what lies below it does not count as part of the sound
LOWEST_HZ = 40.0  # below, octaves lie closer than the bands
WARM_HZ = (60.0, 500.0, 4000.0)  # from bass over the edge to presence
NOISE_HZ = (100.0, 8000.0)  # where the bands are narrow enough to tell a partial from its surroundings
CONTRAST_BANDS = 7  # of the local mean that a partial rises above
STEADY_FRAMES = 7  # 81 ms over which noise averages out and partials do not
NOISE_WEIGHT = 0.25  # power of the energy by which a place counts: ears judge the weak partials too
FLUX_GROUP = 16  # bands
FLUX_FRAMES = 2  # frames from which the change is taken, 23 ms
FLUX_EDGE = 2  # frames left out at either end, whose windows reach over the edge


@dataclass(frozen=True, slots=True)
class Bands:
    """One or more sounds on the mel grid. Each field ends in [M, L]."""

    amplitude: Tensor  # [..., M, L] sum of Fourier magnitudes in each band
    energy: Tensor  # [..., M, L] sum of their squares
    hz: Tensor  # [M] centres
    spec: MelSpec


def loudness(sound: Bands) -> Tensor:
    """Level [...] in dBFS: mean square over time and frequency by Parseval (a sine of amplitude 1 has -3 dB).

    For a Hann window of N samples  sum |X|^2 = 3 N^2 / 16 * mean square  over the positive frequencies.
    """
    scale = 16 / (3 * sound.spec.n_fft**2)
    return DB * torch.log(sound.energy.sum(-2).mean(-1) * scale + 1e-12)


def brightness(sound: Bands) -> Tensor:
    """Spectral centroid [...] in octaves above 1 kHz: log2 of sum f |X| / sum |X| (Grey & Gordon 1978; as in librosa)."""
    weight = sound.amplitude.sum(-1) + 1e-12  # [..., M]
    return torch.log2((weight * sound.hz).sum(-1) / weight.sum(-1) / 1000)


def width(sound: Bands) -> Tensor:
    """Spread of the spectrum [...] in octaves: standard deviation of log2 f weighted by magnitude."""
    weight = sound.amplitude.sum(-1) + 1e-12
    weight = weight / weight.sum(-1, keepdim=True)
    octave = torch.log2(sound.hz.clamp(min=LOWEST_HZ))
    mean = (weight * octave).sum(-1, keepdim=True)
    return torch.sqrt((weight * (octave - mean) ** 2).sum(-1) + 1e-9)


def warmth(sound: Bands) -> Tensor:
    """Energy at 60-500 Hz against 0.5-4 kHz [...] in dB, either part at least 40 dB below the whole."""
    low, edge, high = WARM_HZ
    energy = sound.energy.sum(-1)  # [..., M]
    floor = QUIET * energy.sum(-1) + 1e-12
    bass = (energy * ((sound.hz >= low) & (sound.hz < edge))).sum(-1)
    presence = (energy * ((sound.hz >= edge) & (sound.hz < high))).sum(-1)
    return DB * torch.log((bass + floor) / (presence + floor))


def noisiness(sound: Bands) -> Tensor:
    """How little partials rise above their surroundings [...] in dB, 0 or less; noise is near 0.

    Minus the weighted root mean square of the steady level's distance from its mean over 7 bands. A tilted spectrum has
    none: a symmetric mean of a straight line is the line. (Octave-based contrast: Jiang et al. 2002.)
    """
    low, high = NOISE_HZ
    chosen = (sound.hz >= low) & (sound.hz < high)
    steady = _mean_over_time(sound.energy[..., chosen, :], STEADY_FRAMES)
    steady = steady + QUIET * steady.amax((-2, -1), keepdim=True) + 1e-12
    level = DB * torch.log(steady)  # [..., M', L]
    rough = level - _mean_over_bands(level, CONTRAST_BANDS)
    weight = _mean_over_bands(steady, CONTRAST_BANDS) ** NOISE_WEIGHT
    return -torch.sqrt((weight * rough**2).sum((-2, -1)) / weight.sum((-2, -1)) + 1e-6)


def percussiveness(sound: Bands) -> Tensor:
    """How abruptly the level moves [...] in dB within 23 ms: root mean square over time of the mean change of 8 regions.

    Spectral flux (Masri 1996; Dixon 2006) of logarithmic energies, up and down; below -40 dB nothing counts as movement.
    """
    energy = sound.energy.unflatten(-2, (-1, FLUX_GROUP)).sum(-2)  # [..., M / 16, L]
    floor = QUIET * energy.amax((-2, -1), keepdim=True) + 1e-12
    level = DB * torch.log(energy + floor)[..., FLUX_EDGE:-FLUX_EDGE]
    change = level[..., FLUX_FRAMES:] - level[..., :-FLUX_FRAMES]
    return torch.sqrt(torch.sqrt(change**2 + 1e-4).mean(-2).square().mean(-1))


def lateness(sound: Bands) -> Tensor:
    """Temporal centroid [...] in s after the start: sum t E / sum E (Peeters 2004, section 2.3)."""
    energy = sound.energy.sum(-2) + 1e-12  # [..., L]
    time = (torch.arange(energy.shape[-1], device=energy.device) + 0.5) / sound.spec.frame_rate
    return (energy * time).sum(-1) / energy.sum(-1)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One word, its number, and the smallest range of it that is worth a slider."""

    name: str
    unit: str
    least: float  # units between the recordings' 5th and 95th percentile
    explains: str
    measure: Callable[[Bands], Tensor]


DESCRIPTORS = (
    Descriptor("loudness", "dB", 3.0, "quieter to louder: level", loudness),
    Descriptor("brightness", "octaves", 0.25, "darker to brighter: centre of the spectrum", brightness),
    Descriptor("width", "octaves", 0.15, "narrower to wider: spread of the spectrum", width),
    Descriptor("warmth", "dB", 3.0, "thinner to warmer: 60-500 Hz against 0.5-4 kHz", warmth),
    Descriptor("noisiness", "dB", 1.0, "more tonal to noisier: partials against what surrounds them", noisiness),
    Descriptor("percussiveness", "dB", 0.3, "steadier to more percussive: change within 23 ms", percussiveness),
    Descriptor("lateness", "s", 0.05, "earlier to later: middle of the energy in time", lateness),
)


def describe(magnitude: Tensor, spec: MelSpec = BIGVGAN_GRID) -> Tensor:
    """The seven numbers [..., D] of mel magnitudes [..., M, L] on a Slaney grid of power 1."""
    sound = bands(magnitude, spec)
    return torch.stack([d.measure(sound) for d in DESCRIPTORS], -1)


def describe_array(magnitude: Floats, spec: MelSpec = BIGVGAN_GRID) -> Floats:
    """`describe` for numpy: [..., M, L] -> [..., D]."""
    with torch.no_grad():
        return describe(torch.from_numpy(np.ascontiguousarray(magnitude)), spec).numpy()


def bands(magnitude: Tensor, spec: MelSpec = BIGVGAN_GRID) -> Bands:
    """Amplitudes and energies of the bands of mel magnitudes [..., M, L]."""
    assert spec.scale == "slaney"
    assert spec.power == 1.0
    hz, half = (torch.from_numpy(x).to(magnitude) for x in _geometry(spec))
    amplitude = magnitude * half[:, None]
    shared = (half * spec.n_fft / spec.sample_rate * math.pi / 4).clamp(min=1.5)
    return Bands(amplitude, amplitude**2 / shared[:, None], hz, spec)


@lru_cache(maxsize=8)
def _geometry(spec: MelSpec) -> tuple[Floats, Floats]:
    """Centre and half width in Hz of each band [M]."""
    low, high = slaney_hz_to_mel(np.array([spec.f_min, spec.f_max]))
    edges = slaney_mel_to_hz(np.linspace(low, high, spec.n_mels + 2))
    return edges[1:-1].astype(np.float32), ((edges[2:] - edges[:-2]) / 2).astype(np.float32)


def _mean_over_time(x: Tensor, frames: int) -> Tensor:
    """Moving average along the last axis of [..., M, L], edges repeated; the length stays."""
    return x @ torch.from_numpy(_averaging(x.shape[-1], frames)).to(x).T


def _mean_over_bands(x: Tensor, count: int) -> Tensor:
    """Moving average along the bands of [..., M, L], edges repeated; the number stays."""
    return torch.from_numpy(_averaging(x.shape[-2], count)).to(x) @ x


@lru_cache(maxsize=32)
def _averaging(length: int, window: int) -> Floats:
    """The matrix [length, length] of a moving average; its product costs a tenth of pooling, backward pass included."""
    taken = np.arange(length)[:, None] + np.arange(window) - window // 2
    matrix = np.zeros((length, length), np.float32)
    np.add.at(matrix, (np.arange(length)[:, None], taken.clip(0, length - 1)), 1 / window)
    return matrix
