"""Space: stereo that sums to mono, an all-pass that is one, switching without clicks, the same in every block size."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from contract import assert_streams
from scipy.signal import butter, sosfiltfilt
from scipy.signal.windows import kaiser

from sda.core.head import Place
from sda.core.space import DELAYS, Diffuser, Floats, Space, SpaceSettings
from sda.core.stage import Stage, StageSettings

RATE = 48_000
CEILING = 10 ** (-1 / 20)
MONO, STEREO = SpaceSettings(spatial="mono"), SpaceSettings(width=1.0)
RIGHT = SpaceSettings(spatial="binaural", place=Place(azimuth=60, elevation=20, distance=1.5))
LEFT = replace(RIGHT, place=Place(azimuth=-110, elevation=-30, distance=0.7))


def noise(seed: int, samples: int, level: float = 0.3) -> Floats:
    return np.random.default_rng(seed).uniform(-level, level, (1, samples)).astype(np.float32)


def cut(x: Floats, events: list[tuple[int, SpaceSettings]], block: int, *, forgetful: bool = False) -> Floats:
    """`x` in blocks of `block` samples, cut at the events as well."""
    space = Space(RATE)
    state, parts = space.start(events[0][1]), []
    for start, end in pairwise(sorted({*range(0, x.shape[1], block), *(at for at, _ in events), x.shape[1]})):
        settings = next(s for at, s in reversed(events) if at <= start)
        y, after = space.step(x[:, start:end], settings, state)
        state = replace(after, diffuser=state.diffuser) if forgetful else after
        parts.append(y)
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("width", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
def test_left_plus_right_stays_twice_the_sound(rate: int, width: float) -> None:
    space, x, settings = Space(rate), noise(0, 9000), SpaceSettings(width=width)
    y, _ = space.step(x, settings, space.start(settings))
    expected = np.concatenate([np.zeros(space.delay, np.float32), x[0, : -space.delay]])
    assert np.abs(y.sum(axis=0) / 2 - expected).max() < 1e-6
    assert (np.abs(y[0] - y[1]).max() > 0.1) == (width > 0)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
def test_the_diffuser_passes_every_frequency_alike_and_is_the_published_filter(rate: int) -> None:
    impulse = np.zeros(rate)
    impulse[0] = 1
    diffuser = Diffuser(rate)
    response = diffuser.step(impulse.astype(np.float32), diffuser.start())[0]
    z = np.exp(-2j * np.pi * np.arange(rate // 2 + 1) / rate)  # 1 / z at the bins
    stages = [(z ** round(seconds * rate) - 0.5) / (1 - 0.5 * z ** round(seconds * rate)) for seconds in DELAYS]
    spectrum = np.fft.rfft(response)
    assert np.abs(np.abs(spectrum) - 1).max() < 1e-9
    assert np.abs(spectrum - np.prod(stages, axis=0)).max() < 1e-9


@pytest.mark.parametrize("width", [0.5, 1.0])
def test_no_octave_leans_to_a_side(width: float) -> None:
    y = cut(noise(1, 20 * RATE), [(0, SpaceSettings(width=width))], 1 << 16)
    for centre in 63 * 2.0 ** np.arange(9):
        sos = butter(3, [centre / 2**0.5, min(centre * 2**0.5, 0.49 * RATE)], "band", fs=RATE, output="sos")
        left, right = (float(np.mean(sosfiltfilt(sos, side.astype(float)) ** 2)) for side in y)
        assert abs(10 * np.log10(left / right)) < 1.0, centre  # noise of 20 s at 63 Hz: +-0.3 dB by chance


def test_width_decorrelates() -> None:
    y = cut(noise(2, 5 * RATE), [(0, STEREO)], 1 << 16)[:, 1000:]
    # M + D and M - D have a correlation of (|M|^2 - |D|^2) / (|M|^2 + |D|^2) = 0 where M and D have nothing in common.
    assert abs(np.corrcoef(y)[0, 1]) < 0.02
    assert np.corrcoef(cut(noise(2, RATE), [(0, MONO)], RATE))[0, 1] == pytest.approx(1)


@pytest.mark.parametrize("settings", [MONO, STEREO, RIGHT])
def test_streamed_equals_whole(settings: SpaceSettings) -> None:
    space, x = Space(RATE), noise(3, 3000)
    whole, _ = space.step(x, settings, space.start(settings))
    assert_streams(lambda: space.start(settings), lambda b, s: space.step(b, settings, s), whole, x, tolerance=1e-6)


@pytest.mark.parametrize("block", [1, 7, 64, 1115])
def test_events_are_the_same_in_every_block_size(block: int) -> None:
    x = noise(4, 24_000 if block > 1 else 6_000)
    events = [(0, STEREO), (701, RIGHT), (1500, LEFT), (2222, MONO), (3001, RIGHT), (4000, STEREO), (18_000, LEFT)]
    events = [(at, settings) for at, settings in events if at < x.shape[1]]
    reference = cut(x, events, x.shape[1])
    assert np.abs(reference).max() > 0.2
    assert np.abs(cut(x, events, block) - reference).max() < 1e-5
    assert np.abs(cut(x, events, block, forgetful=True) - reference).max() > 1e-2


def test_waking_up_binaural_knows_what_was_played_before() -> None:
    # Asleep after 0.25 s, it must go on as one that never slept.
    x = noise(5, RATE)
    slept = cut(x, [(0, RIGHT), (100, STEREO), (30_000, RIGHT)], 480)
    awake = cut(x, [(0, RIGHT)], 480)
    assert np.abs(slept[:, -9600:] - awake[:, -9600:]).max() < 1e-6


@pytest.mark.parametrize(("before", "then"), [(MONO, STEREO), (STEREO, RIGHT), (RIGHT, MONO), (RIGHT, LEFT), (LEFT, STEREO)])
def test_no_switch_clicks(before: SpaceSettings, then: SpaceSettings) -> None:
    # A sine's steps are at most 2 pi f / rate of its amplitude; a switch that clicked would add a step of its own, and
    # spread over all frequencies. Measured against the same switch made at once.
    t = np.arange(RATE) / RATE
    x = (0.5 * np.sin(2 * np.pi * 300 * t))[None].astype(np.float32)
    y = cut(x, [(0, before), (24_000, then)], 480)
    hard = np.concatenate([cut(x, [(0, before)], RATE)[:, :24_000], cut(x, [(0, then)], RATE)[:, 24_000:]], axis=1)

    def treble(z: Floats) -> float:
        return float(np.abs(np.fft.rfft(z * kaiser(RATE, 14), axis=1))[:, 2000:].max())

    assert np.abs(np.diff(y)).max() < 1.1 * max(
        np.abs(np.diff(y[:, part])).max() for part in (slice(20_000), slice(40_000, None))
    )
    assert treble(y) < treble(hard) / 30


def test_nothing_clips_after_it_and_the_image_stays() -> None:
    stage = Stage(RATE, space=True)
    for settings in (STEREO, RIGHT, replace(RIGHT, place=Place(azimuth=90, distance=0.2))):
        wish = StageSettings(play=True, gain_db=12.0, space=settings)
        y, _ = stage.step(noise(6, 20_000, 1.0), wish, stage.start(wish))
        free = replace(wish, limiter=False)
        loud, _ = stage.step(noise(6, 20_000, 1.0), free, stage.start(free))
        assert np.abs(loud).max() > 3
        assert np.abs(y.astype(np.float64)).max() <= CEILING
        heard = np.abs(loud).min(axis=0) > 0.1
        gains = (y / np.where(loud == 0, 1, loud))[:, heard]
        assert np.abs(gains[0] - gains[1]).max() < 1e-5


@pytest.mark.parametrize("settings", [MONO, STEREO, RIGHT])
def test_what_is_no_number_does_not_stay(settings: SpaceSettings) -> None:
    stage, x = Stage(RATE, space=True), noise(7, 96_000)
    x[0, 1000:1003] = [np.nan, np.inf, -np.inf]
    wish = StageSettings(play=True, space=settings)
    y, _ = stage.step(x, wish, stage.start(wish))
    assert np.isfinite(y).all()
    assert 0.05 < np.abs(y[:, -9600:]).max() <= CEILING


@pytest.mark.parametrize("settings", [STEREO, RIGHT])
def test_no_echo_outlasts_play(settings: SpaceSettings) -> None:
    stage, wish = Stage(RATE, space=True), StageSettings(play=True, space=settings)
    _, state = stage.step(noise(8, 20_000), wish, stage.start(wish))
    y, _ = stage.step(noise(9, 20_000), replace(wish, play=False), state)
    assert y[:, :100].any()
    assert not y[:, round(0.005 * RATE) + stage.delay :].any()


def test_echoes_end() -> None:
    space = Space(RATE)
    _, state = space.step(noise(8, 20_000), STEREO, space.start(STEREO))
    assert all(past.any() for past in state.diffuser)
    y, state = space.step(np.zeros((1, 2 * RATE), np.float32), STEREO, state)  # 0.5 ** (2 s / 5.1 ms) is 1e-118
    assert y[:, :1000].any()
    assert not y[:, -1000:].any()
    _, state = space.step(np.zeros((1, 1), np.float32), STEREO, state)
    assert not any(past.any() for past in state.diffuser)


def test_delay_is_that_of_the_sound() -> None:
    x = np.zeros((1, 500), np.float32)
    x[0, 100] = 0.5
    stage = Stage(RATE, space=True)
    for settings in (MONO, STEREO, SpaceSettings(spatial="binaural")):
        wish = StageSettings(play=True, space=settings)
        y, _ = stage.step(x, wish, stage.start(wish))
        middle = y.sum(axis=0)
        assert int(np.abs(middle).argmax()) == 100 + stage.delay
