"""What a generator is excited by: partials and noise, worked out from the log-mel alone and without a net.

A net that sees nothing but frames answers equal frames with equal sound, so what should be steady repeats every hop: pitches
are drawn to multiples of 86 Hz, and noise buzzes. What it lacks is a phase that goes on. Here each peak of the mel is a
partial whose frequency is found to a fraction of a band and whose phase is carried on from frame to frame (McAulay & Quatieri
1986, IEEE TASSP 34(4)), and beside their sum there is noise of the mel's spectrum (Serra & Smith 1990, CMJ 14(4)). A
generator makes its sound of both, as neural source-filter models do (Wang et al. 2019, arXiv 1904.12088), which however need
to be told one pitch.

Frequency: a Slaney mel filter divided by its area is a triangle, and neighbouring triangles add up to 1, so the centroid of a
spectral peak is that of the bands around it. What it is for tones, known by trial, is read the other way round.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sda.core import grid
from sda.spec import BIGVGAN_GRID as GRID
from sda.spec import EXCITATION_GROUPS, EXCITATION_LATE

Floats = NDArray[np.float32]
State = Floats
"""What goes on: for each band the frequency in Hz, amplitude and phase of its partial, then half a segment of noise a group."""

GROUPS = EXCITATION_GROUPS  # of bands, fading into each other; a generator says for each what it lets through
CHANNELS = 2 * GROUPS  # the partials' groups, then the noise's
EXCITEMENT = 8.0  # by which a generator raises it from the level of sound to that of what it adds it to
LATE = EXCITATION_LATE  # samples by which the stream is late: a frame's middle lies half a hop behind its beginning
HIGHEST = 96  # bands below this one have partials, up to 8 kHz; above, a band is wider than partials are apart
LOWEST_TONE, TONES = 25.0, 1200  # Hz; how many are tried, 8 cents apart
AUDIBLE = 2.0  # times the mel's floor: what is no louder has no partial
SIDE = 2  # bands on either side of a peak that its main lobe reaches
SIZE = 2 * GRID.hop  # samples of a segment of noise
TAKES = 509  # segments of noise that are gone through in a circle, a prime; 6 s
GOLDEN = (0.6180339887, 0.7548776662)  # fractions of a turn that a new partial's phase moves on by a frame, by a band
TURN = np.float32(2 * np.pi)
PARTIALS = (3, GRID.n_mels)  # shape of a state's part that goes on for ever; the noise only remembers a frame


@cache
def _tables() -> tuple[Floats, Floats, Floats]:
    """Centres of the bands [M] in Hz, by what each band is divided for the sum of magnitudes in its triangle [M], and what
    makes magnitudes of noise in the bands a spectrum of segments [SIZE / 2 + 1, M]."""
    bank = grid.filter_bank(GRID).astype(np.float64)
    centres = grid.band_centres(GRID).astype(np.float64)
    edges = np.concatenate([[0.0], centres, [GRID.sample_rate / 2]])
    area = 2 / (edges[2:] - edges[:-2])
    window = grid.hann(GRID.n_fft).astype(np.float64)
    one = np.sqrt(np.pi * np.square(window).sum()) / 2  # mean magnitude of white noise with a standard deviation of 1
    bins = np.linspace(0, GRID.sample_rate / 2, SIZE // 2 + 1)
    between = np.stack([np.interp(bins, centres, row) for row in np.eye(GRID.n_mels)], axis=1)
    return (
        centres.astype(np.float32),
        area.astype(np.float32),
        (between / (bank.sum(axis=1) * one)).astype(np.float32),
    )


@cache
def _shares() -> Floats:
    """How much each group has of a band [GROUPS, M]: all of its middle, fading to nothing at its neighbours' middles."""
    size = GRID.n_mels / GROUPS
    middles = (np.arange(GROUPS) + 0.5) * size - 0.5
    return np.stack([np.interp(np.arange(GRID.n_mels), middles, row) for row in np.eye(GROUPS)]).astype(np.float32)


