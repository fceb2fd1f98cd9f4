"""How unlike sounds are: decibels that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sda.core.likeness import distances, levels


def noise(seed: int, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.01, 1, (count, 128, 88)).astype(np.float32)


def test_twice_the_magnitude_is_six_decibels_away() -> None:
    sound = noise(0)
    apart = distances(levels(sound), levels(2 * sound))
    assert np.diag(apart) == pytest.approx(20 * np.log10(2), abs=1e-3)
    assert np.diag(distances(levels(sound), levels(sound))) == pytest.approx(0, abs=1e-3)


def test_half_of_the_bands_ten_times_louder_is_twenty_decibels_in_half_of_them() -> None:
    sound = noise(1, 1)
    louder = sound.copy()
    louder[:, :64] *= 10
    # the root mean square of 20 dB in half of the places and 0 in the others
    assert distances(levels(sound), levels(louder))[0, 0] == pytest.approx(20 / np.sqrt(2), abs=1e-3)


def test_levels_are_mean_powers_and_end_at_a_floor() -> None:
    sound = np.zeros((1, 128, 88), np.float32)
    sound[0, 4:8, 8:16] = [[0.1], [0.3], [0.0], [0.0]]
    found = levels(sound).reshape(32, 11)
    assert found[1, 1] == pytest.approx(10 * np.log10((0.01 + 0.09) / 4), abs=1e-4)
    assert np.delete(found.ravel(), 12) == pytest.approx(-100.0)


@pytest.mark.parametrize("shape", [(128, 94), (128, 40), (4, 8), (7, 3)])
def test_other_grids_are_cut_into_even_stretches(shape: tuple[int, int]) -> None:
    found = levels(np.full((2, *shape), 0.1, np.float32))
    assert found.shape == (2, min(32, shape[0]) * min(11, shape[1]))
    assert found == pytest.approx(-20.0, abs=1e-4)
