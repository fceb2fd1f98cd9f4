"""What the benchmark of own vocoders measures against: the paper's losses and networks, Griffin-Lim's place in time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bench_own_vocoder import griffin_lim
from paper_recipe import Period, Scale, discriminator_loss, generator_loss, start_generator
from torch.nn.utils import parametrize

from sda.core import grid
from sda.train.quality import judge

RATE, HOP = 44_100, 512


def said(score: float, level: float = 0.0) -> list[tuple[torch.Tensor, list[torch.Tensor]]]:
    """Two discriminators of one opinion, with two maps each."""
    return [(torch.full((1, 4), score), [torch.full((1, 2, 4), level)] * 2)] * 2


def test_losses_of_discriminators_that_know_and_that_do_not() -> None:
    # Least squares to 1 for real and 0 for made, in each of two discriminators.
    assert discriminator_loss(said(1.0), said(0.0)).item() == 0
    assert discriminator_loss(said(0.0), said(1.0)).item() == 4
    assert discriminator_loss(said(0.5), said(0.5)).item() == 1
    # To pass for real costs (1 - 0)^2, and maps that differ by .25 cost 2 (.25 + .25), twice each.
    assert generator_loss(said(1.0), said(0.0)).item() == 2
    assert generator_loss(said(1.0, 0.5), said(1.0, 0.25)).item() == pytest.approx(2)


def test_discriminators_are_as_large_as_the_papers() -> None:
    # By the layers' shapes: 32 5 + 32 128 5 + 128 512 5 + 512 1024 5 + 1024 1024 5 + 1024 3 weights, without the norms' gains.
    def weights(net: torch.nn.Module) -> int:
        return sum(m.weight.numel() for m in [*net.layers, net.last])

    assert weights(Period(5)) == 5 * (32 + 32 * 128 + 128 * 512 + 512 * 1024 + 1024 * 1024) + 3 * 1024
    grouped = 41 * (128 * 128 // 4 + (128 * 256 + 256 * 512 + 512 * 1024 + 1024 * 1024) // 16)
    assert weights(Scale(1)) == 15 * 128 + grouped + 5 * 1024 * 1024 + 3 * 1024
    assert (Period(7)(torch.zeros(1, 1, 1000))[1][0].shape[-1], Period(7).period) == (7, 7)


def test_the_papers_generator_starts_small_and_folds_exactly() -> None:
    torch.manual_seed(0)
    net = start_generator()
    assert net.ups[0].weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert net.spec.causal_stages == 0
    log_mel = torch.randn(1, 128, 6)
    with torch.no_grad():
        before = net(log_mel)
        for module in net.modules():
            if parametrize.is_parametrized(module):
                parametrize.remove_parametrizations(module, "weight")
        torch.testing.assert_close(net(log_mel), before, atol=1e-6, rtol=1e-5)
    assert before.shape == (1, 1, 6 * HOP)


def test_griffin_lim_keeps_the_place_and_the_mel() -> None:
    random, length = np.random.default_rng(0), 40 * HOP
    sound = (0.3 * np.sin(2 * np.pi * 440 / RATE * np.arange(length)) + 0.003 * random.standard_normal(length)).astype(
        np.float32
    )
    sound[: 20 * HOP] *= 0.01
    made = griffin_lim(grid.log_mel(sound))
    assert len(made) == length
    assert judge(made, sound).mel < 0.5
    assert judge(np.roll(made, 4 * HOP), sound).mel > judge(made, sound).mel + 0.1  # elsewhere it would not fit
