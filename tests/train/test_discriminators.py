"""The discriminators against the paper's own sizes, and against plain one-dimensional arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from sda.train.discriminators import Discriminators, PeriodDiscriminator, ScaleDiscriminator
from sda.train.vocoder_plan import PAPER, DiscriminatorSpec

RANDOM = torch.Generator().manual_seed(0)


def sound(batch: int, length: int) -> torch.Tensor:
    return 0.1 * torch.randn(batch, length, generator=RANDOM)


def test_at_the_papers_width_they_have_its_parameters() -> None:
    # Weights and biases of Kong et al. 2020: five period stacks of 8,215,585 and three scale stacks of 9,876,737, less
    # weight norm's magnitudes. Each term is outputs * inputs / groups * taps + outputs.
    period = sum(
        o * i * k + o for i, o, k in [(1, 32, 5), (32, 128, 5), (128, 512, 5), (512, 1024, 5), (1024, 1024, 5), (1024, 1, 3)]
    )
    scale = sum(
        o * i // g * k + o
        for i, o, k, g in [
            (1, 128, 15, 1), (128, 128, 41, 4), (128, 256, 41, 16), (256, 512, 41, 16), (512, 1024, 41, 16),
            (1024, 1024, 41, 16), (1024, 1024, 5, 1), (1024, 1, 3, 1),
        ]
    )  # fmt: skip
    found = sum(p.numel() for p in Discriminators(PAPER).parameters())
    assert found == 5 * period + 3 * scale
    assert 70.6e6 < found < 70.8e6  # as measured for the reference, 70.7 M


def test_a_period_sees_every_so_manieth_sample() -> None:
    part = PeriodDiscriminator(5, (4, 4, 4, 4, 4))
    audio = sound(1, 500)
    changed = audio.clone()
    changed[0, 2::5] += 0.3  # the third column alone
    before, after = part(audio).features[0], part(changed).features[0]  # [B, C, 5, H]
    moved = (before - after).abs().amax(dim=(0, 1, 3)) > 1e-6
    assert moved.tolist() == [False, False, True, False, False]


def test_a_scale_is_the_papers_average_pooling_before_plain_convolutions() -> None:
    part = ScaleDiscriminator(2, (8, 8, 8, 8, 8, 8, 8), (1,) * 7)
    audio, layers = sound(2, 4096), part.stack.layers
    x = F.avg_pool1d(audio[:, None], 4, 2, padding=2)
    for layer, stride in zip(layers, (1, 2, 2, 4, 4, 1, 1), strict=True):
        x = F.leaky_relu(F.conv1d(x, layer.weight[:, :, 0], layer.bias, stride, padding=layer.weight.shape[3] // 2), 0.1)
    last = part.stack.last
    expected = F.conv1d(x, last.weight[:, :, 0], last.bias, padding=1).flatten(1)
    torch.testing.assert_close(part(audio).score, expected, atol=1e-5, rtol=1e-4)


def test_the_level_does_not_count_unless_there_is_none() -> None:
    net, audio = Discriminators(DiscriminatorSpec()), sound(2, 8192)
    for one, other in zip(net(audio), net(audio / 50), strict=True):
        torch.testing.assert_close(one.score, other.score, atol=1e-5, rtol=1e-3)
    assert (net(audio)[0].score - net(audio * 1e-5)[0].score).abs().max() > 1e-3  # near silence is not made loud


def test_each_says_its_layers_and_a_score_for_every_crop() -> None:
    opinions = Discriminators(DiscriminatorSpec())(sound(3, 8192))
    assert len(opinions) == 7
    assert [len(opinion.features) for opinion in opinions] == [5] * 5 + [7] * 2
    assert all(len(opinion.score) == 3 for opinion in opinions)


@pytest.mark.parametrize("length", [8192, 8191, 8209])
def test_any_length_is_taken(length: int) -> None:
    assert all(torch.isfinite(opinion.score).all() for opinion in Discriminators(DiscriminatorSpec())(sound(1, length)))
