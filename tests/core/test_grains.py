"""Grains against arithmetic: window sums, onset rates, the walk's correlation, what is decoded when."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sda.core.grains import CELL, Grains, GrainSettings, GrainState

FRAME_RATE = 44_100 / 512  # Hz
FRAMES = 88


def flat(z: np.ndarray) -> np.ndarray:
    """A decoder whose every bin is 1 + the first latent."""
    return np.repeat((1 + z[:, :1, None]).astype(np.float32), 3, axis=1) * np.ones((1, 1, FRAMES), np.float32)


def run(grains: Grains, settings: GrainSettings, cells: int, point: np.ndarray | None = None) -> tuple[np.ndarray, GrainState]:
    state, out = grains.start(), []
    for _ in range(cells):
        frames, state = grains.cell(np.zeros(2, np.float32) if point is None else point, settings, state)
        out.append(frames)
    return np.concatenate(out, axis=1), state


@pytest.mark.parametrize("density", [2.0, 3.7, 8.0, 16.0])
def test_dense_grains_of_a_flat_sound_are_flat(density: float) -> None:
    # Weights are divided by their sum where it exceeds 1; at 2 grains a second Hann windows of 1.02 s add to 1
    # within the rounding of onsets to frames, above that to more.
    out, _ = run(Grains(flat, FRAMES, FRAME_RATE, np.eye(2)), GrainSettings(variation=0, density=density), 300)
    steady = out[:, FRAMES:]
    assert steady.max() <= 1 + 1e-6
    assert steady.min() >= 0.98


def test_sparse_grains_leave_silence() -> None:
    out, _ = run(Grains(flat, FRAMES, FRAME_RATE, np.eye(2)), GrainSettings(variation=0, density=0.5), 431)
    # An onset every 172.27 frames, each sounding for 88: 1 - 88 / 172.27 = 0.489 of all frames are silent.
    assert (out[0, :861] == 0).mean() == pytest.approx(0.489, abs=0.01)


def test_no_density_starts_no_grain() -> None:
    out, state = run(Grains(flat, FRAMES, FRAME_RATE, np.eye(2)), GrainSettings(density=0), 100)
    assert state.number == 0
    assert not out.any()


@pytest.mark.parametrize("density", [0.7, 2.0, 16.0])
def test_onsets_come_at_the_density(density: float) -> None:
    cells = round(60 * FRAME_RATE / CELL)
    _, state = run(Grains(flat, FRAMES, FRAME_RATE, np.eye(2)), GrainSettings(density=density), cells)
    assert abs(state.number - 60 * density) <= 2


def strays(drift: float, variation: float = 0.5, seed: int = 0) -> np.ndarray:
    """The distances of many successive grains from a point that stands still."""
    found: dict[int, np.ndarray] = {}
    grains = Grains(flat, FRAMES, FRAME_RATE, np.eye(2))
    state = grains.start()
    for _ in range(40_000):
        _, state = grains.cell(np.zeros(2, np.float32), GrainSettings(variation=variation, drift=drift, seed=seed), state)
        found.update({g.start: g.stray for g in state.grains})
    return np.array([found[start] for start in sorted(found)])


def test_the_walk_forgets_at_the_drift() -> None:
    walk = strays(0.25)
    # At 2 grains a second an AR(1) walk of 0.25 Hz keeps exp(-2 pi 0.25 / 2) = 0.456 from one grain to the next,
    # and its standard deviation is the variation, 0.5.
    assert np.corrcoef(walk[:-1, 0], walk[1:, 0])[0, 1] == pytest.approx(math.exp(-math.pi / 4), abs=0.05)
    assert walk.std() == pytest.approx(0.5, rel=0.05)


def test_no_drift_keeps_the_stray_and_no_variation_has_none() -> None:
    assert np.ptp(strays(0.0)[:, 0]) == pytest.approx(0, abs=1e-6)
    assert not strays(5.0, variation=0.0).any()


def test_the_seed_decides() -> None:
    settings = GrainSettings(variation=1.0, seed=7)
    grains = Grains(flat, FRAMES, FRAME_RATE, np.eye(2))
    one, _ = run(grains, settings, 200)
    again, _ = run(grains, settings, 200)
    other, _ = run(grains, GrainSettings(variation=1.0, seed=8), 200)
    assert np.array_equal(one, again)
    assert np.abs(one - other).max() > 0.1


def test_a_kept_state_can_be_taken_up_again() -> None:
    grains = Grains(flat, FRAMES, FRAME_RATE, np.eye(2))
    settings, point = GrainSettings(variation=1.0), np.zeros(2, np.float32)
    _, kept = run(grains, settings, 50)
    first = [grains.cell(point, settings, kept)[0] for _ in range(2)]
    assert np.array_equal(first[0], first[1])


def test_sounding_grains_are_decoded_again_only_when_the_point_moves() -> None:
    asked: list[int] = []

    def counting(z: np.ndarray) -> np.ndarray:
        asked.append(len(z))
        return flat(z)

    grains = Grains(counting, FRAMES, FRAME_RATE, np.eye(2))
    settings = GrainSettings(variation=0, density=2)
    _, state = run(grains, settings, 100)
    at_rest = sum(asked)
    assert at_rest == state.number  # one decode a grain
    out, state = grains.cell(np.ones(2, np.float32), settings, state)
    assert sum(asked) > at_rest
    assert out.max() == pytest.approx(2, abs=0.05)  # and the sounding grains have changed at once
