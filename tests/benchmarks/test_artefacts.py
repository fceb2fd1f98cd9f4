"""The measures of a vocoder's faults against faults of known size."""

from __future__ import annotations

import numpy as np
import pytest
from artefacts import (
    FINE,
    HOP,
    RATE,
    aperiodicity,
    detuned_cents,
    is_tonal,
    off_pitch,
    periodicity_error,
    repeating_share,
    spurious_lines,
)
from numpy.typing import NDArray

Floats = NDArray[np.float32]
T = np.arange(4 * RATE) / RATE


def noise(seed: int = 0, level: float = 0.1) -> Floats:
    return (level * np.random.default_rng(seed).standard_normal(len(T))).astype(np.float32)


def sine(hz: float, amplitude: float) -> Floats:
    return (amplitude * np.sin(2 * np.pi * hz * T)).astype(np.float32)


@pytest.mark.parametrize(("every", "number"), [(HOP, 23), (64, 5)])
@pytest.mark.parametrize("over_db", [20, 40])
def test_an_added_line_is_found_with_its_level(every: int, number: int, over_db: float) -> None:
    # Under a Hann window of N samples a sine of amplitude a has the power (a N / 4)^2, white noise of deviation s has
    # 3 N s^2 / 8: the line stands a^2 N / (6 s^2) over the noise, which it adds to.
    amplitude = 0.1 * np.sqrt(6 * 10 ** (over_db / 10) / FINE)
    found = spurious_lines(noise(1) + sine(number * RATE / every, amplitude), noise(2), every=every)
    assert found.worst_hz == pytest.approx(number * RATE / every)
    assert found.worst_db == pytest.approx(10 * np.log10(1 + 10 ** (over_db / 10)), abs=2.5)  # the spread of two noises' bins
    assert abs(found.mean_db - over_db / len(found.hz)) < 0.4


def test_two_takes_of_one_noise_have_no_lines() -> None:
    found = spurious_lines(noise(1), noise(2))
    assert len(found.hz) == 232  # multiples of 86.13 Hz up to 20 kHz
    assert found.worst_db < 5
    assert abs(found.mean_db) < 0.3


def test_what_the_original_has_too_is_no_spurious_line() -> None:
    line = sine(23 * RATE / HOP, 0.02)
    assert spurious_lines(noise(1) + line, noise(2) + line).worst_db < 5


def test_a_line_elsewhere_or_beside_a_partial_is_not_counted() -> None:
    line, beside = sine(23.4 * RATE / HOP, 0.02), 23 * RATE / HOP
    assert spurious_lines(noise(1) + line, noise(2)).worst_db < 5
    assert beside not in spurious_lines(noise(1), noise(2), partials=(beside + 20,)).hz
    assert beside in spurious_lines(noise(1), noise(2), partials=(beside + 60,)).hz


def test_what_is_far_below_the_sound_is_no_line() -> None:
    hz = 400 * RATE / FINE  # the centre of a bin, half way between two multiples
    tone = sine(hz, 0.5)
    found = spurious_lines(tone + sine(50 * RATE / HOP, 0.5e-5), tone, partials=(hz,))  # 100 dB below
    assert found.worst_db == pytest.approx(0, abs=0.1)
    found = spurious_lines(tone + sine(50 * RATE / HOP, 0.5e-3), tone, partials=(hz,))  # 60 dB below: 30 over
    assert found.worst_db == pytest.approx(30, abs=0.1)


def test_the_share_of_what_repeats_with_the_hop() -> None:
    # A sine of amplitude a has the power a^2 / 2; 344 periods of noise average to 1 / 344 of its power.
    line, other = sine(23 * RATE / HOP, np.sqrt(2)), sine(23.4 * RATE / HOP, np.sqrt(2))
    assert repeating_share(noise(0, 1.0)) == pytest.approx(1 / 344, rel=0.3)
    assert repeating_share(noise(0, 1.0) + line) == pytest.approx(0.5 + 0.5 / 344, abs=0.01)
    assert repeating_share(noise(0, 1.0) + other) < 0.01


@pytest.mark.parametrize("hz", [440.0, 430.66, 447.3])
def test_a_tone_out_of_tune_is_found_to_be_so(hz: float) -> None:
    louder_elsewhere = sine(hz, 0.1) + sine(440 + 86, 0.4) + noise(0, 1e-3)
    assert detuned_cents(louder_elsewhere, 440.0) == pytest.approx(1200 * np.log2(hz / 440), abs=0.5)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_aperiodicity_is_the_noise_in_a_periodic_sound(share: float) -> None:
    # d(period) = 2 p and the mean of d is 2, both times the power: their ratio is p; the least of many lags is a little lower.
    tone = sum(sine(n * 315, 1) for n in (1, 2, 3)) / np.sqrt(3 / 2)  # power 1, 140 samples a period
    found = aperiodicity((np.sqrt(1 - share) * tone + np.sqrt(share) * noise(0, 1.0)).astype(np.float32))
    assert np.mean(found) == pytest.approx(share, abs=0.03)


def test_the_error_is_what_the_copy_lost() -> None:
    tone, hiss = sine(315, np.sqrt(2)), noise(0, 1.0)
    noisy = (np.sqrt(0.8) * tone + np.sqrt(0.2) * hiss).astype(np.float32)
    assert periodicity_error(tone, tone) == 0
    assert periodicity_error(noisy, tone) == pytest.approx(0.2, abs=0.04)
    assert periodicity_error(hiss, tone) > 0.6


def test_only_tonal_recordings_are_tonal() -> None:
    tone = sine(220, 0.5)
    assert is_tonal(tone)
    assert is_tonal(np.concatenate([tone, noise(0, 1e-4)]))  # near-silent noise does not count
    assert not is_tonal(noise())
    assert not is_tonal(tone[:1000])  # shorter than a frame


def test_a_copy_is_as_far_off_pitch_as_it_was_made() -> None:
    tone, length = sine(330, 0.3), RATE
    for cents in (0, 30, -60):
        found = off_pitch(sine(330 * 2 ** (cents / 1200), 0.2)[:length], tone[:length])
        assert np.median(found) == pytest.approx(cents, abs=10)
    assert not len(off_pitch(tone[:length], noise()[:length]))
