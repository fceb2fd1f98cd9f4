"""The delay-locked loop against clocks that are known, and the wall clock that jumps."""

from __future__ import annotations

import numpy as np
import pytest

from sda.live.clock import Lock, WallClock

RATE = 48_000.0


def locked(times: np.ndarray, positions: np.ndarray) -> Lock:
    lock = Lock.at(float(times[0]), int(positions[0]), RATE)
    for when, position in zip(times[1:], positions[1:], strict=True):
        lock = lock.with_pair(float(when), int(position))
    return lock


def test_pairs_on_a_line_are_that_line() -> None:
    times = 1e5 + np.arange(200) * 0.05
    lock = locked(times, np.round((times - 1e5) * RATE).astype(int))
    for ahead in (0.0, 0.3, 0.8):
        assert lock.place(times[-1] + ahead) == round((times[-1] + ahead - 1e5) * RATE)
    assert lock.place(times[-1] + 0.8) - lock.place(times[-1] + 0.3) == 24_000


@pytest.mark.parametrize("true_rate", [48_000.0, 48_004.8, 47_995.2])
def test_jitter_is_filtered_and_another_rate_found(true_rate: float) -> None:
    random = np.random.default_rng(0)
    at = 50.0 + np.arange(1200) * 0.05  # a minute
    positions = np.round((at - 50) * true_rate / 256) * 256
    late = random.uniform(0, 1e-3, len(at))  # of the callbacks
    lock = locked(50 + positions / true_rate + late, positions)
    errors = [lock.place(at[-1] + ahead) - (at[-1] + ahead - 50) * true_rate for ahead in (0.1, 0.6)]
    assert abs(np.mean(errors) + 24) < 12  # the mean of the jitter, 0.5 ms, which nobody can know, and a quarter of that
    assert abs(errors[1] - errors[0]) < 3  # over half a second: the rate
    assert lock.rate == pytest.approx(true_rate, rel=1e-4)


def test_a_gap_is_no_jitter() -> None:
    times = 10 + np.arange(100) * 0.05
    positions = np.round((times - 10) * RATE).astype(int)
    positions[50:] -= 960  # the device lost 20 ms
    lock = locked(times, positions)
    assert abs(lock.place(times[-1] + 0.5) - (positions[-1] + 24_000)) <= 1
    assert lock.with_pair(times[-1] + 1, positions[-1]) == lock  # a player that stands still says nothing
    assert lock.with_pair(times[-1] + 60, positions[-1] + 5).place(times[-1] + 60) == positions[-1] + 5


def test_two_moments_keep_their_distance_unless_the_wall_clock_jumps() -> None:
    random = np.random.default_rng(1)
    now, offset = [1000.0], [1.7e9]

    def steady() -> float:
        now[0] += float(random.uniform(0, 2e-5))
        return now[0]

    clock = WallClock(lambda: steady() + offset[0], steady)
    first = clock.steady(1.7e9 + 1000.5)
    assert first == pytest.approx(1000.5, abs=1e-4)
    assert all(clock.steady(1.7e9 + 1001.0) - first == 0.5 for _ in range(100))
    offset[0] += 3600.0
    assert clock.steady(1.7e9 + 3600 + 1000.5) == pytest.approx(1000.5, abs=1e-4)
