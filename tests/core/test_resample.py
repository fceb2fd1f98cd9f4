"""The resampler against soxr, against sines written down exactly, and against itself in other block sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soxr

from sda.core.resample import Floats, Resampler
from sda.errors import AudioError

PAIRS = [(44_100, 48_000), (48_000, 44_100), (44_100, 88_200), (44_100, 96_000), (96_000, 48_000)]
ODD_BLOCKS = (0, 1, 1, 2, 7, 147, 148, 1024, 1023, 3)


def sine(hz: float, rate: int, samples: int) -> Floats:
    return np.sin(2 * np.pi * hz / rate * np.arange(samples)).astype(np.float32)


def streamed(resampler: Resampler, x: Floats, *, forgetful: bool = False) -> Floats:
    """All of `x` in odd blocks; a forgetful stream starts anew at every block."""
    state, parts, position, number = resampler.start(), [], 0, 0
    while position < x.shape[-1]:
        block = x[..., position : position + ODD_BLOCKS[number % len(ODD_BLOCKS)]]
        y, state = resampler.step(block, resampler.start() if forgetful else state)
        position, number = position + block.shape[-1], number + 1
        parts.append(y)
        if not forgetful:
            assert sum(part.shape[-1] for part in parts) == math.ceil(position * resampler.rate_out / resampler.rate_in)
    return np.concatenate(parts, axis=-1)


def decibels(ratio: float) -> float:
    return 20 * math.log10(max(ratio, 1e-12))


@pytest.mark.parametrize("rates", PAIRS)
def test_sines_in_the_pass_band_are_the_same_sines_at_the_other_rate(rates: tuple[int, int]) -> None:
    resampler = Resampler(*rates)
    middle = slice(3000, -3000)  # away from where the sine starts and ends, which is no sine
    for hz in (30.0, 997.0, 10_000.0, 15_000.0, 19_000.0, 0.999 * resampler.passband):
        x = sine(hz, rates[0], rates[0] // 2)
        y, reference = resampler.whole(x), soxr.resample(x, *rates, quality="VHQ")
        truth = sine(hz, rates[1], len(y))
        assert np.abs(y - truth)[middle].max() < 1e-5  # -100 dB
        if hz <= 10_000:  # above, soxr VHQ itself droops by up to 4e-4
            assert np.abs(y - reference[: len(y)])[middle].max() < 5e-6


@pytest.mark.parametrize("rates", PAIRS[:2])
def test_a_sweep_equals_soxr(rates: tuple[int, int]) -> None:
    t = np.arange(2 * rates[0]) / rates[0]
    # From 20 Hz to 15 kHz in two seconds, faded in and out; the phase is the integral of the frequency.
    x = np.hanning(len(t)) * np.sin(2 * np.pi * (20 * t + (15_000 - 20) / 4 * t**2))
    y = Resampler(*rates).whole(x.astype(np.float32))
    reference = soxr.resample(x, *rates, quality="VHQ")
    assert len(y) == len(reference)
    assert np.abs(y - reference).max() < 1e-5


@pytest.mark.parametrize("rates", PAIRS)
def test_images_and_aliases_stay_100_db_down(rates: tuple[int, int]) -> None:
    resampler, window = Resampler(*rates), np.kaiser(rates[1] // 2, 20)  # side lobes below -150 dB, main lobe 14 Hz
    for hz in (1_000, 7_000, 13_000, 17_000, 19_000):
        y = resampler.whole(sine(hz, rates[0], rates[0]))[rates[1] // 4 :][: rates[1] // 2]
        spectrum = np.abs(np.fft.rfft(y * window))
        peak, around = hz // 2, 20  # bins of 2 Hz
        others = np.delete(spectrum, slice(peak - around, peak + around))
        assert decibels(others.max() / spectrum[peak]) < -100


def test_what_the_lower_rate_cannot_hold_is_gone() -> None:
    resampler = Resampler(48_000, 44_100)
    for hz in (22_100, 23_000, 23_900):  # above 22.05 kHz
        assert decibels(float(np.abs(resampler.whole(sine(hz, 48_000, 24_000))[2000:-2000]).max())) < -100
    assert np.abs(resampler.whole(sine(21_000, 48_000, 24_000))).max() > 0.1  # the test can fail


@pytest.mark.parametrize("rates", [*PAIRS, (44_100, 44_100), (22_050, 48_000), (8_000, 44_100)])
def test_streamed_equals_whole(rates: tuple[int, int]) -> None:
    resampler = Resampler(*rates)
    x = np.random.default_rng(1).uniform(-1, 1, (2, 9_000)).astype(np.float32)
    whole, parts = resampler.whole(x), streamed(resampler, x)[:, resampler.delay :]
    length = parts.shape[1]
    assert np.abs(parts - whole[:, :length]).max() < 1e-5
    assert whole.shape == (2, math.ceil(9_000 * rates[1] / rates[0]))
    assert np.abs(whole[0] - resampler.whole(x[0])).max() < 1e-5  # [T] is as good as [C, T]
    if rates[0] != rates[1]:
        broken = streamed(resampler, x, forgetful=True)[:, resampler.delay :]
        length = min(length, broken.shape[1])
        assert np.abs(broken[:, :length] - whole[:, :length]).max() > 0.1


@pytest.mark.parametrize("rates", PAIRS)
def test_an_impulse_comes_out_after_the_stated_delay(rates: tuple[int, int]) -> None:
    resampler = Resampler(*rates)
    x = np.zeros(rates[0], np.float32)
    x[rates[0] // 10] = 1.0  # at 0.1 s, a whole sample at every rate here
    y, _ = resampler.step(x, resampler.start())
    late = (np.argmax(np.abs(y)) - rates[1] // 10) / rates[1]
    assert late == resampler.delay / rates[1]
    assert 1.1e-3 < late <= 1.2e-3
    assert np.argmax(np.abs(resampler.whole(x))) == rates[1] // 10


@pytest.mark.parametrize("rates", PAIRS)
def test_a_constant_stays_that_constant(rates: tuple[int, int]) -> None:
    y = Resampler(*rates).whole(np.full(4_000, 0.5, np.float32))[500:-500]
    assert np.abs(y - 0.5).max() < 5e-7


def test_equal_rates_change_nothing_and_wait_for_nothing() -> None:
    x = np.random.default_rng(2).uniform(-1, 1, (2, 500)).astype(np.float32)
    resampler = Resampler(48_000, 48_000)
    assert resampler.delay == 0
    assert np.array_equal(resampler.whole(x), x)


@pytest.mark.parametrize("length", [0, 1, 2, 147, 65_536, 65_537])
def test_lengths_are_the_ceiling(length: int) -> None:
    assert len(Resampler(44_100, 48_000).whole(np.ones(length, np.float32))) == -(-length * 160 // 147)


def test_impossible_rates_are_named() -> None:
    with pytest.raises(AudioError, match=r"44101 Hz to 48000 Hz: expected rates in a simpler ratio"):
        Resampler(44_101, 48_000)
    with pytest.raises(AudioError, match=r"to 4000 Hz: expected rates of at least 8000 Hz"):
        Resampler(44_100, 4_000)
    Resampler(44_100, 47_952)  # 48 kHz pulled down for film
