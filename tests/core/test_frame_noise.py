"""The random numbers beside the mel: what they are for, and that a frame has its own wherever a stream begins."""

from __future__ import annotations

import numpy as np
import torch

from sda.core.frame_noise import PERIOD, noise_of, table
from sda.core.hifigan import Generator, start_weights
from sda.spec import GeneratorSpec
from sda.train.copy_synthesis import synthesise


def test_a_frame_has_its_own_numbers_wherever_they_are_asked_for() -> None:
    whole = noise_of(4, -20, 60)
    np.testing.assert_array_equal(noise_of(4, -3, 10), whole[:, 17:27])
    np.testing.assert_array_equal(noise_of(4, PERIOD - 2, 4), noise_of(4, -2, 4))
    assert noise_of(0, 5, 7).shape == (0, 7)


def test_they_are_standard_normal_and_frames_are_unrelated() -> None:
    numbers = table(16)
    assert abs(numbers.mean()) < 0.02  # 65,584 numbers: a standard error of .004
    assert abs(numbers.std() - 1) < 0.02
    assert np.abs(np.corrcoef(numbers)[np.triu_indices(16, 1)]).max() < 0.08  # 4099 pairs: .016
    assert all(abs(float((row[1:] * row[:-1]).mean())) < 0.08 for row in numbers)


def test_frames_that_do_not_change_sound_the_same_unless_there_is_noise() -> None:
    steady = np.full((128, 60), -4.0, np.float32)
    for noise, repeats in ((0, True), (16, False)):
        net = Generator(GeneratorSpec(channels=32, noise=noise))
        start_weights(net, torch.Generator().manual_seed(1))
        frames = synthesise(net, steady).reshape(60, 512)[30:50]  # 25 frames from the edge
        assert (np.abs(frames - frames[0]).max() < 1e-6) == repeats
