"""Noise of a log-mel's spectrum, in groups of bands: the stochastic half of the excitation (Serra & Smith 1990, CMJ 14(4)).

White noise has a mel of its own, which goes up and down from frame to frame, in low bands by half. Shaped by the mel of a
recording, which goes up and down as well, it would do both. Here the noise is always the same, so its mel is known, and each
frame is shaped by what the recording's is over that. Copies of noise are then .20 nat from it instead of .28.

A spectrum between the bands' centres and short segments both fill the valleys beside what is loud: what a mel would be of such
noise is worked out, and the spectrum once corrected by it.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sda.core import grid
from sda.core.band_groups import shares_of_bins
from sda.spec import BIGVGAN_GRID as GRID
from sda.spec import EXCITATION_CYCLE, EXCITATION_LATE

Floats = NDArray[np.float32]

SIZE = 2 * GRID.hop  # samples of a segment
BINS = SIZE // 2 + 1  # of its spectrum
MOST = 2.0  # by which the noise's own mel is evened out
CORRECTED = 0.7  # of what the mel of a first spectrum is off, in decibels
NARROW = 200  # bins, to 8.6 kHz, below which a band is no wider than what the fading spreads
EDGE = 4  # frames that the window of a mel reaches, and more


class Shape(NamedTuple):
    """What noise is shaped by, mel magnitudes [M, F]."""

    wanted: Floats  # evened by what the noise's own mel does
    heard: Floats  # what would be heard of that, the valleys filled


def shape(magnitudes: Floats, number: int) -> Shape:
    """Mel magnitudes [M, F], the first frame's number -> what noise is to be shaped by, and what comes of it."""
    wanted = magnitudes * _evening()[:, _takes(magnitudes, number)]
    return Shape(wanted, _bank() @ _spread(_spectrum(wanted)))


def segments(shape: Shape, share: Floats, number: int) -> Floats:
    """Noise with `share` [M, F] of such a mel, above 0 -> segments [F, GROUPS, SIZE] of it, faded in and out.

    They are to be added half overlapping; a segment's middle is its frame's.
    """
    corrected = share * shape.wanted * (shape.wanted / shape.heard) ** CORRECTED
    spectra = _white()[_takes(share, number)] * _spectrum(corrected).T
    return np.fft.irfft(spectra[:, None] * shares_of_bins(BINS), SIZE).astype(np.float32, copy=False) * _fade()


def _takes(magnitudes: Floats, number: int) -> NDArray[np.intp]:
    """Which of the spectra of white noise the frames of [M, F] have, the first one's number given."""
    return np.arange(number, number + magnitudes.shape[1]) % EXCITATION_CYCLE


def _spectrum(magnitudes: Floats) -> Floats:
    """The standard deviations [BINS, F] of noise with these magnitudes in the bands, straight in decibels between centres."""
    below, above, share = _neighbours()
    levels = np.log(magnitudes / _of_white())
    straight: Floats = levels[below]
    straight += share * (levels[above] - straight)
    return np.exp(straight, out=straight)


def _spread(spectrum: Floats) -> Floats:
    """What the fading makes of a spectrum [BINS, F] where bands are as narrow as its own lobe."""
    spread = spectrum.copy()
    spread[:NARROW] = np.sqrt(_leak() @ np.square(spectrum[:NARROW]))
    return spread


@cache
def _white() -> NDArray[np.complex64]:
    """Spectra [EXCITATION_CYCLE, BINS] of white noise with a standard deviation of 1."""
    white = np.random.RandomState(1).standard_normal((EXCITATION_CYCLE, SIZE))
    return np.fft.rfft(white).astype(np.complex64)


@cache
def _evening() -> Floats:
    """By what each band [M, EXCITATION_CYCLE] is to be multiplied for the noise to be as loud in every frame."""
    parts = np.fft.irfft(_white(), SIZE) * _fade()
    stream = (parts[:, : GRID.hop] + np.roll(parts[:, GRID.hop :], 1, axis=0)).reshape(-1).astype(np.float32)
    in_step = np.roll(stream, -EXCITATION_LATE)
    around = np.concatenate([in_step[-EDGE * GRID.hop :], in_step, in_step[: EDGE * GRID.hop]])
    mel = np.exp(grid.log_mel(around)[:, EDGE:-EDGE])
    evening: Floats = np.clip(mel.mean(axis=1, keepdims=True) / mel, 1 / MOST, MOST)
    return evening


@cache
def _of_white() -> Floats:
    """Mean mel magnitudes [M, 1] of white noise with a standard deviation of 1."""
    window = grid.hann(GRID.n_fft).astype(np.float64)
    one = np.sqrt(np.pi * np.square(window).sum()) / 2  # mean magnitude of a bin
    of_white: Floats = (grid.filter_bank(GRID).sum(axis=1, keepdims=True) * one).astype(np.float32)
    return of_white


@cache
def _neighbours() -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """For each bin the band with its centre below, that above, and how far it is on the way to that one [BINS, 1]."""
    centres, bins = grid.band_centres(GRID), np.linspace(0, GRID.sample_rate / 2, BINS)
    above = np.searchsorted(centres, bins).clip(1, GRID.n_mels - 1)
    share = (bins - centres[above - 1]) / (centres[above] - centres[above - 1])
    return above - 1, above, share.clip(0, 1).astype(np.float32)[:, None]


@cache
def _bank() -> Floats:
    """The mel filters at the bins of a segment [M, BINS], white noise with a standard deviation of 1 as `_of_white`."""
    bank = grid.filter_bank(GRID)[:, :: GRID.n_fft // SIZE].astype(np.float64)
    even: Floats = (bank / bank.sum(axis=1, keepdims=True) * _of_white()).astype(np.float32)
    return even


@cache
def _leak() -> Floats:
    """What of a bin's power the fading spreads over the others [NARROW, NARROW]."""
    power = np.square(np.abs(np.fft.fft(_fade())))
    power /= power.sum()
    here, there = np.arange(NARROW)[:, None], np.arange(NARROW)
    leak: Floats = power[(here - there) % SIZE].astype(np.float32)
    leak[:, 1:] += power[(here + there[1:]) % SIZE]  # of the mirrored half; 0 Hz has none
    return leak


@cache
def _fade() -> Floats:
    """The window of a segment [SIZE]: with half of it before or after, squares add up to 1."""
    return np.sin(np.pi * (np.arange(SIZE) + 0.5) / SIZE).astype(np.float32)
