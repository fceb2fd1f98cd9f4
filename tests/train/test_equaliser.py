"""Random equalisers: within their bound, smooth, different, and their gain is what a tone gets."""

from __future__ import annotations

import numpy as np
import pytest

from sda.train.equaliser import equalised, response


def test_gains_stay_within_the_bound_and_come_near_it() -> None:
    gains = np.stack([20 * np.log10(response(513, 24.0, np.random.default_rng(seed))) for seed in range(200)])
    assert 12.0 < np.abs(gains).max() <= 24.0
    assert abs(gains.mean()) < 1.0
    assert np.ptp(gains, axis=0).min() > 12.0  # no frequency is left alone


def test_gains_are_smooth_over_the_octaves() -> None:
    gains = 20 * np.log10(response(1 << 14, 24.0, np.random.default_rng(0)))
    third = 2 ** (1 / 3)
    bins = np.round(200 * third ** np.arange(18)).astype(int)
    assert np.abs(np.diff(gains[bins])).max() < 24.0 * 4 * np.pi / 30  # the fastest cosine's steepest third of an octave


def test_a_tone_gets_its_frequencys_gain() -> None:
    size = 1 << 14
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(size) / size).astype(np.float32)
    expected = response(size // 2 + 1, 12.0, np.random.default_rng(7))[1000]
    filtered = equalised(tone, 12.0, np.random.default_rng(7))
    assert filtered.dtype == np.float32
    np.testing.assert_allclose(filtered, expected * tone, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 511])
def test_any_length_is_kept(length: int) -> None:
    assert equalised(np.ones(length, np.float32), 12.0, np.random.default_rng(0)).shape == (length,)
