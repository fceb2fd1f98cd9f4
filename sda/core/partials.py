"""A log-mel's peaks as partials whose phase goes on: the deterministic half of the excitation.

Each peak of the mel is a sinusoid whose frequency is found to a fraction of a band and whose phase is carried on from frame to
frame (McAulay & Quatieri 1986, IEEE TASSP 34(4)).

Frequency: a Slaney mel filter divided by its area is a triangle, and neighbouring triangles add up to 1, so the centroid of a
spectral peak is that of the bands around it. What it is for tones, known by trial, is read the other way round.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sda.core import grid
from sda.core.band_groups import GROUPS, shares
from sda.spec import BIGVGAN_GRID as GRID
from sda.spec import EXCITATION_CYCLE

Floats = NDArray[np.float32]
Places = NDArray[np.intp]

HIGHEST = 96  # bands below this one have partials, up to 8 kHz; above, a band is wider than partials are apart
LOWEST_TONE, TONES = 25.0, 1200  # Hz; how many are tried, 8 cents apart
AUDIBLE = 2.0  # times the mel's floor: what is no louder has no partial
SIDE = 2  # bands on either side of a peak that its main lobe reaches
GOLDEN = (0.6180339887, 0.7548776662)  # fractions of a turn that a new partial's phase moves on by a frame, by a band
TURN = np.float32(2 * np.pi)
PER_SAMPLE = np.float32(TURN / GRID.sample_rate)  # of a partial's phase, times its frequency
BESIDE = np.array([[0], [-1], [1]])  # bands from which a partial may come, that preferred which comes first


def peaks(magnitudes: Floats) -> tuple[Floats, Floats]:
    """Mel magnitudes [M, F] -> for each band with a peak its frequency in Hz and amplitude [M, F], 0 for the others.

    The amplitude is that of a tone which is as loud in the peak's own band: what is beside it may be noise, or another's.
    """
    bands, frames, centroids = _centroids(magnitudes)
    read, true, loud = _tones()
    frequency, amplitude = np.zeros_like(magnitudes), np.zeros_like(magnitudes)
    frequency[bands, frames] = tones = np.interp(centroids, read, true)
    amplitude[bands, frames] = magnitudes[bands, frames] / np.interp(tones, true, loud)
    return frequency, amplitude


def mel_of(frequency: Floats, amplitude: Floats) -> Floats:
    """Mel magnitudes [M, F] of partials, at least the grid's floor. frequency in Hz, amplitude [M, F]: those of `peaks`."""
    power, lowest = np.empty_like(amplitude), np.log(LOWEST_TONE)
    a_step = (np.log(grid.band_centres(GRID)[HIGHEST - 1]) - lowest) / (TONES - 1)
    for frame in range(amplitude.shape[1]):
        bands = np.flatnonzero(amplitude[:, frame])
        number = np.rint((np.log(frequency[bands, frame]) - lowest) / a_step).astype(np.intp)
        power[:, frame] = np.square(amplitude[bands, frame]) @ _powers().take(number, axis=0)
    return np.maximum(np.sqrt(power, out=power), GRID.floor, out=power)


def go_on(bands: Floats, frequency: Floats, amplitude: Floats, number: int) -> tuple[Floats, Floats]:
    """One hop of the partials' sums [GROUPS, hop], and what is there after it.

    bands [3, M]: the frequency in Hz, amplitude and phase of each band's partial before. frequency, amplitude [M]: of the new
    peaks. Peaks that go on from no partial begin at nothing, and partials from which no peak goes on fade out.
    """
    before, then, count = _courses(bands, frequency, amplitude, number)
    after = np.zeros_like(bands)
    after[0], after[1] = frequency, amplitude
    (f_first, _, at_first), f_last = before.values, then.values[0]
    after[2, then.places[:count]] = ((at_first + PER_SAMPLE * GRID.hop / 2 * (f_first + f_last)) % TURN)[:count]
    return _sums(before, then), after


class _Ends(NamedTuple):
    """Where the partials [Q] of a hop stand at one end of it."""

    places: Places  # bands
    values: Floats  # frequencies in Hz, amplitudes and phases [3, Q]; at the end without the phases


def _courses(bands: Floats, frequency: Floats, amplitude: Floats, number: int) -> tuple[_Ends, _Ends, int]:
    """Both ends of every partial of a hop, those that sound on or begin first, and how many these are."""
    new, sounding = np.flatnonzero(amplitude), bands[1] > 0
    origin = _origins(new, frequency, np.where(sounding, bands[0], np.inf))
    fresh, count = np.flatnonzero(origin < 0), len(new)
    sounding[np.delete(origin, fresh)] = False
    origin[fresh] = new[fresh]
    ends = np.flatnonzero(sounding)
    before = _Ends(np.concatenate([origin, ends]), bands.take(np.concatenate([origin, ends]), axis=1))
    phases = TURN * ((GOLDEN[0] * (number % EXCITATION_CYCLE) + GOLDEN[1] * new[fresh]) % 1)
    before.values[0, fresh], before.values[1, fresh], before.values[2, fresh] = frequency[new[fresh]], 0, phases
    then = _Ends(np.concatenate([new, ends]), np.stack([before.values[0], np.zeros_like(before.values[1])]))
    then.values[0, :count], then.values[1, :count] = frequency[new], amplitude[new]
    return before, then, count


