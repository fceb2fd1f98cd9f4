"""The head: times and levels of the published formulas, measured on what comes out."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sda.core.delay_line import HALF, delayed
from sda.core.head import Floats, Head, Place

RATE = 48_000
A_OVER_C = 0.0875 / 343  # s: 8.75 cm at 343 m/s


def response(place: Place, rate: int = RATE, samples: int = 4096) -> Floats:
    """What an impulse becomes at both ears, [2, T]."""
    head = Head(rate)
    x = np.zeros(samples, np.float32)
    x[0] = 1
    return head.step(x, place, head.start(place))[0]


def published(angle: float, hz: np.ndarray) -> np.ndarray:
    """The paper's shadow at an ear, `angle` degrees from the source."""
    alpha = 1.05 + 0.95 * np.cos(angle / 150 * np.pi)
    s = 1j * 2 * np.pi * hz * A_OVER_C / 2
    return (1 + alpha * s) / (1 + s)


def bent(hz: np.ndarray, rate: int) -> np.ndarray:
    """What a frequency of the bilinear transform is without it: 8 kHz of 48 kHz is 8.8 kHz."""
    return rate / np.pi * np.tan(np.pi * hz / rate)


def phase_delay(ears: Floats, hz: np.ndarray, rate: int) -> np.ndarray:
    """Right minus left, in s, at low frequencies where no phase wraps."""
    t = np.arange(ears.shape[1]) / rate
    left, right = (np.exp(-2j * np.pi * hz[:, None] * t) @ side for side in ears)
    return -np.angle(right / left) / (2 * np.pi * hz)


def magnitude(ears: Floats, hz: float, rate: int = RATE) -> np.ndarray:
    return np.abs(ears @ np.exp(-2j * np.pi * hz * np.arange(ears.shape[1]) / rate))


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("azimuth", [0, 30, 45, 90, -45, -90, 135])
def test_the_ears_differ_in_time_as_woodworth_says(rate: int, azimuth: int) -> None:
    # a / c (theta + sin theta) for a source theta to one side, the back being the front's mirror. What the shadow adds to the
    # phase is taken off by the published filter, at the frequencies to which the bilinear transform bends it; then the
    # phase between the ears is a straight line through 0 whose slope is the time.
    theta = np.radians(min(abs(azimuth), 180 - abs(azimuth)))
    expected = np.sign(azimuth) * A_OVER_C * (theta + np.sin(theta))  # the left ear is later by so much
    hz = np.arange(50.0, 10_000.0, 50.0)
    left, right = response(Place(azimuth=azimuth), rate) @ np.exp(-2j * np.pi / rate * np.outer(np.arange(4096), hz))
    angle = np.degrees(np.arccos(np.sin(np.radians(azimuth))))  # to the right ear
    shadows = published(angle, bent(hz, rate)) / published(180 - angle, bent(hz, rate))
    phase = np.unwrap(np.angle(right / left / shadows))
    slopes = phase / (2 * np.pi * hz)
    assert slopes == pytest.approx(np.full(len(hz), expected), abs=2e-6)


def test_low_notes_differ_more_in_time_as_the_shadow_adds_to_it() -> None:
    # The phase of (1 + j alpha w / 2 w0) / (1 + j w / 2 w0) at low w is (alpha - 1) w / 2 w0: a delay of (1 - alpha) a / 2 c.
    # At 90 degrees alpha is 2 (towards the ear) and 1.05 + 0.95 cos(216 degrees) = 0.2814 (away from it).
    expected = A_OVER_C * (np.pi / 2 + 1) + (2 - 0.2814) * A_OVER_C / 2
    measured = -phase_delay(response(Place(azimuth=90)), np.array([60.0]), RATE)[0]
    assert measured == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize("azimuth", [0, 20, 60, 90, 120, -70, 180])
@pytest.mark.parametrize("hz", [100, 500, 1000, 2000, 4000, 8000])
def test_levels_at_the_ears_differ_as_the_paper_s_filter_says(azimuth: int, hz: int) -> None:
    angle = np.degrees(np.arccos(np.sin(np.radians(azimuth))))  # to the right ear
    frequency = bent(np.array(hz), RATE)
    expected = 20 * np.log10(abs(published(angle, frequency) / published(180 - angle, frequency)))
    left_level, right_level = magnitude(response(Place(azimuth=azimuth)), hz)
    assert 20 * np.log10(right_level / left_level) == pytest.approx(float(expected), abs=0.02)


def test_the_level_difference_grows_with_frequency_and_turns_with_the_side() -> None:
    right = [np.divide(*magnitude(response(Place(azimuth=70)), hz)[::-1]) for hz in (100, 300, 1000, 3000, 9000)]
    assert all(low < high for low, high in pairwise(right))
    assert right[0] < 1.1
    assert right[-1] > 4
    mirrored = response(Place(azimuth=-70))[::-1]
    assert np.array_equal(response(Place(azimuth=70)), mirrored)


def test_ahead_both_ears_hear_the_same() -> None:
    for elevation in (-40, 0, 30, 90):
        left, right = response(Place(elevation=elevation))
        assert np.abs(left - right).max() < 1e-6


