"""The scope against sines whose level and frequency are known."""

from __future__ import annotations

import numpy as np
import pytest

from sda.core.scope import BANDS, FLOOR, FRAMES, HIGHEST, LOWEST, POINTS, THINNED, Scope


def sine(frequency: float, amplitude: float, rate: int) -> np.ndarray:
    wave = amplitude * np.sin(2 * np.pi * frequency * np.arange(FRAMES) / rate)
    return np.stack([wave, wave], axis=1).astype(np.float32)


def band_of(frequency: float) -> int:
    """Bands divide the range into equal ratios."""
    return int(BANDS * np.log(frequency / LOWEST) / np.log(HIGHEST / LOWEST))


@pytest.mark.parametrize("bin_number", [20, 64, 200, 700])
@pytest.mark.parametrize("amplitude", [1.0, 0.1])
def test_a_sine_on_a_bin_shows_its_level_in_its_band(bin_number: int, amplitude: float) -> None:
    frequency = bin_number * 48_000 / FRAMES
    spectrum = Scope(48_000).spectrum(sine(frequency, amplitude, 48_000))
    assert spectrum.argmax() in (band_of(frequency), band_of(frequency) - 1, band_of(frequency) + 1)
    assert spectrum.max() == pytest.approx(20 * np.log10(amplitude), abs=0.01)


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("frequency", [440.0, 1234.5, 3000.0])
def test_a_sine_between_bins_is_off_by_the_windows_scallop_at_most(rate: int, frequency: float) -> None:
    # A Hann window's worst case, half a bin off, is 1.42 dB (Harris 1978, table 1).
    spectrum = Scope(rate).spectrum(sine(frequency, 0.5, rate))
    assert spectrum.shape == (BANDS,)
    assert spectrum.max() == pytest.approx(-6.02 - 0.71, abs=0.75)
    if rate == 48_000:
        assert abs(int(spectrum.argmax()) - band_of(frequency)) <= 1


def test_silence_is_the_floor_and_the_wave_keeps_single_peaks() -> None:
    frames = np.zeros((FRAMES, 2), np.float32)
    scope = Scope(48_000)
    assert (scope.spectrum(frames) == FLOOR).all()
    frames[FRAMES - 4, :] = -0.8
    frames[FRAMES - POINTS * THINNED - 1, :] = 0.9  # just outside
    wave = scope.wave(frames)
    assert wave.shape == (POINTS,)
    assert wave[-1] == pytest.approx(-0.8)
    assert np.abs(wave[:-1]).max() == 0
    frames[FRAMES - 4, 1] = 0.8  # the channels' mean
    assert scope.wave(frames)[-1] == pytest.approx(0.0)
