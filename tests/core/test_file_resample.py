"""The resampler of files: soxr in blocks is soxr at once, aligned with the time, and keeps the treble."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from sda.core.file_resample import FileResampler
from sda.core.resample import Resampler
from sda.errors import AudioError


def streamed(resampler: FileResampler, x: np.ndarray, block: int) -> np.ndarray:
    state, parts = resampler.start(), []
    for start in range(0, len(x), block):
        y, state = resampler.step(x[None, start : start + block], state)
        parts.append(y[0])
    return np.concatenate(parts)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("block", [1, 512, 16_384])
def test_in_blocks_it_is_soxr_at_once(rate: int, block: int) -> None:
    x = np.random.default_rng(0).uniform(-0.5, 0.5, 8_000 if block == 1 else 44_100).astype(np.float32)
    y = streamed(FileResampler(44_100, rate), x, block)
    whole = soxr.resample(x, 44_100, rate, quality="VHQ")
    assert len(y) > 0.85 * len(whole)
    assert np.abs(y - whole[: len(y)]).max() < 1e-6


@pytest.mark.parametrize("rate", [48_000, 96_000])
@pytest.mark.parametrize("hz", [1_000, 15_000, 20_000])
def test_a_sine_is_the_same_sine_at_the_same_time_up_to_20_khz(rate: int, hz: int) -> None:
    x = (0.5 * np.sin(2 * np.pi * hz * np.arange(44_100) / 44_100)).astype(np.float32)
    y = streamed(FileResampler(44_100, rate), x, 1024)[5000:]
    expected = 0.5 * np.sin(2 * np.pi * hz * (5000 + np.arange(len(y))) / rate)
    assert np.abs(y - expected).max() < 1e-3
    live = Resampler(44_100, rate).whole(x)[5000 : 5000 + len(y)]
    assert (np.abs(live - expected).max() > 0.02) == (hz == 20_000)  # what the live one gives up for its delay


@pytest.mark.parametrize("rates", [(44_100, 48_000), (48_000, 44_100), (44_100, 8_000), (48_000, 192_000), (44_100, 44_100)])
@pytest.mark.parametrize("block", [1024, 200_000])
def test_it_is_never_further_behind_than_it_says(rates: tuple[int, int], block: int) -> None:
    resampler = FileResampler(*rates)
    state, given = resampler.start(), 0
    for number in range(1, 2 + 400_000 // block):
        y, state = resampler.step(np.zeros((1, block), np.float32), state)
        given += y.shape[1]
        assert number * block * rates[1] / rates[0] - given <= resampler.held_back


def test_too_low_a_rate_is_refused() -> None:
    with pytest.raises(AudioError, match="expected rates of at least 8000 Hz"):
        FileResampler(44_100, 7_999)