def test_elevation_moves_the_deepest_notch_up_and_the_back_sounds_otherwise() -> None:
    # The strongest echo, -1, comes 4 + 5 sin((90 - up) / 2) samples of 44.1 kHz late and cuts a notch where that is two whole
    # waves: at 10.3 kHz for -40 degrees, 11.7 kHz for 0. The other echoes move it by up to 1 kHz.
    hz = np.arange(7_000, 14_000, 100)

    def spectrum(place: Place) -> np.ndarray:
        return 20 * np.log10(np.array([magnitude(response(place), frequency)[0] for frequency in hz]))

    low, level, behind = spectrum(Place(elevation=-40)), spectrum(Place()), spectrum(Place(azimuth=180))
    assert hz[low.argmin()] == pytest.approx(10_300, abs=1000)
    assert hz[level.argmin()] == pytest.approx(11_700, abs=1000)
    assert hz[low.argmin()] < hz[level.argmin()] - 1000
    assert np.abs(behind - level).max() > 3


def test_the_pinna_s_echoes_are_those_of_the_table() -> None:
    # Straight above (up = 90) sin(0) = 0, so that only B is left: 2, 4, 7, 11 and 13 samples at 44.1 kHz.
    head = Head(44_100)
    x = np.zeros(200, np.float32)
    x[0] = 1
    state = head.start(Place(elevation=90))
    assert state.pinna.value[:14] == pytest.approx([1, 0, 0.5, 0, -1, 0, 0, 0.5, 0, 0, 0, -0.25, 0, 0.25], abs=1e-9)
    # Level and ahead: 1 * sin(90) + 2 = 3 and 5 sin(45) + 4 = 7.5355, shared out between two samples.
    taps = head.start(Place()).pinna.value
    assert taps[3] == pytest.approx(0.5)
    assert taps[7:9] == pytest.approx([-0.4645, -0.5355], abs=1e-4)


@pytest.mark.parametrize("distance", [0.2, 0.5, 2.0, 10.0])
def test_twice_as_far_is_half_as_loud(distance: float) -> None:
    place = Place(azimuth=30, elevation=10)
    assert response(replace(place, distance=distance)) == pytest.approx(response(place) / distance, rel=1e-5, abs=1e-7)


def test_a_moving_source_neither_clicks_nor_tears() -> None:
    # Half round the head and back, in blocks, on a sine: the largest step and the treble stay near those of a source at rest.
    t = np.arange(2 * RATE) / RATE
    x = (0.5 * np.sin(2 * np.pi * 500 * t)).astype(np.float32)
    head = Head(RATE)

    def play(azimuth: list[float]) -> Floats:
        state, parts = head.start(Place(azimuth=azimuth[0])), []
        for number in range(len(x) // 512):
            y, state = head.step(x[512 * number : 512 * number + 512], Place(azimuth=azimuth[number % len(azimuth)]), state)
            parts.append(y)
        return np.concatenate(parts, axis=1)[:, 1000:]

    sweep, jumps = (
        play([float(a) for a in range(-90, 91, 4)] + [float(a) for a in range(90, -91, -4)]),
        play([-90.0] * 20 + [90.0] * 20),
    )
    rest = play([90.0])
    assert np.abs(np.diff(sweep)).max() < 1.05 * np.abs(np.diff(rest)).max()
    assert np.abs(np.diff(jumps)).max() < 1.2 * np.abs(np.diff(rest)).max()

    def treble(y: Floats) -> float:
        window = np.kaiser(y.shape[1], 14)
        return float(np.abs(np.fft.rfft(y * window, axis=1))[:, y.shape[1] * 4000 // RATE :].max() / window.sum())

    hard = np.concatenate([response_to(x, -90.0)[:, :RATE], response_to(x, 90.0)[:, RATE:]], axis=1)
    assert treble(hard) > 5e-6  # the same jump made at once
    assert treble(sweep) < treble(hard) / 10
    assert treble(jumps) < treble(hard) / 3


def response_to(x: Floats, azimuth: float) -> Floats:
    head = Head(RATE)
    return head.step(x, Place(azimuth=azimuth), head.start(Place(azimuth=azimuth)))[0]


@pytest.mark.parametrize("delay", [8.0, 8.3, 20.5, 31.999])
@pytest.mark.parametrize("moving", [False, True])
def test_a_delay_of_a_fraction_is_one(delay: float, moving: bool) -> None:
    # Sines up to 0.8 of the Nyquist frequency come out as the same sines, that much later.
    reach, length = 60, 4000
    t = np.arange(-reach, length)
    delays = delay + (1e-9 * np.arange(length) if moving else np.zeros(length))
    assert delay >= HALF
    for share in (0.01, 0.3, 0.6, 0.8):
        x = np.sin(np.pi * share * t).astype(np.float32)
        expected = np.sin(np.pi * share * (np.arange(length) - delay))
        assert np.abs(delayed(x, delays, reach) - expected).max() < 6e-3


def test_a_live_block_is_cheap() -> None:
    head, x = Head(RATE), np.random.default_rng(0).uniform(-0.3, 0.3, 1115).astype(np.float32)
    state, times = head.start(Place()), []
    for number in range(100):
        before = time.perf_counter()
        _, state = head.step(x, Place(azimuth=float(number % 180)), state)
        times.append(time.perf_counter() - before)
    assert min(times) < 2e-3  # of the 23 ms it lasts