@cache
def _shares_of_bins() -> Floats:
    """The same of the bins of a segment [GROUPS, SIZE / 2 + 1]."""
    bins = np.linspace(0, GRID.sample_rate / 2, SIZE // 2 + 1)
    return np.stack([np.interp(bins, grid.band_centres(GRID), row) for row in _shares()]).astype(np.float32)


@cache
def _noise() -> NDArray[np.complex64]:
    """Spectra [TAKES, SIZE / 2 + 1] of white noise with a standard deviation of 1."""
    white = np.random.RandomState(1).standard_normal((TAKES, SIZE))
    return np.fft.rfft(white).astype(np.complex64)


@cache
def _hop() -> Floats:
    """The samples [hop] of a frame, numbered."""
    return np.arange(GRID.hop, dtype=np.float32)


@cache
def _fade() -> Floats:
    """The window of a segment [SIZE]: with half of it before or after, squares add up to 1."""
    return np.sin(np.pi * (np.arange(SIZE) + 0.5) / SIZE).astype(np.float32)


def start() -> State:
    """Before the first frame: silence."""
    return np.zeros(3 * GRID.n_mels + GROUPS * SIZE // 2, np.float32)


def partials(state: State) -> Floats:
    """Of a state what no length of past brings back, `PARTIALS`: frequencies, amplitudes and phases; a copy."""
    return state[: 3 * GRID.n_mels].reshape(PARTIALS).copy()


def with_partials(state: State, others: Floats) -> State:
    """The state with other partials, `PARTIALS`."""
    assert others.shape == PARTIALS, others.shape
    return np.concatenate([others.reshape(-1), state[3 * GRID.n_mels :]])


def excite(log_mel: Floats, number: int, state: State) -> tuple[Floats, State]:
    """log_mel [M, F] of the project's grid, its first frame's number -> samples [CHANNELS, F * hop], `LATE` late; new state.

    However frames are cut into calls, the samples are the same.
    """
    magnitudes = np.exp(np.ascontiguousarray(log_mel, np.float32))
    frequencies, amplitudes = peaks(magnitudes)
    bands, tail = state[: 3 * GRID.n_mels].reshape(3, -1), state[3 * GRID.n_mels :].reshape(GROUPS, -1)
    segments = _segments(magnitudes, number)
    out = np.empty((CHANNELS, log_mel.shape[1] * GRID.hop), np.float32)
    for frame in range(log_mel.shape[1]):
        here = slice(frame * GRID.hop, (frame + 1) * GRID.hop)
        out[:GROUPS, here], bands = _go_on(bands, frequencies[:, frame], amplitudes[:, frame], number + frame)
        out[GROUPS:, here], tail = tail + segments[frame, :, : GRID.hop], segments[frame, :, GRID.hop :]
    return out, np.concatenate([bands.reshape(-1), tail.reshape(-1)])


def in_step(log_mel: Floats, number: int = 0) -> Floats:
    """The whole excitation [CHANNELS, F * hop] of a log-mel [M, F] with silence before it, in step with the frames."""
    samples, _ = excite(np.concatenate([log_mel, log_mel[:, -1:]], axis=1), number, start())
    return samples[:, LATE : LATE + log_mel.shape[1] * GRID.hop]


def peaks(magnitudes: Floats) -> tuple[Floats, Floats]:
    """Mel magnitudes [M, F] -> for each band with a peak its frequency in Hz and amplitude [M, F], 0 for the others."""
    centroid, amplitude = _centroids(magnitudes)
    read, true = _read_of_tones()
    found = np.nonzero(amplitude)
    centroid[found] = np.interp(centroid[found], read, true)
    return centroid, amplitude


@cache
def _read_of_tones() -> tuple[Floats, Floats]:
    """Centroids that are read of pure tones, ascending, and their true frequencies, in Hz: 8 cents off on an average below
    100 Hz, where the window and the lowest band have edges, half a cent above 1 kHz."""
    tones = np.geomspace(LOWEST_TONE, grid.band_centres(GRID)[HIGHEST - 1], TONES)
    turns = np.arange(GRID.n_fft) / GRID.sample_rate * tones[:, None]
    spectra = np.abs(np.fft.fft(np.exp(2j * np.pi * turns) * grid.hann(GRID.n_fft)))[:, : GRID.n_fft // 2 + 1]
    centroid, amplitude = _centroids((grid.filter_bank(GRID) @ spectra.T).astype(np.float32))
    read = np.maximum.accumulate(centroid[amplitude.argmax(axis=0), np.arange(TONES)])
    return read, tones.astype(np.float32)


def _centroids(magnitudes: Floats) -> tuple[Floats, Floats]:
    """`peaks`, with the frequency that is read."""
    centres, area, _ = _tables()
    height = np.zeros((len(magnitudes) + 2 * SIDE, magnitudes.shape[1]), np.float32)  # with nothing beyond the edges
    np.divide(magnitudes, area[:, None], out=height[SIDE:-SIDE])  # sums of magnitudes, a bin's shared by two triangles
    slope = height[1:] > height[:-1]  # upwards, from the band of this index to the next
    bands, frames = np.nonzero(slope[1 : 1 + HIGHEST] & ~slope[2 : 2 + HIGHEST] & (magnitudes[:HIGHEST] > AUDIBLE * GRID.floor))
    around = height[bands + np.arange(2 * SIDE + 1)[:, None], frames]  # [5, P]
    # a neighbour's slope does not count: beyond a valley the bands are those of another peak
    around[0] *= around[0] < around[1]
    around[-1] *= around[-1] < around[-2]
    places = centres[np.clip(bands + np.arange(-SIDE, SIDE + 1)[:, None], 0, None)]
    total = around.sum(axis=0)
    centroid, amplitude = np.zeros_like(magnitudes), np.zeros_like(magnitudes)
    centroid[bands, frames] = (around * places).sum(axis=0) / total
    amplitude[bands, frames] = total * (2 / GRID.n_fft)
    return centroid, amplitude


def _go_on(bands: Floats, frequency: Floats, amplitude: Floats, number: int) -> tuple[Floats, Floats]:
    """One hop of the partials' sums [GROUPS, hop], from what was there to frequency and amplitude [M] of the new peaks.

    Peaks that go on from no partial begin at nothing, and partials from which no peak goes on fade out.
    """
    before, loud_before, phase = bands
    new = np.flatnonzero(amplitude)
    origin = _origins(new, frequency, np.where(loud_before > 0, before, np.inf))
    goes_on, ends = origin >= 0, loud_before > 0
    ends[origin[goes_on]] = False
    fresh = TURN * ((GOLDEN[0] * (number % TAKES) + GOLDEN[1] * new) % 1).astype(np.float32)
    f0 = np.concatenate([np.where(goes_on, before[origin], frequency[new]), before[ends]])
    f1 = np.concatenate([frequency[new], before[ends]])
    a0 = np.concatenate([np.where(goes_on, loud_before[origin], 0), loud_before[ends]])
    a1 = np.concatenate([amplitude[new], np.zeros(ends.sum(), np.float32)])
    at_first = np.concatenate([np.where(goes_on, phase[origin], fresh), phase[ends]])

    hop, per_sample = GRID.hop, TURN / GRID.sample_rate
    t = _hop()
    angle = (per_sample * (f1 - f0) / (2 * hop))[:, None] * t
    angle += (per_sample * f0)[:, None]
    angle *= t
    angle += at_first[:, None]
    shares = _shares()
    last = np.concatenate([new, np.flatnonzero(ends)])
    first = np.concatenate([np.where(goes_on, origin, new), np.flatnonzero(ends)])
    begin, end = shares[:, first] * a0, shares[:, last] * a1
    constant, rising = (np.stack([begin, (end - begin) / hop]) @ np.cos(angle, out=angle)).astype(np.float32, copy=False)
    after = np.zeros_like(bands)
    after[0], after[1] = frequency, amplitude
    after[2, new] = (at_first + per_sample * hop * (f0 + f1) / 2)[: len(new)] % TURN
    return constant + rising * t, after


def _origins(new: NDArray[np.intp], frequency: Floats, before: Floats) -> NDArray[np.intp]:
    """From which band's partial each of the bands `new` [P] with a peak goes on, or -1.

    From the nearest of its own band and the two beside it, if it is less than a band away; of two peaks on both sides of one
    partial, the nearer. before: the partials' frequencies [M], infinite where there is none.
    """
    candidates = np.clip(new + np.array([[0], [-1], [1]]), 0, len(before) - 1)  # [3, P]
    apart = np.abs(before[candidates] - frequency[new])
    each = np.arange(len(new))
    choice = apart.argmin(axis=0)
    origin: NDArray[np.intp] = candidates[choice, each]
    distance = apart[choice, each]
    centres, _, _ = _tables()
    origin[distance >= centres[new + 1] - centres[new]] = -1
    twice = np.flatnonzero((origin[:-1] == origin[1:]) & (origin[1:] >= 0))
    origin[np.where(distance[twice] > distance[twice + 1], twice, twice + 1)] = -1
    return origin


def _segments(magnitudes: Floats, number: int) -> Floats:
    """Segments [F, GROUPS, SIZE] of noise with the frames' spectra, faded in and out."""
    _, _, spectrum = _tables()
    takes = _noise()[np.arange(number, number + magnitudes.shape[1]) % TAKES]
    shaped = (takes * (spectrum @ magnitudes).T)[:, None] * _shares_of_bins()
    return np.fft.irfft(shaped, SIZE).astype(np.float32, copy=False) * _fade()
