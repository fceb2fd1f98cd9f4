"""States that are unlike each other: drawn safely, kept near to the recordings, chosen far apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from sda.core.explore import Heard, State, diverse, farthest, states
from sda.core.latent import Slider

SLIDERS = tuple(Slider(n, f"s{n}", -10, 10, -4.0 * n, 3.0 * n, "") for n in (1, 2, 3))


def test_states_are_safe_different_and_come_again() -> None:
    drawn = states(SLIDERS, 40, 500, 3)
    assert len(set(drawn)) == len(drawn) > 450  # an eighth moves no slider, and has only its home to differ by
    assert drawn == states(SLIDERS, 40, 500, 3)
    assert drawn != states(SLIDERS, 40, 500, 4)
    for state in drawn:
        assert 0 <= state.home <= 40
        assert all(-4 * number <= at <= 3 * number for number, at in state.positions)
    homes = np.bincount([state.home for state in drawn], minlength=41)
    assert 0.1 < homes[0] / len(drawn) < 0.3  # .2, and 40 chunks share the rest
    assert (homes[1:] > 0).all()
    assert np.mean([len(state.positions) for state in drawn]) == pytest.approx(1.5, abs=0.2)  # half of three sliders


def test_without_sliders_or_chunks_there_are_few_states() -> None:
    assert states((), 0, 50, 0) == [State(0, ())]
    assert len(states((), 5, 200, 0)) == 6


def test_the_farthest_points_are_the_corners() -> None:
    grid = np.array(list(itertools.product(np.linspace(0, 1, 11), repeat=2)))
    chosen = grid[farthest(grid * [100, 1], 5)]  # units do not count
    assert chosen[0].tolist() == [0.5, 0.5]  # the most usual one
    assert {tuple(point) for point in chosen[1:]} == set(itertools.product((0.0, 1.0), repeat=2))
    assert sorted(farthest(grid[:7], 20)) == list(range(7))  # no more than there are, each once
    assert farthest(grid[:0], 3) == []


def test_the_choice_is_at_least_half_as_spread_as_any() -> None:
    values = np.random.default_rng(0).normal(size=(12, 2))
    low, high = np.percentile(values, (5, 95), axis=0)

    def spread(rows: Sequence[int]) -> float:
        chosen = values[list(rows)] / (high - low)
        return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(chosen, 2))

    best = max(spread(rows) for rows in itertools.combinations(range(12), 4))
    assert spread(farthest(values, 4)) >= best / 2


def test_only_audible_states_of_the_nearer_half_are_chosen() -> None:
    def hear(drawn: Sequence[State]) -> Heard:
        count = len(drawn)
        loudness = np.where(np.arange(count) % 10 == 0, -90.0, -20.0)
        return Heard(np.stack([loudness, np.arange(count) % 7], 1).astype(np.float32), np.arange(count, dtype=np.float32))

    drawn = states(SLIDERS, 40, 200, 5)
    found = diverse(SLIDERS, 40, hear, 8, 5)
    places = [drawn.index(state) for state in found]
    assert len(set(places)) == 8
    assert all(place < 0.55 * len(drawn) and place % 10 for place in places)
    assert {place % 7 for place in places[:7]} == set(range(7))  # every kind before any comes twice
