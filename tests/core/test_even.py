"""Transposed convolutions that keep what is steady steady: the sums of each output's taps, and a whole generator's answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sda.core.even import even
from sda.core.excitation import CHANNELS
from sda.core.hifigan import Generator, Upsampler, start_weights
from sda.spec import GeneratorSpec

RATE = 8


def random_weight() -> torch.Tensor:
    return torch.randn(6, 3, 2 * RATE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_sums_are_equal_and_stay_what_they_are_in_the_mean() -> None:
    weight = random_weight()
    before, after = (w[..., :RATE] + w[..., RATE:] for w in (weight, even(weight)))
    torch.testing.assert_close(after, before.mean(-1, keepdim=True).expand_as(after))


def test_it_is_the_nearest_such_weight() -> None:
    """What is taken away is at right angles to all that could be kept: the projection on the even ones."""
    weight = random_weight()
    torch.testing.assert_close(even(even(weight)), even(weight))
    other = even(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    assert float(((weight - even(weight)) * other).sum()) == pytest.approx(0, abs=1e-9)


def test_arrays_and_tensors_come_out_alike() -> None:
    weight = random_weight()
    np.testing.assert_allclose(even(weight.numpy()), even(weight).numpy(), rtol=1e-12)


@pytest.mark.parametrize("steady", [True, False])
def test_what_is_steady_comes_out_steady(steady: bool) -> None:
    up = Upsampler(6, 3, RATE, steady=steady)
    up.weight.data = random_weight().float()
    made = up(torch.ones(1, 6, 1, 5)).detach()[..., RATE:-RATE]
    assert (float(made.std(-1).max()) < 1e-6) is steady


def test_steady_frames_open_an_excited_generator_steadily() -> None:
    """Whatever it learned: of steady frames and a steady excitation it makes a steady output, with nothing at 86 Hz."""
    spec, random = GeneratorSpec(n_mels=4, channels=32, excited=3, mixer_only=True), torch.Generator().manual_seed(0)
    net = Generator(spec)
    start_weights(net, random)
    net.mixer.gate.weight.data = torch.randn(net.mixer.gate.weight.shape, generator=random)
    frames = 60
    log_mel = torch.randn(1, 4, 1, generator=random).expand(1, 4, frames)
    with torch.no_grad():
        made = net(log_mel, excitation=torch.ones(1, CHANNELS, 512 * frames))[0, 0, 512 * 30 : 512 * 40]
        changing = net(log_mel + torch.randn(1, 4, frames, generator=random), excitation=torch.ones(1, CHANNELS, 512 * frames))
    assert float(made.std()) < 1e-5 * float(changing.std())
