"""Noise of a log-mel's spectrum, in groups of bands: the stochastic half of the excitation (Serra & Smith 1990, CMJ 14(4)).

White noise has a mel of its own, which goes up and down from frame to frame, in low bands by half. Shaped by the mel of a
recording, which goes up and down as well, it would do both. Here the noise is always the same, so its mel is known, and each
frame is shaped by what the recording's is over that. Copies of noise are then .20 nat from it instead of .28.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sda.core import grid
from sda.core.band_groups import shares_of_bins
from sda.spec import BIGVGAN_GRID as GRID
from sda.spec import EXCITATION_CYCLE, EXCITATION_LATE

Floats = NDArray[np.float32]

SIZE = 2 * GRID.hop  # samples of a segment
BINS = SIZE // 2 + 1
MOST = 2.0  # by which the noise's own mel is evened out
EDGE = 4  # frames that the window of a mel reaches, and more


def segments(magnitudes: Floats, number: int) -> Floats:
    """Mel magnitudes [M, F], the first frame's number -> segments [F, GROUPS, SIZE] with their spectra, faded in and out.

    They are to be added half overlapping; a segment's middle is its frame's.
    """
    takes = np.arange(number, number + magnitudes.shape[1]) % EXCITATION_CYCLE
    spectra = _white()[takes] * (_spectrum() @ (magnitudes * _evening()[:, takes])).T
    return np.fft.irfft(spectra[:, None] * shares_of_bins(BINS), SIZE).astype(np.float32, copy=False) * _fade()


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
def _spectrum() -> Floats:
    """What makes magnitudes of noise in the bands a spectrum of segments [BINS, M]."""
    window = grid.hann(GRID.n_fft).astype(np.float64)
    one = np.sqrt(np.pi * np.square(window).sum()) / 2  # mean magnitude of white noise with a standard deviation of 1
    bins = np.linspace(0, GRID.sample_rate / 2, BINS)
    between = np.stack([np.interp(bins, grid.band_centres(GRID), row) for row in np.eye(GRID.n_mels)], axis=1)
    spectrum: Floats = (between / (grid.filter_bank(GRID).astype(np.float64).sum(axis=1) * one)).astype(np.float32)
    return spectrum


@cache
def _fade() -> Floats:
    """The window of a segment [SIZE]: with half of it before or after, squares add up to 1."""
    return np.sin(np.pi * (np.arange(SIZE) + 0.5) / SIZE).astype(np.float32)
