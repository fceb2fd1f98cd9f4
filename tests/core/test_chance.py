"""Positions drawn by chance: safe, spread evenly, each by itself, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sda.core.chance import randomized
from sda.core.latent import Slider


def slider(number: int, safe_low: float, safe_high: float) -> Slider:
    return Slider(number, f"s{number}", -10.0, 10.0, safe_low, safe_high, "")


PAIR = (slider(1, -4.0, 8.0), slider(2, 0.0, 10.0))


@given(st.integers(0, 2**31 - 1), st.floats(-10, 0), st.floats(0, 10))
def test_no_position_leaves_the_safe_range(seed: int, low: float, high: float) -> None:
    assert low <= randomized([slider(1, low, high)], seed)[1] <= high


def test_many_seeds_cover_the_safe_range_evenly() -> None:
    drawn = np.array([list(randomized(PAIR, seed).values()) for seed in range(2000)])
    for column, (low, high) in zip(drawn.T, ((-4, 8), (0, 10)), strict=True):
        assert stats.kstest((column - low) / (high - low), "uniform").pvalue > 0.01
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.08  # 3.6 standard errors of 2000 independent pairs


def test_the_same_seed_gives_the_same_positions_and_another_gives_others() -> None:
    assert randomized(PAIR, 7) == randomized(PAIR, 7)
    assert len({tuple(randomized(PAIR, seed).values()) for seed in range(50)}) == 50


def test_a_slider_is_drawn_by_itself() -> None:
    assert randomized([PAIR[1]], 3)[2] == randomized(PAIR, 3)[2]
    assert randomized([slider(1, 0, 10), slider(2, 0, 10)], 3)[1] != randomized(PAIR, 3)[2]


@pytest.mark.parametrize("place", [0.0, -1.2345])
def test_a_slider_with_one_safe_position_stands_there(place: float) -> None:
    assert randomized([slider(4, place, place)], 11) == {4: place}


def test_a_model_without_sliders_has_nothing_to_draw() -> None:
    assert randomized([], 1) == {}