def _sums(before: _Ends, then: _Ends) -> Floats:
    """The partials' sums [GROUPS, hop], frequencies straight from one end to the other, amplitudes on half a cosine."""
    (f_first, a_first, at_first), (f_last, a_last) = before.values, then.values
    hop, t = GRID.hop, _hop()
    angle = (PER_SAMPLE / (2 * hop) * (f_last - f_first))[:, None] * t
    angle += (PER_SAMPLE * f_first)[:, None]
    angle *= t
    angle += at_first[:, None]
    levels = np.empty((2 * GROUPS, len(f_first)), np.float32)  # at first, and what the hop adds
    constant, rising = levels[:GROUPS], levels[GROUPS:]
    np.multiply(shares().take(before.places, axis=1), a_first, out=constant)
    np.multiply(shares().take(then.places, axis=1), a_last, out=rising)
    rising -= constant
    sums: Floats = levels @ np.cos(angle, out=angle)
    sums[GROUPS:] *= _rise()
    sums[:GROUPS] += sums[GROUPS:]
    return sums[:GROUPS]


def _origins(new: Places, frequency: Floats, before: Floats) -> Places:
    """From which band's partial each of the bands `new` [P] with a peak goes on, or -1.

    From the nearest of its own band and the two beside it, if it is less than a band away; of two peaks on both sides of one
    partial, the nearer. before: the partials' frequencies [M], infinite where there is none.
    """
    candidates = new + BESIDE  # [3, P]; the first band's neighbour is the last one, far away
    apart = np.abs(before[candidates] - frequency[new])
    origin: Places = new + BESIDE[apart.argmin(axis=0), 0]
    distance = apart.min(axis=0)
    origin[distance >= _width()[new]] = -1
    twice = np.flatnonzero((origin[:-1] == origin[1:]) & (origin[1:] >= 0))
    origin[np.where(distance[twice] > distance[twice + 1], twice, twice + 1)] = -1
    return origin


def _centroids(magnitudes: Floats) -> tuple[Places, Places, Floats]:
    """Mel magnitudes [M, F] -> the bands and frames of the peaks, and the frequency in Hz that is read of each."""
    centres, area = grid.band_centres(GRID), _area()
    height = np.zeros((len(magnitudes) + 2 * SIDE, magnitudes.shape[1]), np.float32)  # with nothing beyond the edges
    np.divide(magnitudes, area, out=height[SIDE:-SIDE])  # sums of magnitudes, a bin's shared by two triangles
    slope = height[1:] > height[:-1]  # upwards, from the band of this index to the next
    bands, frames = np.nonzero(slope[1 : 1 + HIGHEST] & ~slope[2 : 2 + HIGHEST] & (magnitudes[:HIGHEST] > AUDIBLE * GRID.floor))
    around = height[bands + np.arange(2 * SIDE + 1)[:, None], frames]  # [5, P]
    # a neighbour's slope does not count: beyond a valley the bands are those of another peak
    around[0] *= around[0] < around[1]
    around[-1] *= around[-1] < around[-2]
    places = centres[np.maximum(bands + np.arange(-SIDE, SIDE + 1)[:, None], 0)]
    return bands, frames, (around * places).sum(axis=0) / around.sum(axis=0)


@cache
def _tones() -> tuple[Floats, Floats, Floats]:
    """What is read of pure tones, ascending, their true frequencies, both in Hz, and the magnitude of the loudest band.

    What is read is 8 cents off on an average below 100 Hz, where the window and the lowest band have edges, half a cent
    above 1 kHz.
    """
    tones, magnitudes = _mels_of_tones()
    read, loud = np.zeros(TONES, np.float32), np.zeros(TONES, np.float32)
    for band, tone, centroid in zip(*_centroids(magnitudes), strict=True):
        if magnitudes[band, tone] > loud[tone]:
            read[tone], loud[tone] = centroid, magnitudes[band, tone]
    return np.maximum.accumulate(read), tones, loud


@cache
def _mels_of_tones() -> tuple[Floats, Floats]:
    """Tones from the lowest to the highest in Hz [TONES], in equal ratios, and their mel magnitudes [M, TONES]."""
    tones = np.geomspace(LOWEST_TONE, grid.band_centres(GRID)[HIGHEST - 1], TONES)
    turns = np.arange(GRID.n_fft) / GRID.sample_rate * tones[:, None]
    spectra = np.abs(np.fft.fft(np.exp(2j * np.pi * turns) * grid.hann(GRID.n_fft)))[:, : GRID.n_fft // 2 + 1]
    magnitudes = (grid.filter_bank(GRID) @ spectra.T / 2).astype(np.float32)  # of a complex tone, twice a real one's
    return tones.astype(np.float32), magnitudes


@cache
def _powers() -> Floats:
    """The squares of tones' mel magnitudes, a row each [TONES, M]."""
    return np.ascontiguousarray(np.square(_mels_of_tones()[1]).T)


@cache
def _area() -> Floats:
    """By what each band [M, 1] is divided for the sum of magnitudes in its triangle."""
    edges = np.concatenate([[0.0], grid.band_centres(GRID).astype(np.float64), [GRID.sample_rate / 2]])
    area: Floats = (2 / (edges[2:] - edges[:-2])).astype(np.float32)[:, None]
    return area


@cache
def _width() -> Floats:
    """From each band's centre to the next one's [M - 1], in Hz."""
    return np.diff(grid.band_centres(GRID)).astype(np.float32)


@cache
def _hop() -> Floats:
    """The samples [hop] of a frame, numbered."""
    return np.arange(GRID.hop, dtype=np.float32)


@cache
def _rise() -> Floats:
    """How much of an amplitude's change has come by each sample [hop] of a frame: a corner would sound in the valleys."""
    return (0.5 - 0.5 * np.cos(np.pi * np.arange(GRID.hop) / GRID.hop)).astype(np.float32)
