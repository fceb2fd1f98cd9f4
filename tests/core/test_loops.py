"""Loops in place of a stream: what sounds where, in any blocks, and never with a jump of its own."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from sda.core.loops import CROSSFADE_S, SEAM_S, Looper, closed

Floats = NDArray[np.float32]

RATE = 48_000
FADE = round(CROSSFADE_S * RATE)


def sine(hertz: float, count: int, start: int = 0) -> Floats:
    wave: Floats = (0.5 * np.sin(2 * np.pi * hertz * (start + np.arange(count)) / RATE)).astype(np.float32)
    return wave


def jump(wave: Floats) -> float:
    """The largest step from one sample to the next."""
    return float(np.abs(np.diff(wave)).max())


def played(block: int) -> Floats:
    """A stream of 100 Hz; a loop of 210 Hz from 5,000 on, one of 330 Hz from 12,000, the stream again from 20,000."""
    looper, parts, stream = Looper(RATE), [], sine(100, 30_000)
    first, second = closed(sine(210, 4_800 + round(SEAM_S * RATE)), RATE), closed(sine(330, 7_200), RATE)
    acts = {5_000: lambda: looper.play(first), 12_000: lambda: looper.play(second), 20_000: looper.leave}
    edges = sorted({*range(0, 30_000, block), *acts, 30_000})
    for start, end in pairwise(edges):
        acts.get(start, lambda: None)()
        parts.append(looper.mix(stream[None, start:end]))
    return np.concatenate(parts, axis=1)[0]


@pytest.mark.parametrize("block", [1, 7, 1115])
def test_what_sounds_does_not_depend_on_the_blocks(block: int) -> None:
    assert np.array_equal(played(block), played(30_000))


def test_stream_and_loops_sound_where_they_should() -> None:
    wave = played(512)
    assert np.array_equal(wave[:5_000], sine(100, 5_000))
    assert np.array_equal(wave[20_000 + FADE :], sine(100, 10_000 - FADE, 20_000 + FADE))
    places = np.arange(5_000 + FADE, 12_000) % 4_800  # 4,800 samples are 21 whole periods of 210 Hz
    whole = places > round(SEAM_S * RATE)
    assert np.abs(wave[places[0] - places[0] + 5_000 + FADE : 12_000] - sine(210, 4_800)[places])[whole].max() <= 1e-6


def test_nothing_clicks() -> None:
    # A sine of 330 Hz steps by at most 0.5 * 2 pi * 330 / 48000. Of two that cross, shares cos and sin, the steps add to at
    # most sqrt(2) times that, and those of the shares, pi / 2 in a crossfade, to sqrt(2) times as much of the amplitude.
    own, shares = 0.5 * 2 * np.pi * 330 / RATE, 0.5 * np.pi / 2 / FADE
    assert jump(played(512)) <= np.sqrt(2) * (own + shares)
    bare = Looper(RATE)
    bare._out, bare._into = np.zeros(1, np.float32), np.ones(1, np.float32)  # as if there were no crossfade
    bare._faded = 1
    bare.play(sine(330, 4_810))
    assert jump(np.concatenate([bare.mix(sine(100, 100)[None]), bare.mix(sine(100, 9_000)[None])], axis=1)[0]) > 3 * own


def test_the_last_loop_that_came_is_the_one_that_plays() -> None:
    looper, silence = Looper(RATE), np.zeros((1, 3 * FADE), np.float32)
    looper.play(np.full(100, 0.1, np.float32))
    looper.mix(silence[:, : FADE // 2])
    looper.play(np.full(100, 0.2, np.float32))
    looper.play(np.full(100, 0.3, np.float32))
    assert looper.plays
    assert np.allclose(looper.mix(silence)[0, -FADE:], 0.3)
    looper.leave()
    assert not looper.plays
    assert not looper.mix(silence)[0, -FADE:].any()


def test_a_seam_keeps_the_power_of_noise() -> None:
    seam = round(SEAM_S * RATE)
    noise = np.random.default_rng(0).normal(0, 0.1, 40 * seam).astype(np.float32)
    loops = [closed(part, RATE) for part in noise.reshape(10, -1)]
    assert np.mean([loop[:seam].std() for loop in loops]) == pytest.approx(0.1, rel=0.05)
    assert all(np.array_equal(loop[seam:], part[seam:-seam]) for loop, part in zip(loops, noise.reshape(10, -1), strict=True))
