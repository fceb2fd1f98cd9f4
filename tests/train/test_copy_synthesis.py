"""Which parts of recordings a vocoder is judged on."""

from __future__ import annotations

import numpy as np

from sda.train.copy_synthesis import slack, stretches


def steps(*levels: float, length: int = 1000) -> np.ndarray:
    return np.repeat(np.array(levels, np.float32), length)


def test_stretches_are_the_loudest_that_do_not_overlap() -> None:
    found = stretches(steps(0.1, 0.5, 0.2, 0.4), 1000, 3, 500)
    assert [round(float(s.mean()), 3) for s in found] == [0.5, 0.4, 0.2]


def test_what_is_far_below_the_loudest_is_left_out() -> None:
    levels = steps(1.0, 10 ** (-29 / 20), 10 ** (-31 / 20), 0.0)
    assert len(stretches(levels, 1000, 4, 1000)) == 2  # 29 dB below counts, 31 does not
    assert len(stretches(np.zeros(3000, np.float32), 1000, 2, 1000)) == 2  # silence is as loud as silence


def test_many_held_out_recordings_say_more_than_one() -> None:
    assert slack(1) == slack(0) == 1.05
    assert slack(25) == 1.01  # a fifth of it: the deviation of a mean of 25


def test_a_recording_shorter_than_a_stretch_is_one() -> None:
    (whole,) = stretches(steps(0.3, length=700), 1000, 6, 250)
    assert len(whole) == 700
