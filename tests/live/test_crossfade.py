"""The crossfade between two models: equal power where there is room, never above the limiter's ceiling."""

from __future__ import annotations

import numpy as np

from sda.live.crossfade import crossfade

COUNT = 1440
CEILING = 10 ** (-1 / 20)  # -1 dBFS


def noise(seed: int, level: float) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal((2, COUNT))).astype(np.float32)


def test_two_strangers_keep_their_power_and_begin_and_end_as_themselves() -> None:
    old, new = noise(1, 0.1), noise(2, 0.1)
    mixed = crossfade(old, new)
    np.testing.assert_allclose(mixed[:, 0], old[:, 0], atol=1e-3)
    np.testing.assert_allclose(mixed[:, -1], new[:, -1], atol=1e-3)
    middle = mixed[:, COUNT // 3 : 2 * COUNT // 3]
    assert abs(middle.std() / 0.1 - 1) < 0.1


def test_two_that_are_at_the_ceiling_stay_below_it_without_a_step() -> None:
    # The same full-scale sine twice would reach sqrt(2) of the ceiling in the middle.
    wave = np.tile(np.float32(0.999 * CEILING) * np.sin(np.arange(COUNT, dtype=np.float32) / 8), (2, 1)).astype(np.float32)
    mixed = crossfade(wave, wave)
    np.testing.assert_allclose(mixed, wave, atol=1e-6)  # at equal gain a sound fades into itself
    assert np.abs(crossfade(np.sign(noise(1, 1)) * np.float32(0.8), np.sign(noise(2, 1)) * np.float32(0.8))).max() <= CEILING


def test_what_was_above_the_ceiling_before_is_left_alone() -> None:
    loud = np.full((2, COUNT), 2.0, np.float32)  # the limiter is off
    assert np.abs(crossfade(loud, loud)).max() > 2.7
