"""The stage: no click, no overshoot, exact silence, the same in every block size."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sda.core.stage import Floats, Stage, StageSettings

RATE = 48_000
CEILING = 10 ** (-1 / 20)
ON = StageSettings(play=True)
OPEN = StageSettings(play=True, limiter=False)


def noise(seed: int, samples: int, channels: int = 2, level: float = 0.1) -> Floats:
    return (np.random.default_rng(seed).uniform(-level, level, (channels, samples))).astype(np.float32)


def through(x: Floats, settings: StageSettings, start: StageSettings | None = None, rate: int = RATE) -> Floats:
    """`x` [C, T] through a fresh stage, aligned with its input."""
    stage = Stage(rate)
    padded = np.concatenate([x, np.zeros((len(x), stage.delay), np.float32)], axis=1)
    return stage.step(padded, settings, stage.start(start or settings))[0][:, stage.delay :]


def cut(x: Floats, events: list[tuple[int, StageSettings]], block: int, *, forgetful: bool = False) -> Floats:
    """`x` in blocks of `block` samples, cut at the events as well."""
    stage = Stage(RATE)
    state, parts = stage.start(), []
    edges = sorted({*range(0, x.shape[1], block), *(at for at, _ in events), x.shape[1]})
    for start, end in pairwise(edges):
        settings = next(s for at, s in reversed(events) if at <= start)
        y, after = stage.step(x[:, start:end], settings, state)
        state = replace(after, limiter=state.limiter) if forgetful else after
        parts.append(y)
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
def test_an_idle_stage_only_delays(rate: int) -> None:
    x, stage = noise(1, 3000), Stage(rate)
    y, _ = stage.step(x, ON, stage.start(ON))
    assert stage.delay == round(1.5e-3 * rate)
    assert np.array_equal(y[:, stage.delay :], x[:, : -stage.delay])
    assert not y[:, : stage.delay].any()


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_gain_is_in_decibels(channels: int) -> None:
    x = noise(2, 2000, channels)
    assert np.allclose(through(x, replace(OPEN, gain_db=6.0)), x * 10**0.3, rtol=1e-6, atol=0)
    assert np.allclose(through(x, replace(OPEN, gain_db=-59.9)), x * 10**-2.995, rtol=1e-6, atol=0)


def test_gain_of_minus_60_and_play_off_are_exact_silence() -> None:
    loud = noise(3, 6000, level=20)
    assert not through(loud, replace(ON, gain_db=-60.0)).any()
    assert not through(loud, StageSettings(play=False)).any()
    faded = through(loud, StageSettings(play=False), start=ON)
    assert faded[:, :100].any()
    assert not faded[:, round(0.005 * RATE) :].any()


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_play_ramps_as_a_raised_cosine_of_5_ms(rate: int) -> None:
    ramp = round(0.005 * rate)
    y = through(np.full((1, 2000), 0.5, np.float32), ON, start=StageSettings(), rate=rate)[0]
    t = np.minimum(np.arange(2000) + 1, ramp) / ramp
    assert np.abs(y - 0.25 * (1 - np.cos(np.pi * t))).max() < 1e-4
    # The steepest place of (1 - cos(pi t / n)) / 2 is pi / (2 n).
    assert np.abs(np.diff(y, prepend=0)).max() <= 0.5 * np.pi / (2 * ramp) * 1.001
    assert np.array_equal(y[ramp:], np.full(2000 - ramp, 0.5, np.float32))


def test_switching_faster_than_the_ramp_is_still_smooth() -> None:
    events = [(at, replace(ON, play=at % 200 == 0, gain_db=float(at % 7) * 2)) for at in range(0, 4000, 100)]
    y = cut(np.full((1, 4800), 0.1, np.float32), events, 1024)[0]
    # One switch moves by at most 0.1 * 10 ** (12 / 20), and the steps within a ramp of 240 samples add up: 3 of them.
    assert np.abs(np.diff(y)).max() < 3 * 0.1 * 10**0.6 * np.pi / (2 * 240)
    assert np.abs(np.diff(y)).max() > 1e-4


def test_a_moving_gain_leaves_no_zipper_noise() -> None:
    # 1 dB up every 512 samples on a sine of 1 kHz: an unsmoothed gain leaves clicks of broad spectrum.
    t = np.arange(RATE) / RATE
    x = (0.05 * np.sin(2 * np.pi * 1000 * t))[None].astype(np.float32)
    smooth = cut(x, [(n * 512, replace(OPEN, gain_db=-20.0 + n % 20)) for n in range(90)], 512)[0]
    steps = x[0] * 10 ** ((-20 + np.arange(RATE) // 512 % 20) / 20)

    def high(y: Floats) -> float:
        return float(np.abs(np.fft.rfft(y * np.hanning(len(y))))[5_000:].max())

    assert high(smooth) < high(steps.astype(np.float32)) / 30


@pytest.mark.parametrize("block", [1, 7, 100, 1024])
def test_cut_into_blocks_it_is_the_same(block: int) -> None:
    x = noise(4, 6000, level=2)
    x[:, 2000:2010] *= 5
    events = [
        (0, ON),
        (701, replace(ON, gain_db=9.0)),
        (777, replace(ON, gain_db=-3.0)),
        (2500, OPEN),
        (2600, ON),
        (4100, StageSettings()),
        (5000, ON),
    ]
    reference = cut(x, events, 6000)
    assert np.abs(reference).max() > 0.8
    assert np.abs(cut(x, events, block) - reference).max() < 1e-6
    assert np.abs(cut(x, events, block, forgetful=True) - reference).max() > 1e-2


@pytest.mark.parametrize("seed", range(8))
def test_the_limiter_never_exceeds_its_ceiling(seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.standard_normal((2, 40_000)) * 10 ** random.uniform(-2, 1.5, (1, 40)).repeat(1000, axis=1)
    x[:, random.integers(0, 40_000, 30)] *= 100  # lone clicks
    y = through(x.astype(np.float32), replace(ON, gain_db=12.0)).astype(np.float64)
    assert np.abs(y).max() <= CEILING
    assert np.abs(y).max() > 0.99 * CEILING
    assert np.abs(through(x.astype(np.float32), OPEN)).max() > 10


def test_nothing_that_comes_in_breaks_it() -> None:
    x = noise(5, 4000)
    x[0, 1000:1003] = [np.nan, np.inf, -np.inf]
    x[1, 2000] = 3e38
    y = through(x, replace(ON, gain_db=12.0))
    assert np.isfinite(y).all()
    assert np.abs(y.astype(np.float64)).max() <= CEILING
    assert y[0, 1000] == 0
    assert np.abs(y[:, 3900:]).max() > 0  # and it comes back


def test_the_limiter_is_ahead_of_a_step() -> None:
    # A tone below the ceiling, then four times the ceiling at once: the gain is down before it and no sample is clipped.
    x = np.full((1, 4000), 0.5, np.float32)
    x[:, 2000:] = 4 * CEILING
    y = through(x, ON)[0]
    assert np.allclose(y[2000:3900], CEILING, rtol=1e-6)
    before = y[:2001] / x[0, :2001]
    assert before[2000 - 73] == 1  # nothing happens earlier than the look-ahead
    assert np.all(np.diff(before[1927:]) <= 0)
    assert np.abs(np.diff(before)).max() < 0.75 * 2 / 72  # a Hann window's integral rises at most twice as fast as a line


def test_the_release_falls_to_1_over_e_in_60_ms() -> None:
    x = np.full((1, RATE), 1e-3, np.float32)
    x[:, 1000] = 2 * CEILING  # a lone peak needs half the gain
    gain = through(x, ON)[0] / 1e-3
    end_of_hold = 1000 + round(0.010 * RATE)
    later = end_of_hold + 100
    assert gain[1100] == pytest.approx(0.5, abs=1e-3)
    assert gain[end_of_hold - 100] == pytest.approx(0.5, abs=1e-3)
    assert (1 - gain[later + round(0.060 * RATE)]) / (1 - gain[later]) == pytest.approx(math.exp(-1), abs=1e-3)
    assert gain[-1] == pytest.approx(1.0, abs=1e-6)


def test_a_release_ends() -> None:
    stage, settings = Stage(RATE), ON
    _, state = stage.step(noise(8, 1000, level=4), settings, stage.start(ON))
    assert state.limiter.released.any()
    _, state = stage.step(noise(8, 2 * RATE), settings, state)  # exp(-2 / 0.06) is far below any number that matters
    assert not state.limiter.released.any()


def test_low_notes_keep_their_shape() -> None:
    t = np.arange(2 * RATE) / RATE
    y = through((2 * np.sin(2 * np.pi * 50 * t))[None].astype(np.float32), ON)[0, RATE // 2 : -RATE // 2]
    spectrum = np.abs(np.fft.rfft(y))  # 1 s: bins of 1 Hz
    harmonics = math.sqrt(float((np.delete(spectrum, 50) ** 2).sum())) / spectrum[50]
    assert harmonics < 1e-4


def test_the_channels_share_one_gain() -> None:
    x = noise(6, 8000)
    x[0] *= 60
    y = through(x, ON)
    ratio = y / x
    assert np.abs(ratio[0] - ratio[1]).max() < 1e-5
    assert ratio.min() < 0.5


def test_bypass_keeps_the_delay_and_crossfades() -> None:
    x = np.full((1, 6000), 2.0, np.float32)
    y = cut(x, [(0, ON), (3000, OPEN)], 1000)[0]
    delay, ramp = Stage(RATE).delay, 240
    assert y[3000 + delay - 1] == pytest.approx(CEILING, rel=1e-6)
    assert np.array_equal(y[3000 + delay + ramp :], np.full(6000 - 3000 - delay - ramp, 2.0, np.float32))
    fade = y[3000 + delay - 1 : 3000 + delay + ramp]
    assert np.all(np.diff(fade) >= 0)
    assert np.diff(fade).max() <= (2 - CEILING) * np.pi / (2 * ramp) * 1.001


def test_an_empty_block_changes_nothing() -> None:
    stage = Stage(RATE)
    state = stage.start(ON)
    y, after = stage.step(np.zeros((2, 0), np.float32), OPEN, state)
    assert y.shape == (2, 0)
    assert after is state
